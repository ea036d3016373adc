"""Three training steps on the corpus in the folder given, with the optimizer named, under any number of processes; rank 0 prints what came of it."""
import json
import math
import sys
from pathlib import Path

import torch

from echo17.corpus import Corpus, read_corpus, split_clips
from echo17.model import Echo, EchoConfig
from echo17.text import Tokenizer
from echo17.training import TrainConfig, start_run, train


def main():
    torch.set_num_threads(1)
    home = Path(sys.argv[1])
    clips = split_clips(read_corpus(home / "syllables"), "train")[:5]  # an odd number: one process has a clip less
    tokenizer = Tokenizer.characters(c.text for c in clips)
    config = EchoConfig.echo(vocabulary=len(tokenizer), width=32, heads=2, encoder_layers=1, decoder_layers=1, dropout=0.)
    torch.manual_seed(0)
    corpus = Corpus(clips, config, tokenizer, home / "cache", batch_size=5)
    run = start_run(Echo(config, tokenizer), corpus, TrainConfig(epochs=3, optimizer=sys.argv[2], clip=math.inf), "cpu")
    train(run, corpus)
    if run.accelerator.is_main_process:
        weights = sum(p.detach().double().abs().sum().item() for p in run.echo.parameters())
        print(json.dumps(dict(processes=run.accelerator.num_processes, weights=weights, **{k: run.losses[k] for k in ("loss", "gradient_norm")})))
    run.accelerator.end_training()  # threads of the process group that outlive the interpreter abort it, now and then


if __name__ == "__main__":
    main()
