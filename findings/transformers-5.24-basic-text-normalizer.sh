#!/usr/bin/env bash
# transformers 5.24.0: `BasicTextNormalizer` of Whisper, with which word error rates of all languages but English are usually measured, is said to keep diacritics unless it is asked to remove them. It keeps
# those that have a letter of their own in Unicode (NFKC), à or ế. A mark that stays a code point of its own becomes a space, like punctuation. Three words of Yoruba that differ in their tone alone, ọkọ̀ (vehicle), ọkọ́ (hoe)
# and ọkọ (husband), become one, so taking any for another is no error; and a mark inside a word cuts it in two, so ọ̀nà (road) counts as two words. Thai loses its vowels and tones: น้ำ (water) becomes two
# words, น and า. Neither NFC nor NFD input helps. It downloads 60 MB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet transformers==5.24.0
"$folder/venv/bin/python" - <<'PY' 2> /dev/null
from unicodedata import normalize
import transformers
from transformers.models.whisper.english_normalizer import BasicTextNormalizer
normal = BasicTextNormalizer(remove_diacritics=False)
words = ("mà", "tiếng", "ọkọ̀", "ọkọ́", "ọkọ", "ọ̀nà", "น้ำ")
seen = {word: normal(normalize("NFC", word)).split() for word in words}
print("transformers", transformers.__version__, seen)
assert all(normal(normalize("NFD", word)).split() == found for word, found in seen.items())
assert seen["mà"] == ["mà"] and seen["tiếng"] == ["tiếng"]
assert seen["ọkọ̀"] == seen["ọkọ́"] == seen["ọkọ"] == ["ọkọ"] and seen["ọ̀nà"] == ["ọ", "nà"] and seen["น้ำ"] == ["น", "า"]
print("as described")
PY
