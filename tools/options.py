"""The command lines of the tools: options without values, and ``--help``, which prints a tool's docstring."""

from __future__ import annotations

import argparse


def given(about: str | None, **flags: str) -> argparse.Namespace:
    """What was asked for; ``flags``: for each option, what it does. Another argument ends the program with status 2."""
    kind = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=about, formatter_class=kind, allow_abbrev=False)
    for name, what in flags.items():
        parser.add_argument(f"--{name}", action="store_true", help=what)
    return parser.parse_args()
