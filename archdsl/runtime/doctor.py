"""Checks of what works on this machine, by trying it instead of reading version numbers."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from archdsl import registry
from archdsl.diagnostics import Refusal
from archdsl.record import Record
from archdsl.report.render import Printed
from archdsl.runtime.session import DISTRIBUTIONS, PROVIDERS, first_line, open_session, runtime

if TYPE_CHECKING:
    from archdsl.report.listing import Listing

REQUIRED = ("lark", "pydantic", "typer", "rich", "networkx", "numpy", "onnx")
OPTIONAL = ("onnxruntime", "onnxruntime-gpu", "pillow", "pyyaml", "torch")


class Finding(Record):
    """One line of the report: ``state`` is ``ok``, ``note`` or ``wrong``."""

    subject: str
    state: str
    text: str


class Diagnosis(Printed):
    """What ``archdsl doctor`` found."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return all(f.state != "wrong" for f in self.findings)

    def report(self) -> Listing:
        """A line for each finding."""
        from archdsl.report.listing import machine

        return machine([vars(f) for f in self.findings])


def doctor() -> Diagnosis:
    """What works on this machine: the packages, the runtime, and every execution provider, each of them tried."""
    return Diagnosis(_examined())


def _examined() -> list[Finding]:
    here = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    found = [Finding("archdsl", "ok", installed("archdsl") or "a checkout"), Finding("python", "ok", here)]
    found += [_package(name) for name in REQUIRED]
    found += [
        Finding(name, "ok" if installed(name) else "note", installed(name) or "not installed") for name in OPTIONAL
    ]
    return found + _offers() + _runtimes() + _trials()


def _offers() -> list[Finding]:
    """Packages with operators, backends or rules for archdsl, and what of it cannot be used."""
    found = [Finding(package, "ok", f"offers {what}") for package, what in registry.packages().items()]
    return found + [
        Finding("offer", "wrong", f"{fault.message}{fault.help and f'; {fault.help}'}") for fault in registry.faults()
    ]


def installed(name: str) -> str | None:
    """The installed version of a distribution."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _package(name: str) -> Finding:
    found = installed(name)
    return Finding(name, "ok" if found else "wrong", found or "missing: pip install archdsl")


def _runtimes() -> list[Finding]:
    both = [name for name in DISTRIBUTIONS.values() if installed(name)]
    if len(both) < 2:
        return []
    advice = f"{' and '.join(both)} overwrite each other: uninstall both, then install one extra: [cpu] or [gpu]"
    return [Finding("runtime packages", "wrong", advice)]


def _trials() -> list[Finding]:
    try:
        ort = runtime()
    except Refusal as refusal:
        return [Finding("runtime", "wrong", f"{refusal.message}; {refusal.help}")]
    found = [Finding("runtime", "ok", f"ONNX Runtime {ort.__version__}")]
    available = ort.get_available_providers()
    for ep, name in PROVIDERS.items():
        if name in available:
            found.append(_trial(ep))
        else:
            found.append(Finding(ep, "wrong" if ep == "cpu" else "note", "not in this ONNX Runtime"))
    return found


def _model() -> bytes:
    """``y = relu(x)`` for float32 [4], as the ONNX backend writes it."""
    from archdsl.tape.builder import Builder

    net = Builder("tiny")
    return registry.backend("onnx").lower(net.graph(y=net.apply("relu", net.input("x", "f32", [4]))))


def _trial(ep: str) -> Finding:
    """Run one operator on the provider and look at the numbers."""
    import numpy as np

    x = np.array([-1, 0, 1, 2], np.float32)
    try:
        session = open_session(_model(), ep)
        (y,) = session.run(None, {"x": x})
    except Refusal as refusal:
        return Finding(ep, "wrong", " ".join((refusal.message, *refusal.notes)))
    except Exception as error:  # ONNX Runtime's exceptions share no base class but Exception
        return Finding(ep, "wrong", first_line(error))
    if not np.array_equal(y, np.maximum(x, 0)):
        return Finding(ep, "wrong", f"computes wrong numbers: relu({x.tolist()}) = {y.tolist()}")
    return Finding(ep, "ok", f"works ({session.get_providers()[0]})")
