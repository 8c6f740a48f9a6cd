"""Other packages add operators, rules and backends: a real wheel, and what is told of packages that are wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from console import commands, steady
from markdown import fences
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from packages import CARD, archdsl, installed
from paths import DOCS, ROOT

pytestmark = pytest.mark.slow

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
PAGES = {"archdsl-example": DOCS / "operator_package.md", "archdsl-listing": DOCS / "add_a_backend.md"}


def from_wheel(package: str, folder: Path) -> Path:
    """The folder with the files of a page; in ``site`` its package is installed from a wheel, without a network."""
    for fence in fences(PAGES[package]):
        if "file" in fence.options:
            path = folder / fence.options["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fence.text, encoding="utf-8")
    offline = ["-q", "--no-deps", "--no-index"]
    build = [*PIP, "wheel", *offline, "--no-build-isolation", "-w", str(folder / "dist"), str(folder / package)]
    subprocess.run(build, check=True)
    (built,) = (folder / "dist").glob("*.whl")
    subprocess.run([*PIP, "install", *offline, "--target", str(folder / "site"), str(built)], check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the operators of the documentation are installed."""
    return from_wheel("archdsl-example", tmp_path_factory.mktemp("operators"))


@pytest.fixture(scope="module")
def backend_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the backend of the documentation is installed."""
    return from_wheel("archdsl-listing", tmp_path_factory.mktemp("backend"))


def does_what_it_says(package: str, folder: Path) -> None:
    found = [fence for fence in fences(PAGES[package]) if fence.options.get("package") == package]
    shown = [pair for fence in found if fence.lang == "console" for pair in commands(fence.text)]
    assert shown
    for command, text in shown:
        done = archdsl(*command.split()[1:], packages=folder / "site", folder=folder)
        assert steady(done.stdout + done.stderr) == steady(text), command
    for fence in found:
        if "shows" in fence.options:
            assert (folder / fence.options["shows"]).read_text(encoding="utf-8") == fence.text


def test_the_page_of_operators_is_what_the_commands_print(wheel: Path) -> None:
    does_what_it_says("archdsl-example", wheel)


def test_the_page_of_a_backend_is_what_the_commands_print(backend_wheel: Path) -> None:
    does_what_it_says("archdsl-listing", backend_wheel)
    shown = archdsl("compile", "--help", packages=backend_wheel / "site", folder=backend_wheel).stdout
    assert "--numbers  count the lines" in shown
    done = archdsl(
        "compile", "resnet18", "--to", "listing", "-o", "x.txt", packages=backend_wheel / "site", folder=ROOT
    )
    assert done.returncode == 1 and done.stderr.startswith("error[E0601]: `conv` has no counterpart in a list\n")
    assert "resnet.arch:" in done.stderr


def test_costs_are_those_of_the_cards(wheel: Path) -> None:
    """A comparison for each of 16 * 8 elements; products of 8 to 10, and 8 squares for each of 1 + 10 norms."""
    done = archdsl("cost", "tracks.arch", "--format", "json", packages=wheel / "site", folder=wheel)
    totals = {name: total["value"] for name, total in json.loads(done.stdout)["totals"].items()}
    assert (totals["params"], totals["comparisons"], totals["macs"]) == (8 * 10, 16 * 8, 8 * 10 + 8 * (1 + 10))
    assert json.loads(done.stdout)["coverage"] == 1


def compiled(wheel: Path, network: str, *arguments: str, name: str) -> Path:
    (wheel / f"{name}.arch").write_text(f"arch 1\nnetwork Net() {{\n  input x: f32[2, 5, 8]\n  {network}\n}}\n")
    out = wheel / f"{name}{'.py' if 'torch' in arguments else '.onnx'}"
    done = archdsl("compile", f"{name}.arch", "-o", out.name, *arguments, packages=wheel / "site", folder=wheel)
    assert done.returncode == 0, done.stderr
    return out


def cosines(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return x @ weight.T / np.linalg.norm(x, axis=-1, keepdims=True) / np.linalg.norm(weight, axis=1)


def test_a_composition_runs_in_onnx_runtime(wheel: Path) -> None:
    import onnxruntime

    path = compiled(wheel, "scores: cosine_linear(3)", name="cosine")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    (weight,) = (onnx.numpy_helper.to_array(one) for one in model.graph.initializer)
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": x})
    np.testing.assert_allclose(found, cosines(x, weight), rtol=1e-5, atol=1e-6)


class CumMax(OpRun):
    op_domain = "com.example"

    def _run(self, x: np.ndarray, axis: int) -> tuple[np.ndarray]:
        return (np.maximum.accumulate(x, axis),)


def test_an_operator_of_its_own_domain_is_written_for_who_has_a_kernel(wheel: Path) -> None:
    model = onnx.load(compiled(wheel, "cummax(axis = 1)", name="cummax"))
    onnx.checker.check_model(model)
    assert [(node.domain, node.op_type) for node in model.graph.node] == [("com.example", "CumMax")]
    assert {one.domain: one.version for one in model.opset_import} == {"": 17, "com.example": 1}
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)
    (found,) = ReferenceEvaluator(model, new_ops=[CumMax]).run(None, {"x": x})
    assert (found == np.maximum.accumulate(x, 1)).all()


@pytest.mark.reference
def test_both_are_the_same_in_pytorch(wheel: Path) -> None:
    import runpy

    import torch

    x = torch.randn(2, 5, 8)
    net = runpy.run_path(str(compiled(wheel, "cummax(axis = t)", "--to", "torch", name="m")))["Net"]()
    assert (net(x).numpy() == np.maximum.accumulate(x.numpy(), 1)).all()
    net = runpy.run_path(str(compiled(wheel, "scores: cosine_linear(3)", "--to", "torch", name="c")))["Net"]()
    expected = cosines(x.numpy(), net.scores.weight.detach().numpy())
    np.testing.assert_allclose(net(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_what_a_spec_defines_comes_first(wheel: Path) -> None:
    """Installing a package changes no spec."""
    block = "block cummax(c) = linear(c)\nnetwork Net() {\n  input x: f32[2, 8]\n  cummax(3)\n}\n"
    (wheel / "own.arch").write_text(f"arch 1\n{block}")
    done = archdsl("show", "own.arch", packages=wheel / "site", folder=wheel)
    assert "linear(3)" in done.stdout, done.stderr


def test_it_is_there_for_python_and_as_data(wheel: Path) -> None:
    program = (
        "import archdsl, archdsl.data as data\n"
        "from archdsl.source import Source\n"
        "graph = archdsl.load('tracks.arch').graph()\n"
        "again = data.read(Source('tracks.json', data.to_json(graph)))\n"
        "assert [str(n.op) for n in again.nodes] == [str(n.op) for n in graph.nodes] and len(graph.nodes) == 3\n"
    )
    path = f"{ROOT}:{wheel / 'site'}"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=wheel, env={"PYTHONPATH": path})


# What is told of packages that are wrong

SPEC = "arch 1\nnetwork Net() {\n  input x: f32[2, 5, 8]\n  twice\n}\n"
NO_EXAMPLES = CARD.replace("cost =", "examples = ()\n    cost =")
OPERATOR = "archdsl.operators"

WRONG = {
    "a module that is not there": ({"twice": "no_such_module:Twice"}, CARD, "cannot be loaded: No module named"),
    "a name that is not there": ({"twice": "cards:Thrice"}, CARD, "cannot be loaded: module 'cards' has no attribute"),
    "a module that fails": ({"twice": "cards:Twice"}, "raise RuntimeError('no\\nluck')", "cannot be loaded: no"),
    "no card": ({"twice": "cards:Work"}, CARD, "cards:Work is not an operator card"),
    "another name": ({"twice": "cards:Twice"}, CARD.replace('"twice"', '"doubled"'), "cards:Twice is called `doubled`"),
    "no examples": ({"twice": "cards:Twice"}, NO_EXAMPLES, "cards:Twice has no examples"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_operator_that_cannot_be_used_is_told_where_it_is_named(kind: str, tmp_path: Path) -> None:
    points, card, told = WRONG[kind]
    installed(tmp_path / "site", "some-package", {OPERATOR: points}, cards=card)
    (tmp_path / "net.arch").write_text(SPEC)
    done = archdsl("check", "net.arch", packages=tmp_path / "site", folder=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stdout.count("error[E0606]: the operator `twice` of the package `some-package 1.0` ") == 1, done.stdout
    assert told in done.stdout and "net.arch:4:3" in done.stdout
    for command in ("ops", "doctor"):
        done = archdsl(command, packages=tmp_path / "site", folder=tmp_path)
        assert done.returncode == 1 and told in done.stdout + done.stderr, (done.stdout, done.stderr)


def test_two_packages_with_one_name(tmp_path: Path) -> None:
    for package, module in (("a-package", "a"), ("b-package", "b")):
        installed(tmp_path / "site", package, {OPERATOR: {"twice": f"{module}:Twice"}}, **{module: CARD})
    (tmp_path / "net.arch").write_text(SPEC)
    done = archdsl("check", "net.arch", packages=tmp_path / "site", folder=tmp_path)
    assert (
        "error[E0606]: the operator `twice` is offered by more than one package: `a-package 1.0` and `b-package 1.0`"
        in done.stdout
    )
    assert "net.arch:4:3" in done.stdout and "uninstall all but one" in done.stdout


def test_nothing_replaces_an_operator_of_the_language(tmp_path: Path) -> None:
    installed(tmp_path / "site", "some-package", {OPERATOR: {"relu": "cards:Relu"}}, cards="raise SystemExit(3)")
    (tmp_path / "net.arch").write_text(SPEC.replace("twice", "relu"))
    assert archdsl("check", "net.arch", packages=tmp_path / "site", folder=tmp_path).returncode == 0
    for command in ("ops", "doctor"):
        done = archdsl(command, packages=tmp_path / "site", folder=tmp_path)
        told = "the operator `relu` of the package `some-package 1.0` is not used: archdsl has its own"
        assert done.returncode == 1 and told in done.stdout + done.stderr, (done.stdout, done.stderr)


@pytest.mark.parametrize(("target", "name"), [("onnx", "ONNX"), ("torch", "PyTorch")])
def test_rules_may_be_absent_or_broken(target: str, name: str, tmp_path: Path) -> None:
    site, group = tmp_path / "site", f"archdsl.rules.{target}"
    output = {"onnx": "net.onnx", "torch": "net.py"}[target]
    installed(site, "some-package", {OPERATOR: {"twice": "cards:Twice"}}, cards=CARD)
    (tmp_path / "net.arch").write_text(SPEC)

    def told() -> str:
        done = archdsl("compile", "net.arch", "--to", target, "-o", output, packages=site, folder=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr and not (tmp_path / output).exists()
        assert "net.arch:4:3" in done.stderr, done.stderr
        return done.stderr

    assert f"error[E0601]: `twice` has no counterpart in {name}" in told()
    installed(site, "its-rules", {group: {"twice": "rules:twice", "thrice": "rules:thrice"}}, rules="")
    wrong = f"the {target} rule of the operator `twice` of the package `its-rules 1.0` cannot be loaded"
    assert f"error[E0606]: {wrong}" in told()
    doctor = archdsl("doctor", packages=site, folder=tmp_path)
    assert wrong in doctor.stdout and "rule for `thrice`, which is not an operator" in doctor.stdout
    raising = "def twice(site):\n    return site.nothing\n"
    (site / "rules.py").write_text(raising)
    assert "`twice` of the package `its-rules 1.0` fails: AttributeError: " in told()
    (site / "rules.py").write_text("")
    page = archdsl("ops", "twice", packages=site, folder=tmp_path)
    assert page.returncode == 1 and "Targets  none" in page.stdout and wrong in page.stderr


def test_a_backend_that_is_none_is_told(tmp_path: Path) -> None:
    points = {"archdsl.backends": {"mine": "mine:backend", "torch": "mine:backend"}}
    installed(tmp_path / "site", "some-package", points, mine="class backend: name = 'mine'")
    (tmp_path / "net.arch").write_text(SPEC.replace("twice", "relu"))
    done = archdsl("compile", "net.arch", "--to", "mine", "-o", "m", packages=tmp_path / "site", folder=tmp_path)
    told = "the backend `mine` of the package `some-package 1.0` cannot be used: it has no `suffix`"
    assert f"error[E0605]: {told}" in done.stderr, done.stderr
    doctor = archdsl("doctor", packages=tmp_path / "site", folder=tmp_path).stdout
    assert told in doctor and "the backend `torch` of the package `some-package 1.0` is not used" in doctor
    assert archdsl("ops", "relu", packages=tmp_path / "site", folder=tmp_path).stdout.count("Targets  onnx torch") == 1


def test_no_entry_points_are_read_for_what_archdsl_has(tmp_path: Path) -> None:
    program = (
        "import sys, archdsl\n"
        "program = archdsl.load('specs/resnet.arch'); program.check()\n"
        "archdsl.compile(program.graph('resnet18'), sys.argv[1], backend='torch')\n"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "m.py")], check=True, cwd=ROOT)
