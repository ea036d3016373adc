"""MaxFactor under FSDP2: two processes that share every matrix take the steps of one; what cannot be right is refused."""
import os
import socket
from functools import partial

import pytest
import torch
import torch.multiprocessing as mp
from torch import distributed, nn
from torch.testing import assert_close

from echo17.maxfactor import MaxFactor

SHAPES = dict(even=(6, 4), uneven=(5, 7), kernel=(5, 3, 2), row=(1, 4), vector=(5,), one=(1,))  # of two processes one has 3 rows of 5, and none of 1
FORMS = dict(plain=dict(), decaying=dict(weight_decay=.1, betas=(.5, .9)), few=dict(moments=True), up=dict(maximize=True, moment_rate=1.))


class Net(nn.Module):
    "Parameters of all kinds, and a loss that wants gradients of every one."
    def __init__(self, dtype=torch.float64):
        super().__init__()
        torch.manual_seed(0)
        for name, shape in SHAPES.items(): self.register_parameter(name, nn.Parameter(torch.randn(shape, dtype=torch.float64).to(dtype)))
    def forward(self, t):
        generator = torch.Generator().manual_seed(t)
        return sum((p * torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.dtype)).sin().sum() for p in self.parameters())


def walk(net, optimizer, steps):
    for t in steps:
        optimizer.zero_grad(); net(t).backward(); optimizer.step()


def compared(mesh, options):
    "Six steps of both, with a state that goes through the dictionary of the whole and back."
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict, set_optimizer_state_dict
    from torch.distributed.fsdp import fully_shard
    plain, shared = Net(), fully_shard(Net(), mesh=mesh)
    ours, theirs = MaxFactor(shared.parameters(), lr=.05, **options), MaxFactor(plain.parameters(), lr=.05, **options)
    walk(shared, ours, range(3)); walk(plain, theirs, range(3))
    full = StateDictOptions(full_state_dict=True)
    saved = get_optimizer_state_dict(shared, ours, options=full)
    for name, p in plain.named_parameters(): assert_close(saved["state"][name], theirs.state[p], rtol=1e-10, atol=1e-10)
    ours = MaxFactor(shared.parameters(), lr=.9, **options)
    ours.zero_grad()  # torch makes the state that it loads into by a step of its own, where there are no gradients
    set_optimizer_state_dict(shared, ours, saved, options=full)
    walk(shared, ours, range(3, 6)); walk(plain, theirs, range(3, 6))
    start = Net()
    for (name, p), twin, before in zip(shared.named_parameters(), plain.parameters(), start.parameters()):
        assert_close(p.full_tensor(), twin.detach(), rtol=1e-9, atol=1e-9)
        assert (twin != before).any(), name
    kept = {name: tuple(x.to_local().shape) for name, x in ours.state[shared.even].items() if name != "step"}
    half = dict(moment=(3, 4), variance=(3, 4)) if options.get("moments") else dict(row=(3, 1), column=(1, 4))
    assert kept == half  # half the rows, and of margins every column


def in_half(mesh):
    "Parameters in bfloat16 move as one process moves them, and their moments are float32."
    from torch.distributed.fsdp import fully_shard
    plain, shared = Net(torch.bfloat16), fully_shard(Net(torch.bfloat16), mesh=mesh)
    for net in (plain, shared): walk(net, optimizer := MaxFactor(net.parameters(), lr=.05), range(3))
    for p, twin in zip(shared.parameters(), plain.parameters()): assert_close(p.full_tensor(), twin.detach())
    assert {x.dtype for state in optimizer.state.values() for x in state.values()} == {torch.float32}


def refused(mesh):
    "A gradient that is not finite in one process stops all of them, and nothing has moved."
    from torch.distributed.fsdp import fully_shard
    net = fully_shard(Net(), mesh=mesh)
    optimizer = MaxFactor(net.parameters())
    net(0).backward()
    before = net.uneven.full_tensor().clone()
    if distributed.get_rank() == 1: net.uneven.grad.to_local()[0, 0] = torch.inf
    with pytest.raises(ValueError, match=r"a gradient must be finite.*shape \(5, 7\)"): optimizer.step()
    assert_close(net.uneven.full_tensor(), before, rtol=0, atol=0)


def flattened(mesh, whole):
    "FSDP's first version makes one vector of a layer: its matrices are gone."
    from torch.distributed.fsdp import FullyShardedDataParallel
    net = FullyShardedDataParallel(nn.Linear(4, 6), device_id=torch.device("cpu"), use_orig_params=whole)
    with pytest.raises(ValueError, match="flattened by FSDP.*fully_shard"): MaxFactor(net.parameters())


def process(rank, port, work):
    "One of two."
    os.environ |= dict(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE="2")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    from torch.distributed.device_mesh import init_device_mesh
    work(init_device_mesh("cpu", (2,)))
    distributed.destroy_process_group()


def two(work):
    "Run in two processes; an error in one ends both."
    with socket.socket() as free: free.bind(("127.0.0.1", 0)); port = free.getsockname()[1]
    mp.spawn(process, (port, work), nprocs=2)


def all_forms(mesh):
    for options in FORMS.values(): compared(mesh, options)
    in_half(mesh)
    refused(mesh)


@pytest.mark.skipif(not distributed.is_available(), reason="torch without distributed")
def test_two_processes_take_the_steps_of_one(): two(all_forms)


@pytest.mark.skipif(not distributed.is_available(), reason="torch without distributed")
@pytest.mark.parametrize("whole", [True, False])
def test_flattened_parameters_are_refused(whole): two(partial(flattened, whole=whole))
