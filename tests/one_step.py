"""The gradients of a first step, and what three steps make of the model: `accelerate launch tests/one_step.py FOLDER NAME PIECES`, under any number of processes.

Nine clips are one step; PIECES 2 cuts it in two as well, one after the other. Rank 0 leaves everything in FOLDER/NAME.safetensors.
"""
import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from echo17.config import EchoConfig
from echo17.data.batches import Batching, Corpus
from echo17.data.manifests import read_corpus, split_clips
from echo17.inference import Echo
from echo17.text import Tokenizer
from echo17.training import Hook, TrainConfig, start_run, train


class Losses(Hook):
    "The losses of every step."
    def start(self, run): self.rows = []
    def step(self, run): self.rows.append(dict(run.losses))


def three_steps(config, tokenizer, corpus, training):
    "The run, its losses, and the gradients of the first step."
    torch.manual_seed(0)
    run, losses, first = start_run(Echo(config, tokenizer), corpus, training, "cpu"), Losses(), {}
    def note(*_):
        if not first: first.update({name: p.grad.clone() for name, p in run.echo.named_parameters()})
    run.optimizer.optimizer.register_step_pre_hook(note)
    train(run, corpus, [losses])
    return run, losses.rows, first


def main():
    torch.set_num_threads(1)
    home, name, pieces = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    clips = split_clips(read_corpus(home / "syllables"), "train")[:9]  # an odd number: one process has a clip less, and none is there twice
    tokenizer = Tokenizer.characters(c.text for c in clips)
    config = EchoConfig.echo(vocabulary=len(tokenizer), width=32, heads=2, encoder_layers=1, decoder_layers=1, dropout=0.)
    corpus, found, gradients = Corpus(clips, config.features, tokenizer, home / "cache", batching=Batching(batch_size=-(-len(clips) // pieces))), {}, {}
    for optimizer in ("adamw", "maxfactor"):
        run, losses, first = three_steps(config, tokenizer, corpus, TrainConfig(epochs=3, optimizer=optimizer, accumulate=pieces, augment=False, clip=math.inf))
        weights = sum(p.detach().double().abs().sum().item() for p in run.echo.parameters())
        found[optimizer], gradients = dict(losses=losses, weights=weights), gradients | {f"{optimizer} {name}": gradient for name, gradient in first.items()}
    if run.accelerator.is_main_process:
        about = dict(processes=run.accelerator.num_processes, joined=str(run.accelerator.distributed_type), found=found)
        save_file(gradients, home / f"{name}.safetensors", metadata=dict(about=json.dumps(about)))
    run.accelerator.end_training()  # threads of the process group that outlive the interpreter abort it, now and then


if __name__ == "__main__":
    main()
