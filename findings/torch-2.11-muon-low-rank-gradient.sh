#!/usr/bin/env bash
# torch 2.11.0, torch.optim.Muon, on gradients of low rank, such as those of a linear layer that has seen few positions: most of the step goes where the gradient has nothing.
# Muon lifts every singular value of the update to about one by five rounds of a polynomial, which it computes in bfloat16 whatever the dtype of the parameters. Zero would stay zero;
# but rounding to 8 bits leaves about 1/1000 in every direction, and five rounds lift that as they lift anything small. For a gradient of rank one, without momentum or decay,
# more than half of the squared length of the step lies outside of the gradient's one direction, for 64 as for 1024 rows and for parameters in float32 and float64; at rank four about a third. The step follows the rounding, and nothing says so.
# The same five rounds in float32 stay within the direction. For a gradient of full rank the two agree. The script computes all of this; it fails if it changes.
# It downloads about 1 GB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.11.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch

torch.manual_seed(0)


def muon_step(gradient):
    "What torch's Muon does to zeros, without momentum and decay."
    p = torch.nn.Parameter(torch.zeros_like(gradient))
    p.grad = gradient.clone()
    torch.optim.Muon([p], lr=1., momentum=0., nesterov=False, weight_decay=0.).step()
    return -p.detach()


def exact_rounds(gradient, a=3.4445, b=-4.775, c=2.0315):
    "The same polynomial in the dtype of the gradient."
    x = gradient / gradient.norm()
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x


def outside(step, gradient, rank):
    "The share of the squared length of a step in rows that the gradient's columns do not span."
    span = torch.linalg.svd(gradient)[0][:, :rank]
    return ((step - span @ (span.T @ step)).norm() ** 2 / step.norm() ** 2).item()


for dtype in (torch.float32, torch.float64):
    for size in (64, 256, 1024):
        for rank in (1, 4, size):
            gradient = torch.randn(size, rank, dtype=dtype)
            if rank < size: gradient = gradient @ torch.randn(rank, size, dtype=dtype)
            muon, exact = (outside(make(gradient), gradient, rank) for make in (muon_step, exact_rounds))
            print(f"{str(dtype):14} {size:>4} rows, rank {rank:>4}: outside of the gradient {100 * muon:5.1f} % of Muon's step, {100 * exact:5.1f} % of the same rounds in {dtype}")
            assert exact < 1e-3
            assert muon > .4 if rank == 1 else muon > .15 if rank == 4 else muon < 1e-3
print(f"torch {torch.__version__}: as described")
PY
