"""The pieces in somebody else's transformer: a plain block, grouped queries, a Hugging Face model; and beside other rotaries."""
import itertools
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from echo17.contour import standardize_log_f0, stride_f0
from echo17.polar import PitchAxis, PitchCode, PitchRotary, PolarValues, pitch_height, pitch_state
from echo17.rotary import LAYOUTS, PAIRINGS, TABLE_ROWS, PolarRotary, apply_rotary

README = Path(__file__).resolve().parent.parent / "README.md"
EXAMPLE = "".join(re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)[:2])  # imports, and the example


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
    torch._dynamo.reset()


def voices(rows, frames):
    "(rows, frames) Hz, a third of it unvoiced."
    return 120 * torch.rand(rows, frames).exp2() * (torch.rand(rows, frames) > .3)


class Block(nn.Module):
    "A transformer block as anybody writes it, with the README's lines where it turns queries and keys."

    def __init__(self, width=32, heads=4, key_heads=None, rotary=None):
        super().__init__()
        self.heads, self.key_heads, self.head_dim = heads, key_heads or heads, width // heads
        self.norm, self.query, self.out = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, width)
        self.key, self.value = (nn.Linear(width, self.key_heads * self.head_dim) for _ in range(2))
        self.rotary = PitchRotary(heads, self.head_dim, key_heads, level=200.) if rotary is None else rotary

    def split(self, x, heads): return x.unflatten(-1, (heads, self.head_dim)).transpose(1, 2)

    def forward(self, x, f0=None, past=None, **place):
        y = self.norm(x)
        q, k, v = self.split(self.query(y), self.heads), *(self.split(layer(y), self.key_heads) for layer in (self.key, self.value))
        if f0 is None: turns = key_turns = self.rotary.rotations(x.shape[1], **place)
        else: key_turns = self.rotary.for_keys(turns := self.rotary(f0, **place))
        q, k = apply_rotary(q, turns), apply_rotary(k, key_turns)
        causal = not past
        if past is not None:
            if past: k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
            past[:] = k, v
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=self.heads != self.key_heads)
        return x + self.out(y.transpose(1, 2).flatten(2))


