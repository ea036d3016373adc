"""Measure what a Whisper imagines, with the corpora of ECHO17_DATA, and write tables; what stands in them is not measured again.

python tools/measure_dreams.py FOLDER_OR_NAME_OF_A_WHISPER data/results [unheard] [dial] [gaps]
"""
import sys
from pathlib import Path

from echo17.data.manifests import data_dir, read_corpus
from echo17.pretrained.adapters import AdapterConfig
from echo17.pretrained.dreams import measure_fillings, turn_whisper
from echo17.pretrained.hearing import open_whisper
from echo17.pretrained.unheard import measure_unheard, unheard_corpora

DRAWN, TURNED, TORN = 8, 3, 6  # texts drawn of each memory; clips of which the dial is turned, and a word is taken


def main(base, out, *tables):
    "Three tables, or some of them."
    model, out, tables = open_whisper(base, AdapterConfig(()), language="en"), Path(out), tables or ("unheard", "dial", "gaps")
    clips = list(read_corpus(data_dir() / "ljspeech"))
    short = sorted(clips, key=lambda clip: len(clip.text))
    if "unheard" in tables: measure_unheard(model, *unheard_corpora(), out / "whisper-unheard.csv", DRAWN)
    if "dial" in tables: turn_whisper(model, short[:TURNED], out / "whisper-dial.csv", (0., .25, .5, .75, 1.))
    if "gaps" in tables: measure_fillings(model, short[TURNED:TURNED + TORN], out / "whisper-gaps.csv")


if __name__ == "__main__": main(*sys.argv[1:])
