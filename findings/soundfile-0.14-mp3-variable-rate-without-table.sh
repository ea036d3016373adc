#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2 in its wheel): an MP3 of variable bit rate whose first frame, the table of contents that LAME writes, is missing, as in
# streams and in files cut from longer ones, is read as a shorter sound. The number of samples is guessed from the size of the file and the rate of its first frame, and
# reading stops there: most of four seconds of speech-like sound can be lost. Nothing is raised, and `info` states the same wrong number. The same frames with the table in front are
# read whole, so it is not the frames. (MP3 is a row of frames; the table is an ordinary frame that a decoder may do without.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet soundfile==0.14.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PY'
import numpy as np
import soundfile as sf

rate, seconds = 44100, 4
t = np.arange(seconds * rate) / rate
chance = np.random.default_rng(0)
sound = .3 * np.sin(2 * np.pi * 150 * t) * (t < 2) + .2 * chance.standard_normal(len(t)) * (t >= 2)  # the first half needs few bits
with sf.SoundFile("whole.mp3", "w", rate, 1, format="MP3", bitrate_mode="VARIABLE", compression_level=.5) as file: file.write(sound)
frames = open("whole.mp3", "rb").read()
header = int.from_bytes(frames[:4], "big")
bitrate = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[header >> 12 & 15]
first = 144000 * bitrate // rate + (header >> 9 & 1)  # bytes of a frame of MPEG 1, layer III
assert b"Xing" in frames[:first]
open("bare.mp3", "wb").write(frames[first:])
whole, bare = (len(sf.read(name)[0]) for name in ("whole.mp3", "bare.mp3"))
print(f"soundfile {sf.__version__}, {sf.__libsndfile_version__}: {len(sound)} samples written; read with the table {whole}, without {bare}")
assert whole == len(sound) and bare < 0.9 * len(sound) and sf.info("bare.mp3").frames == bare
print("as described")
PY
