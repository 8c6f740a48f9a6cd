"""What a user of Python meets: typed to the end, printed readably, with the rights of the command line."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from xml.etree import ElementTree

import pytest
from paths import ROOT

import archdsl
from archdsl.cli import COMMANDS
from archdsl.dims import Expr
from archdsl.record import Record

FUNCTION_OF = {"ops": "operators", "report": "explorer", "weights": "read_weights"}
"""Commands whose function is called otherwise, because a room of the package has their name."""


def names_of(module: ModuleType) -> dict[str, object]:
    """A module's names, those included that it imports for type checkers only."""
    found = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module.__name__, "exec"), found)
    found.setdefault("Expr", Expr)  # `Dim` names it before it is defined
    found["networkx"] = SimpleNamespace(MultiDiGraph=dict)  # generic for type checkers alone
    return found


def parts_of(annotation: object) -> Iterator[object]:
    """A type and everything that it is made of."""
    yield annotation
    for part in annotation if isinstance(annotation, list) else typing.get_args(annotation):
        yield from parts_of(part)


def held(public: type | FunctionType) -> dict[str, dict[str, object]]:
    """The annotations of a function; or of the fields, methods and properties of a class."""
    name = public.__name__
    names = names_of(import_module(public.__module__))
    if isinstance(public, FunctionType):
        return {name: typing.get_type_hints(public, names)}
    found = {}
    if issubclass(public, Record):
        names["ClassVar"], names["Any"] = typing.ClassVar, typing.Any  # of the base class
        hints = typing.get_type_hints(public, names)
        found[f"{name} fields"] = {field: hints[field] for field in public._fields} | {"return": None}
    for key, member in vars(public).items():
        function = member.fget if isinstance(member, property) else getattr(member, "func", member)
        ours = isinstance(function, FunctionType) and function.__module__ == public.__module__
        if ours and (key == "__init__" or not key.startswith("_")):
            found[f"{name}.{key}"] = typing.get_type_hints(function, names)
            wanted = set(inspect.signature(function).parameters) - {"self"}
            assert wanted <= set(found[f"{name}.{key}"]), f"{name}.{key} has parameters without a type"
    return found


def border() -> dict[str, type | FunctionType]:
    """What is public, and the classes of what it returns."""
    found = {name: getattr(archdsl, name) for name in archdsl.__all__}
    for public in [public for public in found.values() if isinstance(public, FunctionType)]:
        for part in parts_of(held(public)[public.__name__]["return"]):
            if isinstance(part, type) and part.__module__.startswith("archdsl."):
                found.setdefault(part.__name__, part)
    return found


BORDER = border()


@pytest.mark.parametrize("name", BORDER)
def test_no_any_at_the_border(name: str) -> None:
    for where, hints in held(BORDER[name]).items():
        assert "return" in hints, where
        for parameter, annotation in hints.items():
            assert typing.Any not in parts_of(annotation), f"{where}: {parameter}: {annotation}"


def test_the_test_sees_any() -> None:
    def careless(x: dict[str, list[typing.Any]]) -> None: ...

    assert typing.Any in parts_of(typing.get_type_hints(careless)["x"])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_function(command: str) -> None:
    function = getattr(archdsl, FUNCTION_OF.get(command, command))
    assert callable(function) and (inspect.getdoc(function) or "")


