"""Writes ``docs/zoo.md``, every network of the zoo with its costs, by family, and what is not in it and why; and
``specs/figures.json``, the same figures for ``archdsl list``.

    python tools/zoo_page.py            # write
    python tools/zoo_page.py --check    # exit 1 if a file is not what would be written

Papers are those that the doc comments of the specs cite.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import archdsl
from archdsl import reading
from archdsl.project import zoo_figures
from archdsl.project.zoo import FIGURES
from archdsl.project.zoo_entry import Entry
from archdsl.project.zoo_figures import citation, ledger_ids, measured
from archdsl.report.listing import network

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "zoo.md"

LINK_ONLY = "the survey has a link only: neither a figure nor a derivation"

REASONS = """
inception_v2_rethinking: arXiv:1512.00567 prints in table 1 the maps between modules only; the width of the fifth module
    at 17 x 17, for one, has no source. The released network is `inception_v3`.
mlnn_ae_classifier: an encoder with a perceptron behind it, as an idea; the widths are not given.
dsn: the companion losses of the deeply supervised net are not defined; at inference it equals `nin_cifar10`.
cb_cnn: channel boosting is given as a flow of data only: neither what makes the channels nor what takes them.
cmpe_se_wrn_28_10_3x3: the folded 3 x 3 view of inner-imaging (arXiv:1807.08920) has an undefined number of maps. The
    other views are `cmpe_se_wrn_28_10_1x1` and `cmpe_se_wrn_28_10_2x1`.
residual_attention_452: Attention-452 for CIFAR (arXiv:1704.06904) has a depth and a figure, but no definition.
shiftnet_c: 0.78 M parameters are printed; kernels and expansions are not, and no reading tried gives the figure.
shufflenet_v1_50: the widths that the appendix of arXiv:1807.11164 prints come to 4.5 G, not to the 2.3 G beside them;
    units at half of the width would come to those, but have 296 channels, which 3 groups do not divide.
se_shufflenet_v2_164: the appendix of arXiv:1807.11164 leaves open where gates and shortcuts are; the nearest reading
    has 12.54 G where 12.7 G are printed.
fitnet_19: 2.5 M parameters of maxout units are printed, rounded; there is no exact figure and no derivation.
elu_18: 39.33 M parameters are printed; the stacks (arXiv:1511.07289, section 4.3) can be read in more than one way, and
    there is no second source.
gpipe_amoebanet_b: AmoebaNet-B (18, 512) has 557 M parameters printed; one of its operations, a dilated separable
    convolution, is missing from the authors' published file.
a2net: nothing at hand says how wide the five blocks of double attention (arXiv:1810.11579) in ResNet-50 are: a quarter
    of the channels comes to 29.2 M parameters, a half to 32.9 M.
aa_conv: which convolutions of ResNet-34 or of Wide ResNet are augmented (arXiv:1904.09925), and with how many features,
    is not said so that the printed parameters, rounded to 0.1 M, decide it.
depth_adaptive: how far a word goes (arXiv:1910.10073) is decided by the data, and no operator leaves layers out for
    some words: the network that computes all layers would have neither the costs nor the point of the paper.
ma_cnn: the layers that group channels to parts (multi-attention CNN, ICCV 2017) have no sizes in the paper, and begin
    with clusters of the responses to the data.
multimodel: the paper (arXiv:1706.05137) gives blocks, but neither widths nor depths of its modalities and experts.
reformer: buckets (arXiv:2001.04451) come from a new random rotation in each run, so that no two runs agree, nor does a
    second source; with fixed rotations it would be another network.
"""
"""The survey's identifiers (and two names of ours) of what is not imitated, and why."""

WITH_A_LINK = "nas_rl large_scale_evolution enas darts snas proxylessnas randwire adanet ppp_net rena"
"""Identifiers without more than a link."""

UNDEFINED: dict[str, str] = {
    **{
        name: " ".join(reason.split()) for name, reason in re.findall(r"^(\w+): ((?:.+\n(?:    .+\n)*))", REASONS, re.M)
    },
    **dict.fromkeys(WITH_A_LINK.split(), LINK_ONLY),
}
"""What is not imitated, and why."""

