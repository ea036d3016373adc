#!/usr/bin/env bash
# torch 2.11.0 on a CPU that computes in bfloat16 (x86 with AVX512_BF16): the weight gradient of conv1d with kernel 3, stride 2, padding 1, the usual
# front end of a speech recogniser, is wrong for an input of one frame. The first and the last tap meet nothing but padding, so their gradient must be
# exactly zero; instead they hold numbers that nobody computed, often huge, sometimes NaN, different from run to run. float32 and float16 are right, so is a stride of 1, and so is the
# same frame followed by one frame of zeros, which has the same output. Nothing is raised and the loss is finite. Seen with the wheel of PyPI, Python 3.11, Linux; the path is oneDNN's
# (with torch.backends.mkldnn switched off the gradient is right). Elsewhere there is nothing to see, and the script says so. It downloads about 3 GB.
set -euo pipefail
grep -qs avx512_bf16 /proc/cpuinfo || { echo "this CPU has no bfloat16 instructions: nothing to see here"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.11.0 numpy
"$folder/venv/bin/python" - <<'PY'
import torch
from torch.nn import functional as F

def outer_taps(dtype, frames=1, stride=2, seeds=20):
    "In how many of 20 draws a tap that met only padding has a gradient."
    wrong = 0
    for seed in range(seeds):
        torch.manual_seed(seed)
        x, weight = torch.randn(2, 32, 1), torch.randn(32, 32, 3)
        x, weight = F.pad(x, (0, frames - 1)).to(dtype), weight.to(dtype).requires_grad_()
        F.conv1d(x, weight, stride=stride, padding=1)[..., :1].float().square().sum().backward()
        outer = weight.grad[..., [0, 2]]
        wrong += bool(outer.isnan().any() or outer.any())
    return wrong

found = {"bfloat16": outer_taps(torch.bfloat16), "float32": outer_taps(torch.float32), "float16": outer_taps(torch.float16),
         "bfloat16, stride 1": outer_taps(torch.bfloat16, stride=1), "bfloat16, a frame of zeros behind": outer_taps(torch.bfloat16, frames=2)}
with torch.backends.mkldnn.flags(enabled=False): found["bfloat16 without oneDNN"] = outer_taps(torch.bfloat16)
print(torch.__version__, found)
assert found.pop("bfloat16") > 0 and not any(found.values())
print("as described")
PY
