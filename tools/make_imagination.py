"""Train the model that transcribes and imagines, measure everything that is said of it, and write it into a folder.

An interrupted run goes on. The measurements become tables in data/results; each is made anew if its file is not there.
"""
import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from echo17.shipped import make_model, recipe
from echo17.stories import stories_dir
from echo17.voices import story_supply, train_voices

ROOT = Path(__file__).resolve().parent.parent


def options():
    "What the command line says."
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "imagination", help="folder of the training run")
    parser.add_argument("--model", type=Path, default=ROOT / "data" / "models" / "stories", help="folder of the model")
    parser.add_argument("--epochs", type=int, help="passes over the training clips")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    asked = options()
    config, training = recipe()
    training = replace(training, seed=asked.seed, **({"epochs": asked.epochs} if asked.epochs else {}))
    result = make_model(asked.run, asked.model, stories_dir(), replace(config, max_tokens=384), training, progress=False, command="python tools/make_imagination.py",
                        train=partial(train_voices, supply=story_supply(stories_dir())))
    for split, found in result["measured"].items():
        for search, row in found.items(): print(f"{split}, {search}: word error {100 * row['wer']:.1f} % of {row['clips']} clips")
