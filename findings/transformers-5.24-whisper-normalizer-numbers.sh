#!/usr/bin/env bash
# transformers 5.24.0, the English text normaliser of Whisper, through which many published word error rates go: it decomposes characters (NFKD) before it looks for
# numbers, so a number with a fraction or an exponent written as one character becomes another number. "2½ cups" turns into "21 2 cups", the same as "21 2 cups"; "10² is 100" into
# "102 is 100"; a hypothesis "two and a half cups" then has word errors, and "one hundred and two" has none. Written out ("2 and a half") the value is kept. Nothing is raised.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet transformers==5.24.0
"$folder/venv/bin/python" - <<'PY'
import transformers
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

normal = EnglishTextNormalizer({})
found = {text: normal(text) for text in ("2½ cups", "21 2 cups", "10² is 100", "one hundred and two is 100", "10 squared is 100")}
print(transformers.__version__, found)
assert found["2½ cups"] == found["21 2 cups"] == "21 2 cups"
assert found["10² is 100"] == found["one hundred and two is 100"] == "102 is 100" != found["10 squared is 100"]
print("as described")
PY
