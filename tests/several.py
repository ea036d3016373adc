"""The whole job under any number of processes: `accelerate launch tests/several.py FOLDER OUT [--lose RANK | --fail RANK]`; a lost rank is killed in its third step, in a failing one a hook raises an error there."""
import argparse
import os
import signal
from pathlib import Path

import torch

from echo17.config import EchoConfig
from echo17.data import cache
from echo17.runs import RunOptions, train_echo
from echo17.training import Hook, TrainConfig


class Lose(Hook):
    "Kill this process if it is the one to be lost, or fail in it."
    def __init__(self, rank, fails, note): self.rank, self.fails, self.note = rank, fails, note
    def start(self, run): self.note.with_name(f"{self.note.name}-{run.accelerator.process_index}-of-{run.accelerator.num_processes}").touch()
    def step(self, run):
        if run.step == 3 and run.accelerator.process_index == self.rank: os.kill(os.getpid(), signal.SIGKILL)
        if run.step == 3 and run.accelerator.process_index == self.fails: raise ZeroDivisionError("a hook with a mistake")


def note_work(note):
    "A line for each entry that this process computes: which piece of work, on which sound."
    compute = cache._compute
    def noting(entry, wave, *rest):
        with note.open("a") as lines: lines.write(f"{entry} {wave.double().square().sum().item()!r}\n")
        return compute(entry, wave, *rest)
    cache._compute = noting


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path); parser.add_argument("out"); parser.add_argument("--lose", type=int, default=-1); parser.add_argument("--fail", type=int, default=-1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    features = args.folder / "features" / args.out
    features.mkdir(parents=True, exist_ok=True)
    note_work(features / f"work.{os.environ.get('RANK', 0)}")
    config = EchoConfig.echo(width=32, heads=2, encoder_layers=1, decoder_layers=1, n_mels=40, dropout=0., max_tokens=40)
    training = TrainConfig(epochs=2, batch_size=8, optimizer="adamw", augment=False)
    options = RunOptions(resume=True, device="cpu", cache=features, progress=False, save_every=0 if args.fail >= 0 else 1)
    lose = Lose(args.lose, args.fail, args.folder / args.out)
    train_echo(args.folder / "syllables", args.folder / args.out, config, training, options, [lose])
    if torch.distributed.is_initialized(): torch.distributed.destroy_process_group()  # its threads must not outlive the interpreter


if __name__ == "__main__":
    main()
