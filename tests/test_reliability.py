"""What happens to training on real machines: kills, signals, damaged files, full disks, several processes."""
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from safetensors import safe_open

from echo17.checkpoints import check_checkpoint, find_checkpoint
from echo17.data.synthetic import synthesize_corpus

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


ASKS_PYIN = "import librosa, numba, scipy.signal, sklearn, numpy as np; from echo17.pitch import extract_pitch; print('ready', flush=True); extract_pitch(np.random.default_rng(0).standard_normal(8000), 16000, 'pyin')"


def test_librosa_is_compiled_by_one_process_at_a_time(tmp_path):
    "Two that compile at once can leave files on disk that do not fit together, and every later process falls over."
    kept = tmp_path / "numba"
    kept.mkdir()
    def begin(number):
        (own := tmp_path / f"job-{number}").mkdir()  # a cluster gives each job a temporary folder of its own
        new = os.environ | {"NUMBA_CACHE_DIR": str(kept), "TMPDIR": str(own)}
        return subprocess.Popen([sys.executable, "-c", ASKS_PYIN], env=new, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    compiled = lambda: [*tmp_path.rglob("*.nbc")]
    with FileLock(kept / f"echo17-librosa-{os.getuid()}.lock"):  # as another process that compiles
        together = [begin(number) for number in range(3)]
        for child in together: assert child.stdout.readline() == "ready\n"
        time.sleep(10)
        assert not compiled() and all(child.poll() is None for child in together)  # they wait
    for child in [*together, begin(3)]:
        said = child.communicate(timeout=300)[1]
        assert child.returncode == 0, said
    assert compiled()


def test_librosa_that_can_keep_nothing_is_one_clear_error():
    "As in a container whose home and packages are read-only: numba then refuses to load what it should keep."
    said = "from unittest import mock; import librosa; from echo17.pitch import _librosa; from echo17.errors import EchoError\n" \
           "refuses = mock.patch.object(librosa, 'pyin', side_effect=RuntimeError('no locator available'))\n" \
           "with refuses:\n    try: _librosa()\n    except EchoError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True)
    assert "NUMBA_CACHE_DIR names a folder where it may (no locator available)" in done.stdout, done.stderr


def free_port():
    with socket.socket() as s: s.bind(("127.0.0.1", 0)); return s.getsockname()[1]


def launched(script, *arguments, processes=1, machines=1, timeout=300):
    "A script of this folder under so many processes, spread over as many machines as are played here; the exit status of each machine, the seconds, and what they said."
    launch, began, port, children = [sys.executable], time.monotonic(), str(free_port()), []
    if processes > 1:  # --multi_gpu means several processes, here on CPUs; with --cpu the command starts a single one
        launch += ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes), "--num_machines", str(machines), "--mixed_precision", "no",
                   "--dynamo_backend", "no", "--main_process_ip", "127.0.0.1", "--main_process_port", port]
    for machine in range(machines):
        rank = ["--machine_rank", str(machine)] if processes > 1 else []
        children.append(subprocess.Popen([*launch, *rank, HERE / script, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}))
    try: said = "".join(child.communicate(timeout=timeout)[1][-3000:] for child in children)
    finally:
        for child in children: child.kill()
    return [child.returncode for child in children], time.monotonic() - began, said


def gradients(home, name, pieces, processes):
    "The gradients of a first step by name, and what else one_step.py found."
    statuses, _, said = launched("one_step.py", home, name, pieces, processes=processes)
    assert statuses == [0], said
    with safe_open(home / f"{name}.safetensors", "pt") as file: return {key: file.get_tensor(key).double() for key in file.keys()}, json.loads(file.metadata()["about"])


def test_two_processes_give_the_gradients_of_one(tmp_path):
    "The joined batch in one process, and cut up over two, at once and one half after the other: every gradient, every loss of three steps and the weights after them."
    synthesize_corpus(tmp_path / "syllables", 40)
    one, about = gradients(tmp_path, "one", 1, 1)
    assert about["processes"] == 1 and all(gradient.norm() > 0 for gradient in one.values())
    for pieces in (1, 2):
        two, again = gradients(tmp_path, "two", pieces, 2)
        assert again["processes"] == 2 and again["joined"].endswith("MULTI_CPU") and one.keys() == two.keys()
        for name, gradient in one.items(): assert (two[name] - gradient).norm() <= 1e-5 * gradient.norm(), (pieces, name)
        for optimizer, found in about["found"].items():
            assert len(found["losses"]) == 3 and again["found"][optimizer]["weights"] == pytest.approx(found["weights"], rel=1e-5)
            for a, b in zip(found["losses"], again["found"][optimizer]["losses"]): assert a == pytest.approx(b, rel=1e-5)


def several(folder, out, processes, *more, **how):
    "The whole job in the folder `out`."
    return launched("several.py", folder, out, *more, processes=processes, **how)


@pytest.mark.parametrize(("lost", "machines"), [(1, 1), pytest.param(0, 2, marks=pytest.mark.slow)], ids=["the second of one machine", "the first of two machines"])
def test_two_processes_do_what_one_does_and_leave_when_one_is_lost(tmp_path, lost, machines):
    synthesize_corpus(tmp_path / "syllables", 40)
    for out, processes in (("one", 1), ("two", 2)):
        statuses, _, said = several(tmp_path, out, processes)
        assert statuses == [0], said
        assert sorted(p.name for p in tmp_path.glob(f"{out}-*")) == [f"{out}-{rank}-of-{processes}" for rank in range(processes)]
        together = [line for note in (tmp_path / "features" / out).glob("work.*") for line in note.read_text().splitlines()]
        assert len(together) == len({*together}) > 0  # each entry is computed once, by whichever process
    one, two = (json.loads((tmp_path / out / "result.json").read_text()) for out in ("one", "two"))
    assert one["metrics"] == two["metrics"] and [row["step"] for row in one["history"]] == [row["step"] for row in two["history"]]
    for a, b in zip(one["history"], two["history"]): assert b["loss"] == pytest.approx(a["loss"], rel=1e-4) and a["metrics"] == b["metrics"]
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(p.name for p in (tmp_path / "two").iterdir())
    assert len(list((tmp_path / "two" / "tensorboard").iterdir())) == 1  # one of them logs
    statuses, seconds, _ = several(tmp_path, "lost", 2, "--lose", lost, machines=machines, timeout=120)
    assert all(statuses) and seconds < 120
    assert check_checkpoint(find_checkpoint(tmp_path / "lost" / "last"))["step"] >= 2
    statuses, _, said = several(tmp_path, "lost", 2)
    assert statuses == [0], said
    again = json.loads((tmp_path / "lost" / "result.json").read_text())
    assert again["metrics"] == two["metrics"] and again["history"] == two["history"]


def test_a_hook_that_fails_in_the_first_of_two_processes_costs_nothing(tmp_path):
    "The others learn of it when they wait for the first; nobody waits for ever, and no step is lost."
    synthesize_corpus(tmp_path / "syllables", 40)
    statuses, seconds, _ = several(tmp_path, "failed", 2, "--fail", 0, timeout=120)
    assert all(statuses) and seconds < 120
    assert check_checkpoint(find_checkpoint(tmp_path / "failed" / "last"))["step"] == 3


def test_shards_fill_one_cache_at_once_without_clashes(tmp_path):
    found = run_script("fill_cache.py", tmp_path)
    assert found["made"] == [[10, 10, 10, 10], [0, 0, 0, 0]] and found["parts"] == 0 and found["same"] and found["entries"] == 80, found