def test_the_functions_stay_functions_when_every_room_was_imported() -> None:
    probe = (
        "import archdsl, pkgutil, importlib, types\n"
        "for m in pkgutil.walk_packages(archdsl.__path__, 'archdsl.'):\n"
        "    if m.name.endswith(('__main__', '.helper_layers', '.recurrent_layers')): continue  # (what is written for PyTorch needs PyTorch)\n"
        "    importlib.import_module(m.name)\n"
        "assert not [n for n in archdsl.__all__ if isinstance(getattr(archdsl, n), types.ModuleType)]\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, cwd=ROOT)


def test_importing_changes_nothing_of_the_process() -> None:
    probe = (
        "import sys, gc\nbefore = sys.getrecursionlimit(), gc.isenabled()\nimport archdsl\n"
        "from archdsl import reading\nimport archdsl.driver\n"
        "archdsl.load(reading.ZOO / 'lenet.arch').graph()\n"
        "assert (sys.getrecursionlimit(), gc.isenabled()) == before\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, cwd=ROOT)


def test_the_stack_is_deep_while_any_thread_compiles() -> None:
    from threading import Event, Thread

    from archdsl.process import STACK, deep_stack

    before, inside, done = sys.getrecursionlimit(), Event(), Event()

    def other() -> None:
        with deep_stack():
            inside.set()
            done.wait(10)

    thread = Thread(target=other)
    thread.start()
    inside.wait(10)
    with deep_stack():
        pass
    assert sys.getrecursionlimit() == STACK  # the other thread still needs it
    done.set()
    thread.join()
    assert sys.getrecursionlimit() == before


@pytest.mark.parametrize("arguments", [["--version"], ["list", "--format", "names"]])
def test_python_m_is_the_command_line(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "archdsl", *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and done.stdout


def test_no_file_of_the_command_line_does_the_work() -> None:
    files = (ROOT / "archdsl" / "cli").glob("*.py")
    long = {f.name: n for f in files if (n := len(f.read_text(encoding="utf-8").splitlines())) > 120}
    assert long == {}


SCRIPT = """
import archdsl
from archdsl import Diagnostic, DiagnosticError, Graph, Program

program: Program = archdsl.load("specs/lenet.arch")
graph: Graph = program.graph("lenet5")
found: list[Diagnostic] = program.check()
params: object = archdsl.cost(graph, {"N": 8}).total("params")
ok: bool = archdsl.check("specs/lenet.arch").ok
codes: list[str] = [d.code for d in archdsl.lint("lenet5", select=["W04"]).diagnostics]
peak: object = archdsl.memory("lenet5").figures
verdict: str = archdsl.diff("resnet18", "resnet34").interface.verdict
known_as: str | None = archdsl.which("lenet5").best
best = archdsl.fit("mobilenet_v2", {"width": "0.5..1.0:0.5"}, "macs <= 300M", maximize="params").settings
figures: str = str(archdsl.sweep("mobilenet_v2", {"width": [0.5, 1.0]}))
size: int = archdsl.compile(graph, "lenet5.onnx", seed=1).bytes
shape: tuple[int, ...] = archdsl.run("lenet5.onnx")["logits"].shape
same: bool = archdsl.verify("lenet5.onnx", "lenet5.onnx", tolerance=1e-5).same
names: tuple[str, ...] = archdsl.list("lenet*").names
text: str = archdsl.show(graph, "mermaid", depth=1)
report: str = archdsl.explorer("lenet5").html
picture: str = archdsl.draw("lenet5", depth=1).svg
with archdsl.view("lenet5") as served:
    address: str = served.address
page: str = archdsl.explain("E0304").pages["E0304"]
known: tuple[str, ...] = archdsl.operators().names
well: bool = archdsl.doctor().well
fields: str = str(archdsl.fields("resnet18", "layer*"))
tensors: int = len(archdsl.read_weights("lenet5.onnx").checkpoint)
complete: bool = archdsl.match_weights(graph, "lenet5.onnx").complete
written: str = str(archdsl.export_weights("lenet5.onnx").path)
theirs: dict[str, object] = {**archdsl.weight_names("xception", "timm").names}
changed: bool = bool(archdsl.fmt("specs/lenet.arch", check=True).changed)
spec: str = archdsl.init("model.arch").read_text()
archdsl.save_baseline(archdsl.check("model.arch"), "baseline.json")
net = archdsl.Builder("tiny")
x = net.input("image", "f32", ["N", 3, 32, 32])
tiny: Graph = net.graph(y=net.apply("relu", net.apply("conv", x, channels=4, kernel=3)))
try:
    archdsl.load("nowhere.arch")
except DiagnosticError as error:
    message: str = str(error)
"""


def test_a_script_that_uses_everything_is_typed(tmp_path: Path) -> None:
    assert {f"archdsl.{name}" for name in archdsl.__all__ if f"archdsl.{name}" not in SCRIPT} <= {
        "archdsl.Diagnostic", "archdsl.DiagnosticError", "archdsl.Graph", "archdsl.Program",
    }  # fmt: skip
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(script)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_a_script_that_uses_everything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(compile(SCRIPT, "script.py", "exec"), found)
    assert found["ok"] and found["same"] and found["complete"] and found["best"] == {"width": 0.5}
    assert "E0001" in str(found["message"]) and "nowhere.arch" in str(found["message"])


PRINTED = {
    "program": "archdsl.load('specs/lenet.arch')", "graph": "archdsl.load('specs/lenet.arch').graph()",
    "cost": "archdsl.cost('lenet5')", "memory": "archdsl.memory('lenet5')", "fields": "archdsl.fields('resnet18', 'layer*')",
    "diff": "archdsl.diff('resnet18', 'resnet34')", "which": "archdsl.which('lenet5')", "check": "archdsl.check('specs/lenet.arch')",
    "lint": "archdsl.lint('alexnet_2012')", "list": "archdsl.list('lenet*')", "ops": "archdsl.operators()",
    "operator": "archdsl.operators('conv')", "page": "archdsl.explain('E0304')", "pages": "archdsl.explain()",
    "fit": "archdsl.fit('lenet5', {'classes': '5..10'}, 'params <= 61K')",
    "sweep": "archdsl.sweep('lenet5', {'classes': '5..10'})", "doctor": "archdsl.doctor()",
    "report": "archdsl.load('specs/lenet.arch').report()", "format": "archdsl.fmt('specs/lenet.arch', check=True)",
    "compile": "archdsl.compile('lenet5', FOLDER + '/m.onnx')",
    "weights": "(archdsl.compile('lenet5', FOLDER + '/m.onnx'), archdsl.read_weights(FOLDER + '/m.onnx'))[1]",
    "match": "(archdsl.compile('lenet5', FOLDER + '/m.onnx'), archdsl.match_weights('lenet5', FOLDER + '/m.onnx'))[1]",
    "export": "(archdsl.compile('lenet5', FOLDER + '/m.onnx'), archdsl.export_weights(FOLDER + '/m.onnx'))[1]",
    "names": "archdsl.weight_names('xception', 'timm')",
    "run": "archdsl.run('lenet5')", "verify": "(archdsl.compile('lenet5', FOLDER + '/m.onnx'), archdsl.verify(FOLDER + '/m.onnx', FOLDER + '/m.onnx'))[1]",
    "explorer": "archdsl.explorer('lenet5')",
    "draw": "archdsl.draw('lenet5')",
    "diagnostic": "archdsl.lint('alexnet_2012').diagnostics[0]",
}  # fmt: skip


@pytest.mark.parametrize("what", PRINTED)
def test_what_is_held_prints_itself(what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    found = eval(PRINTED[what], {"archdsl": archdsl, "FOLDER": str(tmp_path)})
    for form, text in found._repr_mimebundle_().items():
        assert "object at 0x" not in text and len(text.strip()) > 20, form
        if form == "text/html":
            ElementTree.fromstring(text)  # tags are closed, in order