INTRODUCTION = """\
<!-- Written by tools/zoo_page.py: do not edit. -->
# The zoo

Every network that `archdsl list` shows, by kind, and by family in the order of publication. A family is a file of
[specs](../specs), a kind a folder there: those that classify images lie beside the folders. Parameters and
multiply-accumulates of a variant are claimed in its spec, checked by the compiler, and held to other sources by the
tests. What the columns mean is in [the cost model](cost_model.md); in short:

- *depth* is the number of layers with weights on the longest path; gates and projections count where they are on it.
- *field* is the number of input positions that one position of the last map sees along maps; gates, which see the whole
  map, do not end it. `<=`: at most.
- *peak memory* is the largest sum of live activations at batch 1, without weights.

How the families read beside their papers is in [families.md](families.md), how long they are in [length.md](length.md).
"""

HEADER = "| name | year | params | MACs | depth | field | peak memory | input |\n|---|--:|--:|--:|--:|--:|--:|---|"


def document(found: Iterable[Entry]) -> str:
    """The text of ``docs/zoo.md`` for the networks of the zoo, in their order."""
    found = list(found)
    kinds = [(kind, list(members)) for kind, members in groupby(found, key=lambda entry: entry.kind)]
    count = len({entry.family for entry in found})
    head = f"{INTRODUCTION}\n{len(found)} networks in {count} families.\n"
    return "\n".join([head, *(part(kind, members) for kind, members in kinds), undefined()])


def part(kind: str, found: Iterable[Entry]) -> str:
    """A kind of networks: its families in the order of publication."""
    families = [(family, list(members)) for family, members in groupby(found, key=lambda entry: entry.family)]
    families.sort(key=lambda item: (min(entry.year or 0 for entry in item[1]), item[0]))
    title = kind.replace("_", " ").capitalize()
    return "\n".join([f"## {title}\n", *(section(family, members) for family, members in families)])


def section(family: str, members: list[Entry]) -> str:
    """A family: its papers, its spec and its networks."""
    lines = [
        f"### {family}",
        "",
        *papers(members),
        "",
        f"Spec: [{members[0].spec}](../specs/{members[0].spec})",
        "",
        HEADER,
    ]
    for entry in members:
        name, *rest = network(entry.record())
        lines.append("| " + " | ".join([f"`{name}`", *rest]) + " |")
    return "\n".join(lines) + "\n"


def papers(members: list[Entry]) -> list[str]:
    """The papers of a family as a list, each once: the words before the citation, and the citation."""
    program = archdsl.load(reading.ZOO / members[0].spec)
    found: dict[str, str] = {}
    for entry in members:
        cited = citation(program, entry.name)
        if cited and "(" in cited[0]:
            doc, match = " ".join(cited[0].split()), cited[1]
            found.setdefault(match[0], title(doc, match[0]))
    return [f"- {text}" for text in found.values()]


def title(doc: str, cited: str) -> str:
    """What a doc comment says up to the end of its citation, from the start of that sentence; arXiv numbers linked."""
    place = doc.index(cited)
    start = doc.rfind(". ", 0, doc.rfind("(", 0, place) + 1) + 1
    end = doc.find(")", place) + 1 or len(doc)
    text = doc[start:end].strip()
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def undefined() -> str:
    """What is not in the zoo, and why."""
    known = {identifier for ids in ledger_ids().values() for identifier in ids} | set(reading.zoo_names())
    rows = [f"| `{name}` | {reason} |" for name, reason in UNDEFINED.items() if name not in known]
    lines = [
        "## Rows that no source defines", "",
        "The survey of published networks that the zoo follows names these too. They are listed, not imitated: "
        "what is\nmissing would be our invention.", "",
        "| row | reason |", "|---|---|", *rows,
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main(check: bool) -> int:
    """Write the files, or say whether they are current."""
    found = list(measured(reading.zoo_names()))
    texts = {PAGE: document(found), FIGURES: zoo_figures.document(found)}
    if check:
        return (
            0 if all(file.is_file() and file.read_text(encoding="utf-8") == text for file, text in texts.items()) else 1
        )
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    from options import given

    sys.exit(main(given(__doc__, check="write nothing; exit 1 if a file is not current").check))
