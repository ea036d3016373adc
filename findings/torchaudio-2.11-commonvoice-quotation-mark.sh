#!/usr/bin/env bash
# torchaudio 2.11.0: torchaudio.datasets.COMMONVOICE reads the tables of Common Voice with the csv module's usual rules, and Common Voice writes them without any quoting: a quotation mark is
# part of the sentence. A sentence that begins with one and does not end with one takes the lines behind it into its own cell, up to the next quotation mark or the end of the table.
# Those clips are gone, the data set is shorter, and nothing is raised. Speech that is quoted over two sentences makes such rows: "Come in, she said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.11.0 torchaudio==2.11.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from pathlib import Path

from torchaudio.datasets import COMMONVOICE

HEADER = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent\n"
SENTENCES = ['Good morning.', '"Come in, she said.', 'It was late.', 'He went home.', 'Nobody saw him.']

def length(sentences):
    "How many clips the data set has, of a table of these sentences."
    rows = (f"eve\tcommon_voice_en_{i}.mp3\t{sentence}\t2\t0\t\t\t\n" for i, sentence in enumerate(sentences))
    Path("train.tsv").write_text(HEADER + "".join(rows), encoding="utf-8")
    return len(COMMONVOICE("."))

found = {"as they are": length(SENTENCES), "without the mark": length([s.replace('"', "") for s in SENTENCES])}
print(f"torchaudio {version('torchaudio')}; 5 rows in the table, clips in the data set: {found}")
assert found == {"as they are": 2, "without the mark": 5}, found
length(SENTENCES)
row = COMMONVOICE(".")._walker[1]
print(f"its second clip has the sentence {row[2]!r}")
assert row[2].count("common_voice_en_") == 3
print("as described")
PY
