#!/usr/bin/env bash
# silero-vad 6.2.3: the wheel brings its 16 kHz network in several forms, and they are not the same network. The TorchScript file that the package itself loads and the safetensors
# file beside it have layers of the same shapes, but only the fixed cosines of the spectrum are equal: every learned weight differs. Whoever reads the safetensors file into another
# framework, as the package's own tinygrad_model.py does, gets another detector, and no version number or note in the wheel tells them apart.
# The script fails if this changes. It downloads about 3 GB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.11.0 torchaudio==2.11.0 silero-vad==6.2.3 safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file

data = Path(find_spec("silero_vad").origin).parent / "data"
script = {name.removeprefix("_model."): x for name, x in torch.jit.load(str(data / "silero_vad.jit")).state_dict().items()}
plain = load_file(data / "silero_vad_16k.safetensors")
both = {"stft_conv.weight": "stft.forward_basis_buffer", "final_conv.weight": "decoder.decoder.2.weight",
        "lstm_cell.weight_ih": "decoder.rnn.weight_ih", "lstm_cell.weight_hh": "decoder.rnn.weight_hh",
        **{f"conv{i + 1}.weight": f"encoder.{i}.reparam_conv.weight" for i in range(4)}}
same = {name for name, other in both.items() if torch.equal(plain[name], script[other].reshape(plain[name].shape))}
for name, other in both.items():
    off = (plain[name] - script[other].reshape(plain[name].shape)).norm() / script[other].norm()
    print(f"{name:20} {tuple(plain[name].shape)!s:16} differs by {100 * off:.0f} % of its norm")
print(f"silero-vad {version('silero-vad')}: equal in both files: {', '.join(same)}")
assert same == {"stft_conv.weight"}
print("as described")
PY
