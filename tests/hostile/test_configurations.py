"""Configurations and baselines that were damaged (``tests/support/mutate_config.py`` makes any number of them)."""

import json
import subprocess
import sys

from paths import ROOT

SCRIPT = ROOT / "tests" / "support" / "mutate_config.py"


def test_damaged_configurations_and_baselines_are_clean_or_have_a_code() -> None:
    """In two seconds and 400 MiB each."""
    done = subprocess.run([sys.executable, SCRIPT, "120", "3"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["bad"] == 0, done.stdout
    assert found["longest"] < 2 and found["memory"] < 400
    codes = dict(found["codes"])
    assert codes["E0013"] > 20 and codes["E0011"] > 20 and codes["clean"] > 5  # else nothing was damaged, or all of it
