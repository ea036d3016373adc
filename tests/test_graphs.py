"""Every preset goes to ONNX: what onnxruntime computes from the graphs is what torch computes from the model."""
import pytest
import test_compiled
import torch

from echo17.audio import as_wave
from echo17.batch import Batch, frame_mask
from echo17.creative.stories import read_stories
from echo17.data.manifests import split_clips
from echo17.export import HearingPart, OnnxEcho, export_onnx, onnx_transcribe
from echo17.inference import Echo, load_model, shipped_dir, transcribe
from echo17.state import EchoState
from echo17.text import BOS, Tokenizer

WRITTEN = Tokenizer.characters(["ab cdefg"])  # 12 tokens, as `network` knows
FORMS = {name: test_compiled.FORMS[name] for name in ("seed", "repaired", "values")} | dict(
    soft=dict(test_compiled.FORMS["echo"], voicing="soft", pitch_method="swift", similarity="learned", bias_dims=16))


def model_of(form, monkeypatch):
    "A small model with a tokenizer."
    monkeypatch.setitem(test_compiled.FORMS, form, FORMS[form])
    small = test_compiled.network(form)
    made = Echo(small.config, WRITTEN).eval()
    made.load_state_dict(small.state_dict())
    return made


@pytest.mark.parametrize("form", FORMS)
def test_every_preset_is_the_same_in_onnxruntime(form, tmp_path, monkeypatch):
    made = model_of(form, monkeypatch)
    export_onnx(made, tmp_path / "graphs")
    ready = OnnxEcho(tmp_path / "graphs", threads=1)
    for clips, frames in ((1, 40), (3, 90)):
        given = test_compiled.batch(clips, frames, 5, made.config)
        soft = torch.rand(clips, frames, generator=torch.Generator().manual_seed(0)) if form == "soft" else None
        given = Batch(given.features, given.f0, given.lengths, None, None, voicing=soft)
        with torch.inference_mode():
            memory, sizes, *heard = HearingPart(made)(given.features, given.f0, given.lengths, given.voicing)
            got, counted, *kept = ready.encode(given)
            assert counted.tolist() == sizes.tolist()
            assert (got - memory).abs().max() < 1e-4 * memory.abs().max()
            assert (ready.say(memory=memory)[0] - made.ctc_head(memory).log_softmax(-1)).abs().max() < 1e-4
            state, own = ready.state(kept, sizes), EchoState(made.decoder, memory, frame_mask(sizes, memory.shape[1]))
            for token in (BOS, 4, 5):
                tokens = torch.full((clips,), token)
                assert (state.step(tokens) - own.step(tokens)).abs().max() < 1e-4


def test_the_model_that_comes_along_writes_the_same(tmp_path):
    shipped = load_model(shipped_dir())
    for name in ("float32", "int8"): export_onnx(shipped, tmp_path / name, int8=name == "int8")
    whole, small = (sum(x.stat().st_size for x in (tmp_path / name).glob("*.onnx")) for name in ("float32", "int8"))
    assert small < 0.65 * whole
    whole, small = (OnnxEcho(tmp_path / name, threads=1) for name in ("float32", "int8"))
    waves = [as_wave(clip.path, 16000) for clip in split_clips(read_stories(), "test")[:6]]
    said = [transcribe(shipped, wave) for wave in waves]
    for wave, one in zip(waves, said):
        got = onnx_transcribe(whole, wave)
        assert got.text == one.text and abs(got.confidence - one.confidence) < 1e-3
    assert sum(onnx_transcribe(small, wave).text == one.text for wave, one in zip(waves, said)) >= 4
