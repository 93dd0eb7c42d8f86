"""The pages' own JavaScript, tested by Node where Node is."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "js"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed: JavaScript behaviours are not tested")
def test_every_behaviour_keeps_its_promises():
    files = sorted(str(path) for path in FOLDER.glob("*.test.mjs"))
    assert files
    done = subprocess.run(["node", "--test", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
