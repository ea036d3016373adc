"""What happens to training on real machines: kills, signals, damaged files, full disks, several processes."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run_script(name, *arguments, timeout=1200):
    "What a script of this folder prints as JSON."
    done = subprocess.run([sys.executable, HERE / name, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path, kills):
    found = run_script("kill_runs.py", tmp_path, "--kills", kills)
    assert found["kills"] == kills and found["where"]["checkpoint"] >= 1 and found["same"]
