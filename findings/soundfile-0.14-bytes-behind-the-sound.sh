#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2 in its wheel): NIST SPHERE, the format of TIMIT and of the LDC's telephone speech, states in its header how many samples it holds
# (sample_count), and Sony's W64 the size of its data chunk. Both numbers are passed over when something stands behind the sound: W64 with further bytes and NIST with further bytes
# are read on, and what stands there comes out as samples at the end of the speech. A WAV with the same bytes behind it gives its own samples and no more. Nothing is raised.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet soundfile==0.14.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import io
import re

import numpy as np
import soundfile as sf

def read_with(behind, kind):
    "Samples stated by the header of a NIST file (None elsewhere), and samples read."
    file = io.BytesIO()
    sf.write(file, .3 * np.sin(np.arange(32000) / 10), 16000, format=kind, subtype="PCM_16")
    data = file.getvalue()
    stated = re.search(rb"sample_count -i (\d+)", data[:1024]) if kind == "NIST" else None
    return int(stated[1]) if stated else None, len(sf.read(io.BytesIO(data + behind))[0])

found = {kind: read_with(bytes(1000), kind) for kind in ("WAV", "NIST", "W64")}
print(f"soundfile {sf.__version__}, {sf.__libsndfile_version__}; 32000 samples and 1000 bytes behind them: (stated, read) {found}")
assert found == {"WAV": (None, 32000), "NIST": (32000, 32500), "W64": (None, 32500)}
assert read_with(b"", "NIST") == (32000, 32000)
print("as described")
PY
