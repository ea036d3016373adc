#!/usr/bin/env bash
# silero-vad 6.2.3: importing the package sets torch to one thread for the whole process, not for its own small network. A recogniser that stands beside it then computes on one
# core for the rest of its life, and neither a log line nor the return of a function says so. Setting the number again after the import works. The call stands at the top of the
# package's utils module, so it cannot be avoided while the package is imported; reading its weights file alone leaves torch as it was.
# The script fails if this changes. It downloads about 3 GB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.11.0 torchaudio==2.11.0 silero-vad==6.2.3 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch

torch.set_num_threads(2)
torch.jit.load(str(Path(find_spec("silero_vad").origin).parent / "data" / "silero_vad.jit"))
read = torch.get_num_threads()
import silero_vad
imported = torch.get_num_threads()
torch.set_num_threads(2)
print(f"silero-vad {version('silero-vad')}: 2 threads asked for, {read} after reading the weights, {imported} after the import, {torch.get_num_threads()} when asked again")
assert (read, imported, torch.get_num_threads()) == (2, 1, 2)
print("as described")
PY
