#!/usr/bin/env bash
# praatio 6.2.2: Praat writes a quotation mark within a label twice, in both of its text forms. praatio undoes that in labels of intervals, and in points of the short form.
# In points of the long form it does not: the label x"y comes out as x""y, and each time such a file is opened and saved again the number of marks doubles. Nothing is raised.
# The files below are what Praat itself writes (`Save as text file`, `Save as short text file`) for one tier of intervals and one of points.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet praatio==6.2.2
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from pathlib import Path

from praatio import textgrid

HEAD = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
LONG = HEAD + '''xmin = 0
xmax = 2
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "said"
        xmin = 0
        xmax = 2
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 2
            text = "x""y"
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 2
        points: size = 1
        points [1]:
            number = 0.5
            mark = "x""y"
'''
SHORT = HEAD + '0\n2\n<exists>\n2\n"IntervalTier"\n"said"\n0\n2\n1\n0\n2\n"x""y"\n"TextTier"\n"clicks"\n0\n2\n1\n0.5\n"x""y"\n'

def labels(path):
    "The first label of both tiers."
    grid = textgrid.openTextgrid(path, includeEmptyIntervals=False)
    return [grid.getTier(name).entries[0].label for name in ("said", "clicks")]

found = {}
for form, text in (("long", LONG), ("short", SHORT)):
    Path(f"{form}.TextGrid").write_text(text)
    found[form] = labels(f"{form}.TextGrid")
print(f"praatio {version('praatio')}; labels of an interval and of a point, both x\"y in Praat: {found}")
assert found == dict(long=['x"y', 'x""y'], short=['x"y', 'x"y']), found
textgrid.openTextgrid("long.TextGrid", False).save("again.TextGrid", format="long_textgrid", includeBlankSpaces=True)
again = labels("again.TextGrid")
print(f"opened and saved once more: {again}")
assert again == ['x"y', 'x""""y'], again
print("as described")
PY
