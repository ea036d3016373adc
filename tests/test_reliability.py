"""What happens to training on real machines: kills, signals, damaged files, full disks, several processes."""
import json
import os
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


def several(folder, out, processes, *more, timeout=300):
    "The whole job in the folder `out`; its exit status, its seconds and what it said."
    launch = [sys.executable]
    if processes > 1:  # --multi_gpu means several processes, here on CPUs; with --cpu the command starts a single one
        launch += ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes), "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    began = time.monotonic()
    done = subprocess.run([*launch, HERE / "several.py", folder, out, *more], capture_output=True, text=True, timeout=timeout, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return done.returncode, time.monotonic() - began, done.stderr[-3000:]


def test_two_processes_do_what_one_does_and_leave_when_one_is_lost(tmp_path):
    from echo17.corpus import synthesize_corpus
    from echo17.training import check_checkpoint, find_checkpoint
    synthesize_corpus(tmp_path / "syllables", 40)
    for out, processes in (("one", 1), ("two", 2)):
        status, _, said = several(tmp_path, out, processes)
        assert status == 0, said
        assert sorted(p.name for p in tmp_path.glob(f"{out}-*")) == [f"{out}-{rank}-of-{processes}" for rank in range(processes)]
    one, two = (json.loads((tmp_path / out / "result.json").read_text()) for out in ("one", "two"))
    assert one["metrics"] == two["metrics"] and [row["step"] for row in one["history"]] == [row["step"] for row in two["history"]]
    for a, b in zip(one["history"], two["history"]): assert b["loss"] == pytest.approx(a["loss"], rel=1e-4) and a["metrics"] == b["metrics"]
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(p.name for p in (tmp_path / "two").iterdir())
    assert len(list((tmp_path / "two" / "tensorboard").iterdir())) == 1  # one of them logs
    status, seconds, _ = several(tmp_path, "lost", 2, "--lose", "1", timeout=120)
    assert status != 0 and seconds < 120
    assert check_checkpoint(find_checkpoint(tmp_path / "lost" / "last"))["step"] >= 2
    status, _, said = several(tmp_path, "lost", 2)
    assert status == 0, said
    again = json.loads((tmp_path / "lost" / "result.json").read_text())
    assert again["metrics"] == two["metrics"] and again["history"] == two["history"]


def test_shards_fill_one_cache_at_once_without_clashes(tmp_path):
    found = run_script("fill_cache.py", tmp_path)
    assert found["made"] == [[10, 10, 10, 10], [0, 0, 0, 0]] and found["parts"] == 0 and found["same"] and found["entries"] == 80, found
