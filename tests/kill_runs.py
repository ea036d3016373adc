"""Kill a training run again and again, let it go on each time, and compare what remains with a run that was left alone.

`python tests/kill_runs.py FOLDER --kills 20 --seed 0` prints one JSON line: how many runs were killed, where, and whether weights, history and logs are the same.
"""
import argparse
import hashlib
import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from echo17.checkpoints import find_checkpoint
from echo17.config import EchoConfig
from echo17.data.cache import prepare_features
from echo17.data.manifests import read_corpus
from echo17.data.synthetic import synthesize_corpus
from echo17.runs import RunOptions, train_echo
from echo17.training import Hook, TrainConfig

CONFIG = EchoConfig.echo(width=32, heads=2, encoder_layers=1, decoder_layers=1, n_mels=40)
TRAINING = TrainConfig(epochs=2, batch_size=8)
SAVE_EVERY = 3
FILES = 8  # of a checkpoint, the checksums included; the last step writes `best` and `last`


class Tell(Hook):
    "Write a line before each save and after each step, so that whoever kills can choose the moment."
    def __init__(self, pipe): self.pipe = pipe
    def step(self, run): os.write(self.pipe, b"save\n" if run.step % SAVE_EVERY == 0 else b"step\n")
    def epoch(self, run): os.write(self.pipe, b"save\n")


def spawn(work):
    "Do `work` in a process of its own, forked so that nothing need be imported again; its id and a pipe from it."
    reader, writer = os.pipe()
    child = os.fork()
    if child: os.close(writer); return child, reader
    try: work(writer)
    except BaseException as e: print(f"{type(e).__name__}: {e}", file=sys.stderr, flush=True); os._exit(1)
    os._exit(0)


def train(home, out, pipe, die_at=None):
    "The run, from the beginning or from where it was left; `die_at`: the file of a checkpoint in whose writing it kills itself."
    torch.set_num_threads(1)
    if die_at is not None:
        sync, left = os.fsync, iter(range(die_at, -1, -1))
        os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL) if next(left) == 0 else sync(file)
    options = RunOptions(resume=True, device="cpu", cache=home / "cache", progress=False, save_every=SAVE_EVERY)
    train_echo(home / "syllables", out, CONFIG, TRAINING, options, [Tell(pipe)])


def killed(home, out, chance, inside):
    "One run that is killed with SIGKILL; what it was doing, or None if it came to its end first."
    if inside: child, pipe = spawn(lambda p: train(home, out, p, chance.randrange(2 * FILES)))
    else: child, pipe = spawn(lambda p: train(home, out, p))
    lines, seen, last, pace = chance.randint(1, 9), 0, time.monotonic(), 0.1
    while not inside and seen < lines and (text := os.read(pipe, 4096)):
        seen += text.count(b"\n"); pace, last = time.monotonic() - last, time.monotonic()
    doing = text.decode().split()[-1] if not inside and text else "checkpoint"
    if not inside:
        select.select([pipe], [], [], chance.uniform(0, min(pace, 1.)))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]; os.close(pipe)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the run failed by itself"
    return doing if os.WIFSIGNALED(status) else None


def remains(out):
    "Weights, history and log of a finished run."
    events = EventAccumulator(str(out / "tensorboard"), dict(scalars=0, histograms=0, images=0, audio=0, tensors=0)); events.Reload()
    log = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    log |= {tag: [e.step for e in read(tag)] for kind, read in (("images", events.Images), ("audio", events.Audio), ("histograms", events.Histograms)) for tag in events.Tags()[kind]}
    weights = {name: hashlib.sha256((find_checkpoint(out / name) / "model.safetensors").read_bytes()).hexdigest() for name in ("best", "last")}
    return dict(weights=weights, history=json.loads((out / "result.json").read_text())["history"], log=log, beside=sorted(p.name for p in out.iterdir()))


def finish(home, out):
    "Let the run come to its end."
    child, pipe = spawn(lambda p: train(home, out, p))
    while os.read(pipe, 4096): pass
    assert os.waitpid(child, 0)[1] == 0; os.close(pipe)
    return remains(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path); parser.add_argument("--kills", type=int, default=3); parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    home, chance, where = args.folder, random.Random(args.seed), []
    if not (home / "syllables").exists(): synthesize_corpus(home / "syllables", 80)
    prepare_features(read_corpus(home / "syllables"), CONFIG.features, home / "cache", workers=1, progress=False)
    straight = finish(home, home / "straight")
    runs = 0
    while len(where) < args.kills:  # a run that was killed often enough to end is followed by another
        out = home / f"killed-{runs}"
        doing = killed(home, out, chance, inside=len(where) % 3 == 1)
        if doing: where.append(doing)
        if not doing or len(where) == args.kills: assert_same(finish(home, out), straight); runs += 1
    print(json.dumps(dict(kills=len(where), where={name: where.count(name) for name in sorted({*where})}, runs=runs, steps=straight["history"][-1]["step"], same=True)))


def assert_same(found, straight):
    "Weights bit for bit, history, and every value of the log, none missing and none twice."
    for name, value in straight.items(): assert found[name] == value, (name, value, found[name])


if __name__ == "__main__":
    main()
