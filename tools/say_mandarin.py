"""Say Mandarin syllables and words in eight synthetic voices, as a corpus of strangers for a recogniser of tones.

`tools/kokoro.py` says what has to be installed; this script and that one stand alone:

  pip install pypinyin jieba cn2an ordered-set
  python tools/say_mandarin.py FOLDER HSK OUT

Every text is said at the head of a sentence, from which `tools/make_strangers.py` cuts it: alone, a syllable gets no
tone from this network that could be told (findings/kokoro-82m-int8-tones-of-one-syllable.sh).

HSK is a folder with manifest.tsv of toned pinyin: its words of `train` are said by the voices that are learned from,
those of `dev` and `test` by the voices that are left out. Syllables are all that the common characters of GB 2312
have, each in every tone that one of them has. Two voices, a woman's and a man's, are for `test` alone, one man's for
`dev`. What was said is not said again: the script goes on where it was left.
"""
import argparse
import csv
import random
from pathlib import Path

from kokoro import make_corpus
from misaki.zh import ZHG2P
from pypinyin import Style, pinyin

LEARNED = ("zf_xiaobei", "zm_yunjian", "zf_xiaoni", "zm_yunxi", "zf_xiaoxiao")
LEFT_OUT = {"zm_yunxia": "dev", "zf_xiaoyi": "test", "zm_yunyang": "test"}
BEHIND = "zhe4 ge4 zi4 hen3 hao3"  # said after every text, and cut off later


def phonemes(text, voice):
    "Of toned pinyin such as guan1 xi4, and of what comes behind it; of every voice the same."
    first, behind = ("".join(map(ZHG2P.py2ipa, some.split())) for some in (text, BEHIND))
    return f"{first}. {behind}."


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
    make_corpus(asked.folder, asked.out, make_list(asked.hsk, asked), phonemes)


if __name__ == "__main__": main()
