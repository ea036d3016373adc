"""Train the recogniser of Mandarin tones for strangers, measure it by voice, and write it into data/models/tones.

  python tools/make_tones.py STRANGERS BASE

STRANGERS is the corpus that tools/make_strangers.py has made, BASE a folder with the weights of openai/whisper-base.
The best checkpoint is chosen by the one voice of dev; then the two voices of test are read. A run that was interrupted
goes on; one that is finished is measured again.
"""
import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from echo17.checkpoints import find_checkpoint
from echo17.data.manifests import read_corpus
from echo17.decoding import SearchOptions
from echo17.files import new_folder, write_csv, write_text
from echo17.pretrained.adapters import AdapterConfig
from echo17.pretrained.adapting import train_whisper
from echo17.pretrained.hearing import open_whisper, save_adapter
from echo17.pretrained.strangers import rates_by_voice, tones_told
from echo17.runs import RunOptions, commit
from echo17.training import TrainConfig

ROOT = Path(__file__).resolve().parent.parent
NAME = "openai/whisper-base"  # by which others find the weights
LEFT_OUT = ("dev", "test")
RATES = ("toned_ser", "base_ser", "ter")
GREEDY = SearchOptions(beam=1)
CARD = """---
license: cc-by-sa-4.0
language: zh
library_name: echo17
base_model: openai/whisper-base
tags: [automatic-speech-recognition, tones, pinyin]
---
# Mandarin syllables and their tones, of voices that it never heard

Beside the encoder of Whisper base, whose weights are not here: LoRA in its upper layers, and a small head that writes
toned pinyin. It knows single syllables and words in a clear voice; sentences, noise and singing are beyond it.

    echo17 tones --model data/models/tones --base WHISPER_BASE FILE --text "ni3 hao3"

Made by `python tools/make_tones.py`, seed {seed}, commit {commit}: {clips} clips, {epochs} epochs.

| split | voice | what | clips | toned syllables wrong, % | syllables wrong, whatever the tone, % | tones wrong, % |
|---|---|---|---|---|---|---|
{rates}
The voices of `dev` and `test` were left out of training. `dev` chose the checkpoint. All of them are synthetic.

## What it has learned from, and licence

Words of the HSK vocabulary in the voice of Yue Tan (project: Hugo Lopez, PLIDAM, INALCO; recording software: Nicolas
Vion; Shtooka collection cmn-caen-tan, in `hugolpz/audio-cmn`; CC BY-SA, the source names no version), some of them in
other voices by WORLD, and syllables and words said by five voices of Kokoro-82M (Apache 2.0), likewise once more by
WORLD. The recordings are not here. The weights are under CC BY-SA 4.0, in the spirit of the recordings.
"""


def recipe():
    "What is trained, and how."
    config = AdapterConfig((), first_layer=2, head_layers=(3,), padding=.5, head="ctc", lora=16, head_dropout=.3)
    return config, TrainConfig("adamw", lr=.0025, epochs=8, precision="bf16")


def measured(model, source) -> Iterator[dict]:
    "A row for each voice that was left out, and what it says."
    for split in LEFT_OUT:
        clips = [clip for clip in read_corpus(source) if clip.split == split]
        for row in rates_by_voice(model, clips, GREEDY): yield dict(split=split) | row | dict(commit=commit())


def told(source) -> Iterator[dict]:
    "How far the tones of each voice can be told by its contours: its single syllables, as it says them itself."
    voices = {}
    for clip in read_corpus(source):
        if clip.path.parent.name != "other" and " " not in clip.text and clip.text[-1] in "1234":
            voices.setdefault(clip.speaker, []).append(clip)
    for voice, clips in sorted(voices.items()):
        yield dict(voice=voice, clips=len(clips), told=round(tones_told(clips), 3), commit=commit())


def card(result, rows):
    "Markdown for people."
    lines = [[row["split"], row["voice"], row["kind"], row["clips"], *(f"{100 * row[name]:.1f}" for name in RATES)]
             for row in rows]
    rates = "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
    about = dict(seed=result["seed"], commit=result["commit"], clips=result["clips"]["train"])
    return CARD.format(**about, epochs=len(result["history"]), rates=rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("strangers", type=Path, help="folder of the corpus")
    parser.add_argument("base", type=Path, help="folder with the weights of openai/whisper-base")
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "tones", help="folder of the training")
    parser.add_argument("--model", type=Path, default=ROOT / "data" / "models" / "tones", help="folder of the model")
    parser.add_argument("--results", type=Path, default=ROOT / "data" / "results", help="folder of the table")
    asked = parser.parse_args()
    config, training = recipe()
    result = train_whisper(asked.strangers, asked.run, asked.base, config, training,
                           RunOptions(resume=True, log=False, search=GREEDY))
    model = open_whisper(find_checkpoint(asked.run / "best"), base=asked.base)
    rows = [*measured(model, asked.strangers)]
    write_csv(asked.results / "tones-strangers.csv", rows)
    write_csv(asked.results / "tones-told.csv", [*told(asked.strangers)])
    model.base = replace(model.base, name=NAME)
    with new_folder(asked.model, replace=True) as part:
        save_adapter(model, part)
        write_text(part / "README.md", card(result, rows))
    print(card(result, rows))


if __name__ == "__main__": main()
