"""Recordings of minutes: the text is that of the clips they are made of, and the memory does not grow with the length."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


def most_memory():
    "MiB that this process has held at most. What `getrusage` says is no less than what the process had that started this one, and would hide all that is smaller."
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(minutes):
    "Transcribe the stories of dev and test one after the other, and the same clips one by one; print both and the memory."
    import torch

    from echo17.audio import load_audio
    from echo17.decoding import SearchOptions
    from echo17.long import plan_windows, transcribe_long, windows_for
    from echo17.inference import Echo
    from echo17.creative.stories import read_stories
    torch.set_num_threads(1)
    model, greedy, waves, alone = Echo.from_pretrained(), SearchOptions(beam=1), [], []
    for clip in (clip for clip in read_stories() if clip.split in ("dev", "test")):
        if sum(map(len, waves)) + 5 * 16000 > minutes * 60 * 16000: break
        waves.append(load_audio(clip.path)); alone.append(model.transcribe(waves[-1], greedy).text)
    whole, before = torch.cat(waves), most_memory()
    long = transcribe_long(model, whole, greedy)
    print(json.dumps(dict(seconds=len(whole) / 16000, windows=len(plan_windows(whole, 16000, windows_for(model))), clips=len(waves), alone=" ".join(alone), long=long.text,
                          ends=[word.end for word in long.words], grown=most_memory() - before)))


def wide(minutes):
    "Read and cut a recording of eight channels at 192 kHz; print its size and the memory that it took."
    import numpy as np
    import soundfile
    import torch

    from echo17.audio import load_audio
    from echo17.long import plan_windows
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        second = np.sin(2 * np.pi * 300 * np.arange(192_000)[:, None] / 192_000) * np.linspace(0, 0.7, 8)
        with soundfile.SoundFile(f"{folder}/wide.flac", "w", 192_000, 8) as file:
            for _ in range(round(60 * minutes)): file.write(second)
        before = most_memory()
        wave = load_audio(f"{folder}/wide.flac")
        plan = plan_windows(wave, 16000)
    print(json.dumps(dict(samples=len(wave), level=float(wave.square().mean().sqrt()), windows=len(plan), grown=most_memory() - before)))


@pytest.mark.parametrize("minutes", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_eight_channels_at_192_khz_take_the_memory_of_what_comes_out(minutes):
    done = subprocess.run([sys.executable, Path(__file__), str(minutes), "wide"], capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["samples"] == 60 * minutes * 16000 and found["windows"] >= 12 * minutes and abs(found["level"] - 0.35 / 2**.5) < 1e-3
    assert found["grown"] < 50 + 5 * 4 * found["samples"] / 2**20, "MiB: a few copies of the samples; as numbers, those of the file take 6 for every second"


@pytest.mark.parametrize("minutes", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_windows_lose_no_word_and_write_none_twice(minutes):
    from jiwer import process_words
    done = subprocess.run([sys.executable, Path(__file__), str(minutes)], capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    edits, words = process_words(found["alone"], found["long"]), len(found["alone"].split())
    print({name: value for name, value in found.items() if name not in ("alone", "long", "ends")}, words, edits.substitutions, edits.deletions, edits.insertions)
    assert found["seconds"] > 60 * minutes - 10 and found["windows"] > 0.8 * found["clips"]
    assert edits.deletions + edits.insertions <= 0.03 * words and edits.substitutions <= 0.05 * words  # the windows are not the clips: a word may be heard otherwise
    assert found["ends"] == sorted(found["ends"]) and found["ends"][-1] <= found["seconds"] + 0.1
    samples = 4 * 16000 * found["seconds"] / 2**20
    assert found["grown"] < 60 + 2 * samples, "MiB beyond what single clips need: a few copies of the samples; attention over ten minutes at once would take gigabytes"


if __name__ == "__main__":
    (wide if "wide" in sys.argv else main)(float(sys.argv[1]))
