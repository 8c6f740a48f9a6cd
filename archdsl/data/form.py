"""The typed data form of a graph. The JSON Schema in ``grammars/arch.schema.json`` is generated from these classes.

Nodes stand in topological order and name the values they take; a node's single output is called like the node,
several are ``<path>.0``, ``<path>.1`` … Fields with a default may be left out of a hand-written document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

FORMAT: Literal["archdsl.graph"] = "archdsl.graph"
FORMAT_VERSION: Literal[1] = 1

Dtype = Literal["f32", "f16", "bf16", "f64", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool"]
Dimension = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=2000)],
    Field(description="an integer, or an expression over symbols: `(H + 1) // 2`"),
]

Name = Annotated[str, Field(pattern="^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]*$")]
"""Plain text: nothing in it steers a terminal (see ``archdsl.interface.STEERS``)."""


class Form(BaseModel):
    """Base of all parts: nothing is coerced and no unknown field is let through."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TypeForm(Form):
    """Element type and shape of a tensor."""

    dtype: Dtype
    shape: list[Dimension]


Sides = Annotated[int | tuple[int, int] | None, Field(description="pixels, or [height, width]")]


class PreprocessForm(Form):
    """How a picture becomes an input; see ``archdsl.interface.Preprocess``."""

    resize: Sides = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    crop: Sides = None
    crop_pct: float | None = None
    channels: Literal["rgb", "bgr", "gray"] | None = None
    scale: int | float = 1 / 255
    mean: float | list[float] = 0.0
    std: float | list[float] = 1.0
    layout: Literal["nchw", "nhwc"] = "nchw"


class InputForm(Form):
    """An input of the graph."""

    name: Name
    dtype: Dtype
    shape: list[Dimension]
    preprocess: PreprocessForm | None = None


class SymbolicForm(Form):
    """An argument that is a symbolic dimension."""

    dim: Annotated[str, Field(max_length=2000)]


class FloatForm(Form):
    """An argument that is a number JSON cannot write."""

    float: Literal["inf", "-inf", "nan"]


class InitForm(Form):
    """How a parameter begins; see ``archdsl.ops.base.Initializer``."""

    scheme: Literal["fan", "zeros", "ones", "constant", "uniform", "normal", "data", "file"]
    values: list[int | float | FloatForm] = []
    fan_in: int = 0
    fan_out: int = 0
    file: Name = ""
    """Of ``file``: the name of the file that has the values, which are not read from there again."""
    tensor: str = ""
    """Of ``file``: what the tensor is called there."""


if TYPE_CHECKING:
    ArgumentForm = Any
else:
    ArgumentForm = TypeAliasType(
        "ArgumentForm",
        Union[bool, int, float, str, list["ArgumentForm"], SymbolicForm, FloatForm, TypeForm, InitForm, None],  # noqa: UP007
    )


class ParameterForm(Form):
    """One tensor of weights; nodes name it by its path, and sharing is naming it twice."""

    path: Name
    dtype: Dtype
    shape: list[Dimension]
    init: InitForm
    buffer: bool = False
    trainable: bool = True


class StoredForm(Form):
    """A tensor of a checkpoint that is kept in another layout than the parameter: in a shape of as many elements, or
    with its axis i as axis ``order[i]`` of the parameter.
    """

    name: Name
    shape: list[Annotated[int, Field(ge=0)]] | None = None
    order: list[Annotated[int, Field(ge=0)]] = []


class SourceForm(Form):
    """A text that the graph was elaborated from; it stays inside for messages."""

    name: str
    text: str


class FrameForm(Form):
    """One application of a block: where (``source``, ``start``, ``end``), and in which earlier frame."""

    name: str
    arguments: str = ""
    span: tuple[int, int, int] | None = Field(None, description="index of the source, first character, end")
    parent: int | None = None


class OriginForm(Form):
    """Why a node exists: the call in the text, and the frame it was made in."""

    span: tuple[int, int, int] | None = Field(None, description="index of the source, first character, end")
    frame: int | None = None


class BodyForm(Form):
    """The graph that a node holds: its inputs have the types that the node's operator gives them."""

    inputs: list[Name]
    nodes: list[NodeForm]
    outputs: dict[Name, str] = Field(description="output name -> value name")
    taps: dict[Name, str] = Field({}, description="label path -> value name")


class NodeForm(Form):
    """One application of an operator. Arguments at their defaults are left out."""

    path: Name
    op: str
    arguments: dict[str, ArgumentForm] = {}
    inputs: list[str]
    outputs: list[TypeForm] | None = Field(None, description="stated types; checked against the operator's rule")
    parameters: dict[str, str] = Field({}, description="slot of the operator -> path of a parameter")
    body: BodyForm | None = Field(None, description="the graph that the node holds, if its operator does")
    origin: OriginForm | None = None


class GraphForm(Form):
    """A whole graph."""

    model_config = ConfigDict(title="archdsl graph, format version 1")

    format: Literal["archdsl.graph"]
    format_version: Literal[1]
    name: Name
    doc: str = ""
    source_hash: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = Field(
        "", description="SHA-256 of the texts that the graph was elaborated from"
    )
    symbols: dict[str, Annotated[int, Field(ge=0)]] = Field({}, description="the values at which costs are reported")
    bounds: dict[str, tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)] | None]] = Field(
        {}, description="the least and the greatest value (null: any) of symbols that are not just at least 1"
    )
    inputs: list[InputForm]
    parameters: list[ParameterForm] = []
    nodes: list[NodeForm]
    outputs: dict[Name, str] = Field(description="output name -> value name")
    states: dict[Name, Name] = Field({}, description="input name -> the output that enters there in the next call")
    labels: dict[str, list[str]] = Field({}, description="output name -> what its classes are called")
    taps: dict[Name, str] = Field({}, description="label path -> value name")
    maps: dict[Name, dict[str, Name | StoredForm]] = Field(
        {}, description="name of a map -> path of a parameter -> its tensor in a checkpoint, if called otherwise"
    )
    sources: list[SourceForm] = []
    frames: list[FrameForm] = []


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the data form."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **GraphForm.model_json_schema()}