def without_pitch(block, heads, key_heads):
    "The same block with plain RoPE."
    plain = Block(32, heads, key_heads, rotary=PolarRotary(32 // heads))
    plain.load_state_dict({name: x for name, x in block.state_dict().items() if not name.startswith("rotary.")})
    return plain


@pytest.mark.parametrize("key_heads", [None, 2, 1])
def test_a_block_of_anybody(key_heads):
    block, x, f0 = Block(32, 4, key_heads), torch.randn(2, 30, 32, requires_grad=True), voices(2, 30)
    y = block(x, f0)
    assert y.shape == x.shape and y.isfinite().all()
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in [x, *block.parameters()])
    assert block.rotary.axis.speeds.grad.any(1).all()                               # each head learns from pitch
    assert (block(x, f0.flip(1)) - y).abs().max() > 1e-3                            # pitch is heard,
    sung = 120 * torch.rand(2, 30).exp2()
    assert_close(block(x, 1.7 * sung), block(x, sung), rtol=1e-3, atol=1e-4)        # as intervals where all is voiced,
    later = f0.clone(); later[:, 20:] *= 1.5
    assert_close(block(x, later)[:, :20], y[:, :20])                                # and the future is not
    nn.init.zeros_(block.rotary.axis.speeds)
    plain = without_pitch(block, 4, key_heads)
    assert_close(block(x, f0), plain(x), rtol=0, atol=1e-6)                         # no speeds: plain RoPE
    assert (plain(x) - y).abs().max() > 1e-3                                        # guard


@pytest.mark.parametrize("key_heads", [None, 2])
def test_one_step_at_a_time(key_heads):
    block, x, f0 = Block(32, 4, key_heads).eval(), torch.randn(2, 12, 32), voices(2, 12)
    with torch.no_grad():
        whole, past = block(x, f0), []
        steps = [block(x[:, :5], f0[:, :5], past)]
        steps += [block(x[:, [t]], f0[:, [t]], past, offset=t) for t in range(5, 12)]
        assert_close(torch.cat(steps, 1), whole, rtol=1e-4, atol=1e-5)
        past = []
        for t in range(12): last = block(x[:, [t]], f0[:, [t]], past)               # guard: who forgets the offset
        assert (last - whole[:, -1:]).abs().max() > 1e-3


def test_the_lines_of_the_readme():
    exec(EXAMPLE, found := {})
    assert found["heard"].shape == (1, 8, 100, 64) and found["turns"].shape == (1, 8, 100, 32)
    start, rotary, use = EXAMPLE.partition("rotary = ")
    assert rotary and len([line for line in use.splitlines() if line.strip()]) <= 10
    given = {name: found[name] for name in ("scaled_dot_product_attention", "PitchRotary", "apply_rotary", "values")}
    given |= dict(queries=torch.randn(1, 8, 100, 64), keys=torch.randn(1, 2, 100, 64), f0=found["f0"])
    heard = []
    for f0 in (given["f0"], given["f0"].flip(1)):
        torch.manual_seed(1); exec(rotary + use, here := given | dict(f0=f0))
        heard.append(here["heard"])
    assert (heard[0] - heard[1]).abs().max() > 1e-2


# Hugging Face

transformers = pytest.importorskip("transformers")


def llama(attention):
    "A tiny random model, 4 heads of queries and 2 of keys."
    config = transformers.LlamaConfig(vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                                      num_attention_heads=4, num_key_value_heads=2, attn_implementation=attention, initializer_range=.3)
    torch.manual_seed(3)
    return transformers.LlamaForCausalLM(config).eval()


def pitch_attention(module, query, key, value, mask, f0=None, **given):
    "The attention of the model, after queries and keys have turned by pitch: the model has turned them by time."
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    turns, newest = module.turns(f0), query.shape[2]
    query = apply_rotary(query, turns[:, :, -newest:], pairing="halves")
    key = apply_rotary(key, module.pitch.for_keys(turns), pairing="halves")
    return sdpa_attention_forward(module, query, key, value, mask, **given)


@pytest.fixture
def hearing():
    "A Llama in which every layer hears pitch."
    from transformers import AttentionInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    AttentionInterface.register("pitch", pitch_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register("pitch", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    model = llama("pitch")
    for layer in model.model.layers:
        layer.self_attn.pitch = PitchRotary(heads=4, head_dim=8, key_heads=2, level=200.)
        layer.self_attn.turns = layer.self_attn.pitch.by_pitch
    return model


def test_a_hugging_face_model(hearing):
    tokens, f0 = torch.randint(50, (2, 15)), voices(2, 15)
    logits = hearing(tokens, f0=f0).logits
    assert logits.shape == (2, 15, 50) and logits.isfinite().all()
    logits.square().mean().backward()
    for layer in hearing.model.layers: assert layer.self_attn.pitch.axis.speeds.grad.any(1).all()
    assert (hearing(tokens, f0=f0.flip(1)).logits - logits).abs().max() > 1e-3
    later = f0.clone(); later[:, 10:] *= 1.5
    assert_close(hearing(tokens, f0=later).logits[:, :10], logits[:, :10])
    for layer in hearing.model.layers: nn.init.zeros_(layer.self_attn.pitch.axis.speeds)
    assert_close(hearing(tokens, f0=f0).logits, llama("sdpa")(tokens).logits, rtol=1e-4, atol=1e-6)


def test_a_hugging_face_model_with_its_cache(hearing):
    tokens, f0 = torch.randint(50, (2, 9)), voices(2, 9)
    with torch.no_grad():
        whole = hearing(tokens, f0=f0).logits
        first = hearing(tokens[:, :6], f0=f0[:, :6], use_cache=True)
        held, steps = first.cache, [first.logits]
        for t in range(6, 9): steps.append(hearing(tokens[:, [t]], f0=f0[:, :t + 1], cache=held, use_cache=True).logits)
    assert_close(torch.cat(steps, 1), whole, rtol=1e-4, atol=1e-5)


def test_a_hugging_face_model_turns_by_our_time(hearing):
    "The other way: the model's own rotary is taken out, and `PitchRotary` turns by time as well."
    tokens, f0, wanted = torch.randint(50, (2, 15)), voices(2, 15), None
    with torch.no_grad():
        wanted = hearing(tokens, f0=f0).logits
        for layer in hearing.model.layers: layer.self_attn.turns = layer.self_attn.pitch
        assert (hearing(tokens, f0=f0).logits - wanted).abs().max() > 1e-3            # guard: time twice
        class Still(nn.Module):
            def forward(self, x, position_ids): return torch.ones(1, x.shape[1], 8), torch.zeros(1, x.shape[1], 8)
        hearing.model.rotary_emb = Still()
        assert_close(hearing(tokens, f0=f0).logits, wanted, rtol=1e-4, atol=1e-5)


# beside other rotaries

@pytest.mark.parametrize("layout", LAYOUTS)
def test_halves_are_those_of_llama(layout):
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
    config = transformers.LlamaConfig(hidden_size=64, num_attention_heads=4)
    q, k = torch.randn(2, 2, 4, 40, 16)
    positions = torch.stack([torch.arange(40), torch.arange(7, 47)])
    cos, sin = LlamaRotaryEmbedding(config)(q, positions)
    wanted = apply_rotary_pos_emb(q, k, cos, sin)
    turns = PolarRotary(16, theta=config.rope_parameters["rope_theta"]).rotations(40, positions=positions)
    for x, expected in zip((q, k), wanted):
        if layout == "bthd": x, expected = x.transpose(1, 2), expected.transpose(1, 2)
        assert_close(apply_rotary(x, turns, layout, "halves"), expected, rtol=1e-4, atol=1e-5)
        assert (apply_rotary(x, turns, layout) - expected).abs().max() > .1           # guard


@pytest.mark.parametrize("layout", LAYOUTS)
def test_interleaved_are_those_of_rotary_embedding_torch(layout):
    from rotary_embedding_torch import RotaryEmbedding
    theirs, ours = RotaryEmbedding(dim=16, cache_if_possible=False), PolarRotary(16)
    x = torch.randn(2, 4, 40, 20)                                                   # 4 numbers beyond pass as they are
    for offset in (0, 7):
        wanted = theirs.rotate_queries_or_keys(x, offset=offset)
        given, wanted = (x, wanted) if layout == "bhtd" else (x.transpose(1, 2), wanted.transpose(1, 2))
        turned = apply_rotary(given, ours.rotations(40, offset=offset), layout)
        assert_close(turned, wanted, rtol=1e-4, atol=1e-5)
        assert (apply_rotary(given, ours.rotations(40, offset=offset), layout, "halves") - wanted).abs().max() > .1


# in half precision, on other devices, for the compiler

@pytest.mark.parametrize("way", ["half", "bfloat16", "to", "saved"])
def test_a_model_in_half_precision_knows_far_positions(way, tmp_path):
    model = nn.ModuleDict(dict(time=PolarRotary(64), both=PitchRotary(2, 64, learned=False, level=200.), code=PitchCode(8)))
    saved, f0 = list(model.state_dict()), voices(1, 4)
    model["both"](f0, offset=100_000)                                               # its table is long now
    if way == "saved":
        torch.save(model.half().state_dict(), tmp_path / "model.pt")
        model.load_state_dict(torch.load(tmp_path / "model.pt"))
    else: getattr(model, way)(*[torch.bfloat16] * (way == "to"))
    assert list(model.state_dict()) == saved == ["code.write.weight"]
    speeds = 10000. ** (-torch.arange(32, dtype=torch.float64) / 32)
    exact = torch.exp(1j * (100_000 + torch.arange(4, dtype=torch.float64)[:, None]) * speeds)
    assert (model["time"].rotations(4, offset=100_000)[0] - exact).abs().max() < 5e-7
    by_pitch = torch.exp(1j * pitch_height(f0, 200.).double()[0, :, None] * 2 ** torch.linspace(-2, 2, 32).double())
    assert (model["both"](f0, offset=100_000)[0, 0] - exact * by_pitch).abs().max() < 5e-6
    assert TABLE_ROWS[1] > 100_004 and all(x.dtype == torch.float32 for x in model.buffers() if len(x))
    x = torch.randn(1, 2, 4, 64, dtype=torch.bfloat16)
    assert apply_rotary(x, model["both"](f0)).dtype == torch.bfloat16


def test_everything_goes_where_the_module_goes():
    pieces = [PolarRotary(8), PolarRotary.seed(8), PolarRotary.seed(8, learn_theta=False), PolarRotary.repaired(8),
              PitchRotary(4, 8, 2), PitchRotary(4, 8, learned=False), PitchAxis(2, 4, False), PolarValues(2, 4), PitchCode(8)]
    for piece in pieces:
        piece.to("meta")
        assert {x.device.type for x in itertools.chain(piece.parameters(), piece.buffers())} == {"meta"}
        if isinstance(piece, PolarRotary): assert piece.theta.is_meta and piece.rotations(700).is_meta
    assert PitchRotary(4, 8, learned=False).to("meta")(torch.zeros(1, 5, device="meta")).is_meta


ROTARY, GROUPED, AXIS, VALUES, CODE = PolarRotary(8), PitchRotary(4, 8, 2, level=150.), PitchAxis(4, 4), PolarValues(4, 4), PitchCode(8)
PIECES = {
    **{f"apply_rotary, {layout}, {pairing}": lambda x, f0, how=(layout, pairing): apply_rotary(
        x if how[0] == "bhtd" else x.transpose(1, 2), ROTARY.rotations(f0.shape[1]), *how)
       for layout, pairing in itertools.product(LAYOUTS, PAIRINGS)},
    "plain": lambda x, f0: ROTARY.rotations(f0.shape[1], offset=9),
    "a table too short": lambda x, f0, fresh=PolarRotary(8): fresh.rotations(f0.shape[1], offset=600),
    "positions": lambda x, f0: ROTARY.rotations(f0.shape[1], positions=torch.arange(f0.shape[1])[None]),
    "seed": lambda x, f0, form=PolarRotary.seed(8): form.rotations(f0.shape[1], f0, f0 > 0),
    "seed, offset": lambda x, f0, form=PolarRotary.seed(8): form.rotations(f0.shape[1], f0, offset=3),
    "repaired": lambda x, f0, form=PolarRotary.repaired(8): form.rotations(f0.shape[1], f0, f0 > 0),
    "repaired, deaf": lambda x, f0, form=PolarRotary.repaired(8): form.rotations(f0.shape[1]),
    "PitchRotary": lambda x, f0: apply_rotary(x, GROUPED(f0, offset=5)),
    "keys": lambda x, f0: apply_rotary(x[:, :2], GROUPED.for_keys(GROUPED(f0))),
    "some pairs and heads": lambda x, f0, some=PitchRotary(4, 8, head_share=.5, pair_share=.5): some(f0),
    "PitchAxis": lambda x, f0: AXIS(pitch_height(f0)),
    "PolarValues": lambda x, f0: VALUES(pitch_state(f0, .04)),
    "PitchCode": lambda x, f0: CODE(pitch_state(f0, .04, smoothing=3)),
    "contour": lambda x, f0: (standardize_log_f0(f0), stride_f0(f0, 4)),
}


@pytest.mark.parametrize("name", PIECES)
def test_no_piece_breaks_the_graph(name):
    piece, x, f0 = PIECES[name], torch.randn(2, 4, 30, 8), voices(2, 30)
    found = torch._dynamo.explain(piece)(x, f0)
    assert (found.graph_count, found.graph_break_count) == (1, 0), found.break_reasons
    torch._dynamo.reset()
    assert_close(torch.compile(piece, fullgraph=True, backend="eager")(x, f0), piece(x, f0))


def test_a_break_would_be_seen():
    def looks(x, f0):
        if (f0 < 0).any(): raise ValueError("f0 must not be negative")
        return x + 1
    assert torch._dynamo.explain(looks)(torch.randn(2), voices(2, 3)).graph_break_count > 0


def test_a_block_compiles_as_one_graph():
    block = Block(32, 4, 2)
    with torch.no_grad(): block(torch.randn(1, 900, 32), voices(1, 900))             # the table is long enough now
    fast = torch.compile(block, fullgraph=True, backend="eager", dynamic=True)
    for frames in (30, 45):
        x, f0 = torch.randn(2, frames, 32), voices(2, frames)
        assert_close(fast(x, f0), block(x, f0))
