#!/usr/bin/env bash
# pypinyin 0.55.0: the functions that convert pinyin (to_tone3, to_normal, to_finals and the others of pypinyin.contrib.tone_convert) know a mark only as part of its letter, in one code
# point (NFC). Pinyin in NFD, the form in which file names on a Mac and many web texts come, looks the same, and is handed back as it is: no digit, no error. `to_normal` leaves the mark on,
# `to_finals` gives an empty string. A table of tones made of such texts is silently a table of no tones. Composing first is enough. It downloads 1 MB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pypinyin==0.55.0
"$folder/venv/bin/python" - <<'PY'
from unicodedata import normalize
import pypinyin
from pypinyin.contrib.tone_convert import to_finals, to_normal, to_tone3
print("pypinyin", pypinyin.__version__)
for word, digits in {"hǎo": "hao3", "má": "ma2", "nǚ": "nv3", "xiān": "xian1"}.items():
    seen = {form: [f(normalize(form, word)) for f in (to_tone3, to_normal, to_finals)] for form in ("NFC", "NFD")}
    print(word, {form: list(map(ascii, found)) for form, found in seen.items()})
    assert seen["NFC"][0] == digits and seen["NFC"][2]
    assert seen["NFD"] == [normalize("NFD", word)] * 2 + [""]
print("as described")
PY
