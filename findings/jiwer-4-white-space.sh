#!/usr/bin/env bash
# jiwer 4.0.0: words are parted by the space U+0020 and by no other white space. A reference with a tab, a no-break space (as word processors put before ? and : in French) or the wide space U+3000 of
# East Asian typing is one word there, however many it has, so a perfect hypothesis has errors: `wer("one two", "one<tab>two")` is 1. Line ends likewise. Nothing is said. `" ".join(text.split())` before it is enough. It downloads 4 MB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet jiwer==4.0.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from jiwer import wer
seen = {ascii(space): wer("one two", f"one{space}two") for space in (" ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u2009")}
print("jiwer", version("jiwer"), seen)
assert [rate for rate in seen.values()] == [0, 0, 1, 1, 1, 1, 1]
assert wer("one two", " ".join("one\ttwo".split())) == 0
print("as described")
PY
