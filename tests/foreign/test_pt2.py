"""Programs of ``torch.export`` as networks: figures, paths, names, sizes, and what their archives may not do."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from exported import exported
from torch import nn

import archdsl
from archdsl import foreign
from archdsl.diagnostics import DiagnosticError

pytestmark = pytest.mark.reference


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv2(self.relu(self.bn1(self.conv1(x))))
        y += x
        return self.relu(y)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.layers = nn.Sequential(Block(), Block())
        self.scale = nn.Parameter(torch.ones(()))
        self.fc = nn.Linear(8, 10)
        self.unused = nn.Linear(3, 3)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.layers(self.stem(image)).mean((2, 3))
        return {"logits": self.fc(x) * self.scale, "features": x}


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 6)
        self.head = nn.Linear(6, 50, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.embed(ids))


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(Net(), [torch.randn(2, 3, 16, 16)], tmp_path_factory.mktemp("net") / "net.pt2")


def test_figures_paths_and_names(net: Path) -> None:
    table = archdsl.cost(net)
    assert [node.path for node in table.graph.nodes] == [
        "stem", "layers.0.conv1", "layers.0.bn1", "layers.0.relu", "layers.0.conv2", "layers.0.add", "layers.0.relu_2",
        "layers.1.conv1", "layers.1.bn1", "layers.1.relu", "layers.1.conv2", "layers.1.add", "layers.1.relu_2",
        "reduce_mean", "fc", "scale", "mul",
    ]  # fmt: skip
    module = Net()
    named = {name for name, _ in module.named_parameters() if not name.startswith("unused")}
    assert {one.path for one in table.graph.parameters().values() if not one.buffer} == named
    assert {one.path for one in table.graph.parameters().values() if one.buffer} == {
        name for name, one in module.named_buffers() if one.is_floating_point()
    }
    assert table.total("params") == sum(dict(module.named_parameters())[name].numel() for name in named)
    assert table.total("macs") == 2 * (64 * (8 * 27 + 4 * 8 * 72) + 80)
    assert list(table.graph.outputs) == ["logits", "features"]
    assert [value.name for value in table.graph.inputs] == ["image"]


def test_tied_weights_are_one(tmp_path: Path) -> None:
    graph = foreign.read(exported(Tied(), [torch.zeros(2, 4, dtype=torch.long)], tmp_path / "tied.pt2"))
    assert list(graph.parameters()) == ["embed.weight"]
    assert archdsl.cost(graph).total("params") == 300


def test_free_sizes(tmp_path: Path) -> None:
    free = {0: torch.export.Dim("n"), 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim("w", min=8, max=64)}
    path = exported(Net(), [torch.randn(2, 3, 16, 24)], tmp_path / "free.pt2", free)
    graph = foreign.read(path)
    (n, _, h, w) = graph.inputs[0].type.shape
    assert graph.defaults == {str(n): 1, str(h): 16, str(w): 24}
    assert [symbol.bounds for symbol in graph.symbols() if symbol == str(w)] == [f"{w} >= 8 <= 64"]
    bound = {str(n): 1, str(h): 10, str(w): 14}
    positions = 5 * 7
    assert archdsl.cost(path, bound).total("macs") == positions * (8 * 27 + 4 * 8 * 72) + 80
    with pytest.raises(DiagnosticError, match="E0007"):
        foreign.read(path, {"batch": 4})
    with pytest.raises(DiagnosticError, match="E0007"):
        foreign.read(path, {str(w): 65})


def test_unknown_operators_are_opaque(tmp_path: Path) -> None:
    class Determinant(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.det(x @ x) + x.sum()

    table = archdsl.cost(exported(Determinant(), [torch.randn(3, 4, 4)], tmp_path / "det.pt2"))
    (unknown,) = [node for node in table.graph.nodes if node.op.foreign]
    assert "det" in str(unknown.op)
    assert "≥" in str(table) or ">=" in str(table)


def rewritten(net: Path, path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with some members changed."""
    with zipfile.ZipFile(net) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def program(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    """A change of the program."""

    def apply(members: dict[str, bytes]) -> None:
        (name,) = (one for one in members if one.endswith("models/model.json"))
        found = json.loads(members[name])
        change(found)
        members[name] = json.dumps(found).encode()

    return apply


def node(found: dict[str, Any], number: int) -> dict[str, Any]:
    made: dict[str, Any] = found["graph_module"]["graph"]["nodes"][number]
    return made


def meta(found: dict[str, Any], name: str) -> dict[str, Any]:
    made: dict[str, Any] = found["graph_module"]["graph"]["tensor_values"][name]
    return made


def without(suffix: str) -> Callable[[dict[str, bytes]], None]:
    def apply(members: dict[str, bytes]) -> None:
        for name in [one for one in members if one.endswith(suffix)]:
            del members[name]

    return apply


def contents(suffix: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    def apply(members: dict[str, bytes]) -> None:
        for name in [one for one in members if one.endswith(suffix)]:
            members[name] = data

    return apply


def view_of_itself(found: dict[str, Any]) -> None:
    """Behind the first convolution, a view that has the name of what it is a view of, and a write into it."""
    ends = {"inputs": [{"name": "self", "arg": {"as_tensor": {"name": "conv2d"}}, "kind": 1}], "metadata": {}}
    view = {**ends, "target": "torch.ops.aten.detach.default", "outputs": [{"as_tensor": {"name": "conv2d"}}]}
    write = {**ends, "target": "torch.ops.aten.relu_.default", "outputs": [{"as_tensor": {"name": "written"}}]}
    found["graph_module"]["graph"]["nodes"][1:1] = [view, write]


FAULTS: dict[str, tuple[Callable[[dict[str, bytes]], None], str, str]] = {
    "no program": (without("model.json"), "E0902", "no exported program"),
    "no weights": (without("weights/weight_0"), "E0902", "are missing"),
    "short weights": (contents("weights/weight_0", b"\0" * 2), "E0902", "needs 1 elements"),
    "no JSON": (contents("model.json", b"{"), "E0902", "not complete JSON"),
    "deep JSON": (contents("model.json", b"[" * 100_000 + b"]" * 100_000), "E0902", "JSON"),
    "long numbers": (contents("model.json", b'{"a": ' + b"9" * 100_000 + b"}"), "E0902", "not complete JSON"),
    "much JSON": (contents("model.json", b"[" + b"{}," * 3_000_000 + b"{}]"), "E0902", "items"),
    "another schema": (program(lambda p: p["schema_version"].update(major=99)), "E0902", "version 99"),
    "a lying shape": (
        program(lambda p: meta(p, "conv2d")["sizes"][1].update(as_int=9)), "E1001", "the file says that `conv2d`",
    ),
    "a lying weight": (
        program(lambda p: meta(p, "p_stem_weight")["sizes"][0].update(as_int=9)), "E0902", "in the program, and",
    ),
    "a name that is not there": (
        program(lambda p: node(p, 1)["inputs"][0]["arg"]["as_tensor"].update(name="nothing")), "E1001", "`nothing`",
    ),
    "a stride that is no number": (
        program(lambda p: node(p, 0)["inputs"][3].update(arg={"as_string": "two"})), "E0204", "stride",
    ),
    "a stride of 0": (program(lambda p: node(p, 0)["inputs"][3].update(arg={"as_ints": [0, 0]})), "E0205", "stride"),
    "a size that is no formula": (
        program(lambda p: meta(p, "image")["sizes"].__setitem__(0, {"as_expr": {"expr_str": "__import__('os')"}})),
        "E1001", "`image`",
    ),
    "a view of itself": (program(view_of_itself), "E1001", "two values are called `conv2d`"),
    "no graph": (program(lambda p: p["graph_module"].pop("graph")), "E0902", "no graph"),
    "nodes of another kind": (program(lambda p: p["graph_module"]["graph"].update(nodes=[1])), "E0902", "no call"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told(fault: str, net: Path, tmp_path: Path) -> None:
    change, code, told = FAULTS[fault]
    with pytest.raises(DiagnosticError) as refused:
        foreign.read(rewritten(net, tmp_path / "it.pt2", change))
    (found,) = refused.value.diagnostics
    assert found.code == code
    assert told in found.message


def test_faults_are_located(net: Path, tmp_path: Path) -> None:
    lying = program(lambda p: meta(p, "conv2d_1")["sizes"][1].update(as_int=9))
    with pytest.raises(DiagnosticError) as refused:
        foreign.read(rewritten(net, tmp_path / "it.pt2", lying))
    (found,) = refused.value.diagnostics
    assert found.span is not None
    assert found.span.text.endswith("in layers.0.conv1")
    assert any("test_pt2.py:" in note for note in found.notes)


def test_a_bomb_is_not_unpacked(net: Path, tmp_path: Path) -> None:
    archive = zipfile.ZipFile(tmp_path / "bomb.pt2", "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open("bomb/models/model.json", "w") as member:
        for _ in range(200):
            member.write(b" " * (1 << 20))
    with pytest.raises(DiagnosticError, match="unpacks to more than"):
        foreign.read(tmp_path / "bomb.pt2")


def test_no_pickle_is_opened(net: Path, tmp_path: Path) -> None:
    spoiled = rewritten(net, tmp_path / "it.pt2", contents("sample_inputs/model.pt", b"\x80\x02no pickle"))
    assert archdsl.cost(spoiled).total("params") == archdsl.cost(net).total("params")


def test_programs_and_modules_from_python(net: Path) -> None:
    module, image = Net().train(), torch.randn(2, 3, 16, 16)
    module.layers[0].bn1.eval()
    wanted = archdsl.cost(net)
    loaded = archdsl.load(module, (image,))
    assert archdsl.cost(loaded.graph()).total("macs") == wanted.total("macs")
    assert module.training and module.layers[1].bn1.training and not module.layers[0].bn1.training
    found = archdsl.run(loaded.graph(), image.numpy())
    with torch.no_grad():
        expected = module.eval()(image)
    for name, array in found.items():
        assert torch.allclose(torch.from_numpy(array), expected[name], atol=1e-5)
    program = torch.export.export(module, (), {"image": image}, strict=False)
    assert archdsl.cost(archdsl.load(program).graph()).total("params") == wanted.total("params")
    named = archdsl.load(module, by_name={"image": image})
    assert named.graph().inputs[0].name == "image"
    assert "outputs logits, features" in str(named)
    assert archdsl.load(net).graph().name == "net"


def test_what_cannot_be_loaded() -> None:
    with pytest.raises(TypeError, match="needs inputs to trace it with"):
        archdsl.load(Net())
    with pytest.raises(TypeError, match="must be str, Path"):
        archdsl.load(3)
    with pytest.raises(TypeError, match="for a module of PyTorch"):
        archdsl.load("resnet50", (1,))  # type: ignore[call-overload]


STRANGE = (None, -1, 0, 10**30, 1.5, "x", [], {}, [1], {"as_int": 3}, True, [[]], {"as_tensor": {"name": "image"}})


def places(found: Any) -> list[tuple[Any, Any]]:
    """Every place of a document, as a container and a key."""
    inside = (
        list(found.items()) if isinstance(found, dict) else list(enumerate(found)) if isinstance(found, list) else []
    )
    return [(found, key) for key, _ in inside] + [place for _, one in inside for place in places(one)]


@pytest.mark.parametrize("seed", range(60))
def test_changed_programs_end_in_a_code(seed: int, net: Path, tmp_path: Path) -> None:
    drawn = random.Random(seed)

    def spoil(found: dict[str, Any]) -> None:
        for container, key in drawn.sample(places(found), 1 + seed % 4):
            container[key] = drawn.choice(STRANGE)

    try:
        foreign.read(rewritten(net, tmp_path / "it.pt2", program(spoil)))
    except DiagnosticError as refused:
        assert all(one.code[0] == "E" for one in refused.diagnostics)
