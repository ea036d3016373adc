"""Train the model that transcribes and imagines, measure everything that is said of it, and write it into a folder.

First a model learns to transcribe, as `make model` does it, unless one is given with --start; from its weights the model of all voices
is trained, its marks are calibrated on dev, and the test splits are read. What was interrupted goes on; tables that are there are not made again.
"""
import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from echo17.model import Echo, load_model
from echo17.shipped import make_model, recipe
from echo17.stories import stories_dir
from echo17.training import find_checkpoint, train_echo
from echo17.voices import story_supply, train_voices

ROOT = Path(__file__).resolve().parent.parent
EPOCHS, RATE = 40, 5e-4  # of the second training


def options():
    "What the command line says."
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "imagination", help="folder of the training runs")
    parser.add_argument("--model", type=Path, default=ROOT / "data" / "models" / "stories", help="folder of the model")
    parser.add_argument("--results", type=Path, default=ROOT / "data" / "results", help="folder of the tables")
    parser.add_argument("--start", type=Path, help="folder of a model that transcribes; without it one is trained first")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="passes over the training clips")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def transcriber(asked) -> Echo:
    "The model to begin with."
    if asked.start: return load_model(asked.start)
    config, training = recipe()
    train_echo(stories_dir(), asked.run / "transcribe", config, replace(training, seed=asked.seed), resume=True, progress=False)
    return load_model(find_checkpoint(asked.run / "transcribe" / "best"))


def main():
    "Train, calibrate, measure."
    asked = options()
    donor, (config, training) = transcriber(asked), recipe()
    train = partial(train_voices, supply=story_supply(stories_dir()), donor=donor)
    result = make_model(asked.run / "voices", asked.model, stories_dir(), replace(config, max_tokens=384), replace(training, seed=asked.seed, epochs=asked.epochs, lr=RATE),
                        progress=False, command="python tools/make_imagination.py", train=train)
    for split, found in result["measured"].items():
        for search, row in found.items(): print(f"{split}, {search}: word error {100 * row['wer']:.1f} % of {row['clips']} clips", flush=True)


if __name__ == "__main__": main()
