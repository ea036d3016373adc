"""A compiled step of MaxFactor is the same step."""
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from echo17.maxfactor import MaxFactor

SHAPES = (4, 5), (4, 5), (3, 2, 4), (6,), ()


def start():
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def give(parameters, t):
    "Gradients, the same for every caller."
    draw = torch.Generator().manual_seed(t)
    for p in parameters: p.grad = torch.randn(p.shape, generator=draw)


@pytest.mark.parametrize("moments", [False, True])
def test_a_compiled_step_is_the_same_step(moments):
    torch._dynamo.reset()
    plain, fast = start(), start()
    ours, theirs = (MaxFactor(some, lr=.05, moments=moments, moment_rate=1., weight_decay=.1) for some in (plain, fast))
    compiled = torch.compile(theirs.step, backend="aot_eager")  # traced, divided and joined as for any backend
    for t in range(4):
        give(plain, t); ours.step()
        give(fast, t); compiled()
    assert_close(fast, plain, rtol=1e-5, atol=1e-6)
    assert (fast[0] - start()[0]).abs().max() > .1  # guard: it went somewhere
