"""A compiled network is one graph for all lengths, and its gradients are those of the network as it stands."""
import shutil

import pytest
import torch
from torch._dynamo.utils import counters

from echo17.batch import Batch
from echo17.config import EchoConfig, PRESETS
from echo17.model import EchoNetwork

FORMS = {name: dict(changes) for name, changes in PRESETS.items()} | dict(
    features=dict(similarity="learned", bias_dims=16),
    values=dict(pitch_axis="fixed", polar_values="returned", pitch_code="memory", radius="relative"))
SHAPES = [(2, 40, 9), (3, 64, 12), (2, 123, 7), (4, 57, 20), (5, 200, 5)]  # clips, frames, tokens


def network(form):
    "As small as can be; what starts at 0 is moved away from there."
    torch.manual_seed(0)
    sizes = dict(width=8, heads=2, encoder_layers=1, decoder_layers=1, n_mels=8, vocabulary=12, dropout=0.)
    made = EchoNetwork(EchoConfig.baseline(**FORMS[form], **sizes)).train()
    with torch.no_grad():
        for name, p in made.named_parameters():
            if p.ndim < 2: p.add_((.01 if name.endswith("log_theta") else .3) * torch.randn_like(p))
    return made


def batch(clips, frames, tokens, config):
    "Clips of two lengths."
    draw = torch.Generator().manual_seed(frames)
    lengths = torch.tensor([frames] + [frames - 7] * (clips - 1))
    real = torch.arange(frames) < lengths[:, None]
    voiced = (torch.rand(clips, frames, generator=draw) < .7) & real
    f0 = torch.where(voiced, 100 + 100 * torch.rand(clips, frames, generator=draw), 0.)
    if config.positions.radius == "pitch": f0 = f0 / 100  # a radius of 100 Hz leaves of the gradients mere rounding
    features = {name: torch.randn(clips, frames, channels, generator=draw) * real[..., None]
                for name, channels in config.features.channels.items()}
    ids = torch.randint(4, config.text.vocabulary, (clips, tokens), generator=draw)
    return Batch(features, f0, lengths, ids, torch.full((clips,), tokens))


def gradients(network, call, given):
    "The gradient of each parameter, for a loss that all of the output enters."
    network.zero_grad(set_to_none=True)
    out = call(given)
    (out.logits.sin().sum() + out.ctc.cos().sum()).backward()
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def distance(a, b): return ((a - b).norm() / a.norm().clamp(min=1e-6)).item()


@pytest.fixture(autouse=True)
def fresh():
    "Nothing compiled is left from another test."
    torch._dynamo.reset(); counters.clear()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("form", FORMS)
def test_one_graph_for_all_lengths(form):
    made = network(form)
    compiled = torch.compile(made, fullgraph=True, dynamic=True, backend="eager")
    for shape in SHAPES:
        given = batch(*shape, made.config)
        found, expected = gradients(made, compiled, given), gradients(made, made, given)
        assert found.keys() == expected.keys() and len(found) > 20
        # the gradient of theta adds up angles of many turns, which cancel
        assert max(distance(expected[name], found[name]) for name in found) < 1e-3
    assert counters["stats"]["unique_graphs"] == 1


@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler: what torch.compile generates cannot be built")
@pytest.mark.parametrize("form", [form if form == "echo" else pytest.param(form, marks=pytest.mark.slow) for form in FORMS])
def test_generated_code_has_the_gradients(form):
    made = network(form)
    compiled, given = torch.compile(made, fullgraph=True), batch(*SHAPES[0], made.config)
    found, expected = gradients(made, compiled, given), gradients(made, made, given)
    wrong = {name: off for name in expected if (off := distance(expected[name], found[name])) > 1e-4}
    assert found.keys() == expected.keys() and not wrong
    if form == "echo": assert expected["encoder.blocks.0.axis.speeds"].norm() > 1e-2  # guard: pitch is heard
