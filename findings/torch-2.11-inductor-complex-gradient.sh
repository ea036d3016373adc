#!/usr/bin/env bash
# torch 2.11.0 on a CPU: a compiled function that turns pairs of numbers by learned angles (complex numbers, made with torch.polar) and passes them to a convolution returns a gradient
# of the angles that has nothing to do with the right one: its distance from float64 is more than its size, while eager agrees to the seventh digit. The forward pass is right, nothing is raised; the one warning says
# that complex operators get no generated code and that eager "may be faster". The same function in real arithmetic, (a c - b s, a s + b c), compiles to the right gradient.
# Seen with the wheel of PyPI, Python 3.11, Linux, gcc. It downloads about 3 GB, and needs a C++ compiler.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.11.0 numpy
"$folder/venv/bin/python" - <<'PY'
import torch
torch.manual_seed(0)
conv = torch.nn.Conv1d(32, 32, 9, padding=4, groups=32)
x, h = torch.randn(2, 2, 40, 16), torch.randn(2, 1, 40, 1)

def joined(y): return conv(y.flatten(-2).transpose(1, 2).reshape(2, 40, 32).transpose(1, 2)).square().sum()

def as_complex(w):                                # two heads, eight pairs, each turned by its own speed times h
    angle = h * w[:, None]
    return joined(torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (8, 2))) * torch.polar(torch.ones_like(angle), angle)))

def as_real(w):
    (a, b), c, s = x.unflatten(-1, (8, 2)).unbind(-1), (h * w[:, None]).cos(), (h * w[:, None]).sin()
    return joined(torch.stack([a * c - b * s, a * s + b * c], -1))

w = torch.randn(2, 8, requires_grad=True)
ways = {"complex": as_complex, "complex, compiled": torch.compile(as_complex), "real, compiled": torch.compile(as_real)}
grads = {name: torch.autograd.grad(way(w), w)[0] for name, way in ways.items()}
conv.double(); x, h = x.double(), h.double()
exact = torch.autograd.grad(as_real(w.double()), w)[0]
off = {name: ((g - exact).norm() / exact.norm()).item() for name, g in grads.items()}
print(torch.__version__, off)
assert off["complex"] < 1e-5 and off["real, compiled"] < 1e-5 and off["complex, compiled"] > .5
print("as described")
PY
