"""Three training steps on the corpus in the folder given, with the optimizer named, under any number of processes; rank 0 prints what came of them."""
import json
import math
import sys
from pathlib import Path

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from echo17.corpus import Corpus, read_corpus, split_clips
from echo17.model import Echo, EchoConfig
from echo17.text import Tokenizer
from echo17.training import Hook, TrainConfig, start_run, train


class Record(Hook):
    "The gradients of the first step, as the optimizer gets them, and what every step says."
    def __init__(self): self.steps, self.gradients = [], {}

    def start(self, run):
        def keep(*_):
            if not self.gradients: self.gradients = {name: p.grad.norm().item() for name, p in run.echo.named_parameters()}
        register_optimizer_step_pre_hook(keep)

    def step(self, run): self.steps.append({key: run.losses[key] for key in ("loss", "gradient_norm")})


def main():
    torch.set_num_threads(1)
    home = Path(sys.argv[1])
    clips = split_clips(read_corpus(home / "syllables"), "train")[:5]  # an odd number: one process has a clip less
    tokenizer = Tokenizer.characters(c.text for c in clips)
    config = EchoConfig.echo(vocabulary=len(tokenizer), width=32, heads=2, encoder_layers=1, decoder_layers=1, dropout=0.)
    torch.manual_seed(0)
    corpus = Corpus(clips, config, tokenizer, home / "cache", batch_size=5)
    run, record = start_run(Echo(config, tokenizer), corpus, TrainConfig(epochs=3, optimizer=sys.argv[2], clip=math.inf), "cpu"), Record()
    train(run, corpus, [record])
    if run.accelerator.is_main_process:
        weights = sum(p.detach().double().abs().sum().item() for p in run.echo.parameters())
        print(json.dumps(dict(processes=run.accelerator.num_processes, weights=weights, steps=record.steps, gradients=record.gradients)))
    run.accelerator.end_training()  # threads of the process group that outlive the interpreter abort it, now and then


if __name__ == "__main__":
    main()
