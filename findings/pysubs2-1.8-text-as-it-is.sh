#!/usr/bin/env bash
# pysubs2 1.8.1: text that is only text does not come through. `SSAEvent.plaintext` takes braces for SubStation's override codes: what is set as "write {name} here" is "write  here" when it is read again, and in every
# file. In WebVTT `&`, `<` and `>` are escaped, which pysubs2 neither does nor undoes: it writes `AT&T <3` as it stands, where a player sees the beginning of a tag, and reads the `AT&amp;T` of others as `AT&amp;T`.
# Nothing is said. Escape by hand what goes into WebVTT; a text with braces has no way through it. It downloads 0.1 MB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pysubs2==1.8.1
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from pysubs2 import SSAEvent, SSAFile
print("pysubs2", version("pysubs2"))
event = SSAEvent(start=0, end=1000)
event.plaintext = "write {name} here"
print("set 'write {name} here', read", repr(event.plaintext))
assert event.plaintext == "write  here"
event.plaintext, file = "AT&T <3 a --> b", SSAFile()
file.append(event)
written = file.to_string("vtt")
print("WebVTT:", repr(written))
assert "\nAT&T <3 a --> b\n" in written                                 # the standard asks for AT&amp;T &lt;3 a --&gt; b
(read,) = SSAFile.from_string("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nAT&amp;T &lt;3\n", "vtt")
print("read 'AT&amp;T &lt;3' of a WebVTT file as", repr(read.plaintext))
assert read.plaintext == "AT&amp;T &lt;3"                               # which means AT&T <3
print("as described")
PY
