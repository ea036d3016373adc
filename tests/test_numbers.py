"""Numbers that stay numbers: pitch at its extremes, clips of 1 to 4,000 frames, low precision, padding and the order of a batch."""
from dataclasses import replace
from functools import partial

import pytest
import torch

from echo17.batch import Batch, frame_mask
from echo17.config import EchoConfig
from echo17.inference import Echo
from echo17.model import zero_started
from echo17.text import BOS, EOS, Tokenizer
from echo17.training import loss_sums

TOKENIZER = Tokenizer.characters(["abc"])
PRESETS = dict(baseline=EchoConfig.baseline, seed=EchoConfig.seed, repaired=EchoConfig.repaired, echo=EchoConfig.echo,
               level=partial(EchoConfig.baseline, pitch_axis="learned", polar_values="returned", pitch_code="memory", pitch_level=180., pitch_smoothing=3),
               interval=partial(EchoConfig.baseline, pitch_axis="fixed", polar_values="forward", pitch_code="input"))  # of each utterance's own mean
TWO = torch.tensor([65., 500.])


def contours(frames):
    "f0 of one clip in Hz, by what is extreme about it."
    steady, step = torch.full((frames,), 150.), torch.arange(frames)
    return {"all silence": 0 * steady, "all voiced": steady, "one voiced frame": torch.where(step == frames // 2, 150., 0.), "lowest": 0 * steady + 65., "highest": 0 * steady + 500.,
            "octave jumps": torch.where(step % 2 == 0, 100., 200.), "from limit to limit": TWO[step % 2], "voiced in turn": torch.where(step % 2 == 0, 0., 150.)}


def a_model(preset, width=32):
    torch.manual_seed(0)
    model = Echo(PRESETS[preset](vocabulary=len(TOKENIZER), width=width, heads=2, encoder_layers=2, decoder_layers=1, n_mels=20, dropout=0.), TOKENIZER)
    with torch.no_grad():
        for start in zero_started(model).values(): start.add_(0.3)  # what starts at zero takes part
    return model.train()


def a_batch(model, f0s, loud=1.):
    "Clips with the given contours and made-up features, padded."
    generator, lengths = torch.Generator().manual_seed(0), torch.tensor([len(f0) for f0 in f0s])
    f0 = torch.nn.utils.rnn.pad_sequence(f0s, batch_first=True)
    mask = frame_mask(lengths, f0.shape[1])[..., None]
    features = {name: loud * torch.randn(1, f0.shape[1], channels, generator=generator).repeat(len(f0s), 1, 1) * mask for name, channels in model.config.features.channels.items()}
    tokens = torch.tensor([[BOS, *TOKENIZER.encode("abca"), EOS]]).repeat(len(f0s), 1)
    return Batch(features, f0, lengths, tokens, torch.full((len(f0s),), 6))


def step(model, batch, precision=torch.float32):
    "Loss of the batch, after a backward pass in which everything must be finite."
    model.zero_grad()
    with torch.autocast("cpu", precision, enabled=precision != torch.float32): output = model(batch)
    loss = sum(loss_sums(output, batch))
    (loss * (1. if precision != torch.float16 else 64.)).backward()
    assert output.logits.isfinite().all() and output.ctc.isfinite().all() and loss.isfinite()
    for name, p in model.named_parameters(): assert p.grad is None or p.grad.isfinite().all(), name
    return loss.item()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16], ids=["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("preset", PRESETS)
def test_pitch_at_its_extremes(preset, precision):
    model = a_model(preset)
    for frames in (1, 2, 37): step(model, a_batch(model, list(contours(frames).values())), precision)
    for loud in (0., 1e-20, 1e4): step(model, a_batch(model, list(contours(9).values()), loud), precision)


@pytest.mark.parametrize("preset", PRESETS)
def test_lengths_from_one_to_four_thousand_frames(preset):
    model = a_model(preset)
    for frames in (1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 255, 1000, 4000):
        step(model, a_batch(model, [contours(frames)[name] for name in ("from limit to limit", "one voiced frame")]), (torch.float32, torch.bfloat16, torch.float16)[frames % 3])


@pytest.mark.parametrize("preset", PRESETS)
def test_padding_and_the_order_of_a_batch_change_nothing(preset):
    model = a_model(preset).eval()
    f0s = [contours(frames)[name] for frames, name in ((37, "all voiced"), (5, "octave jumps"), (90, "voiced in turn"), (1, "all voiced"), (64, "all silence"))]
    whole = a_batch(model, f0s)
    def pick(order, padding):
        "These clips, in this order, with so many frames of padding that hold rubbish."
        def more(x): return torch.cat([x[order], torch.full_like(x[order][:, :1], 7.).repeat(1, padding, *[1] * (x.ndim - 2))], 1) if padding else x[order]
        return Batch({name: more(x) for name, x in whole.features.items()}, more(whole.f0), whole.lengths[order], whole.tokens[order], whole.token_lengths[order])
    with torch.inference_mode():
        together = model(whole)
        other = model(replace(whole, f0=torch.where(whole.f0 > 0, 60. + whole.f0, 0.)))
        assert torch.equal(other.logits, together.logits) == (not model.config.positions.uses_pitch)  # guard: what must not change the result is not everything
        for order, padding in (([4, 2, 0, 1, 3], 0), ([0], 0), ([3], 0), ([1, 3], 0), ([2, 0], 11), ([3, 4], 400)):
            batch = pick(order, padding)
            other = model(batch)
            for row, clip in enumerate(order):
                n = -(-int(whole.lengths[clip]) // model.config.stride)
                torch.testing.assert_close(other.logits[row], together.logits[clip], rtol=1e-5, atol=1e-5)
                torch.testing.assert_close(other.ctc[row, :n], together.ctc[clip, :n], rtol=1e-5, atol=1e-5)


def test_every_part_is_there():
    "The contours are what they are called, and the batch is padded."
    found = contours(10)
    assert found["all silence"].max() == 0 and (found["one voiced frame"] > 0).sum() == 1 and found["octave jumps"][1] == 2 * found["octave jumps"][0]
    model = a_model("repaired")
    assert set(a_batch(model, [found["lowest"], contours(4)["highest"]]).lengths.tolist()) == {10, 4}
