"""One call of each module from outside the notebooks: what `import echo17` users do, in plain Python."""
import subprocess
import sys

import pytest
import torch
from torch import nn

from echo17.attention import PitchAttention, pitch_similarity
from echo17.audio import load_audio, log_mel
from echo17.batch import frame_mask
from echo17.config import EchoConfig, FeatureConfig
from echo17.creative.imagine import imagine
from echo17.creative.mood import load_head, sort_by_sadness
from echo17.creative.stories import read_stories
from echo17.data.batches import Corpus
from echo17.data.cache import prepare_features
from echo17.data.folders import FolderOptions, folder_report, init_folder, next_step
from echo17.data.manifests import read_corpus, split_clips
from echo17.data.synthetic import synthesize_corpus
from echo17.decoding import greedy_search
from echo17.errors import EchoError
from echo17.frequencies import geometric_frequencies, mel_frequencies
from echo17.inference import Echo
from echo17.maxfactor import MaxFactor
from echo17.state import EchoState
from echo17.pitch import extract_pitch, synthesize_voice
from echo17.research.demo import read_phrases
from echo17.research.diagnosis import diagnose, diagnosis_report
from echo17.research.figures import FIGURES
from echo17.research.shipped import outdated
from echo17.rotary import PolarRotary, apply_rotary
from echo17.text import Tokenizer, error_rates

F0 = torch.linspace(120, 180, 100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "A synthesised corpus."
    home = tmp_path_factory.mktemp("corpus")
    synthesize_corpus(home / "syllables")
    return home


def test_pitch_and_spectrogram_share_one_grid():
    wave = synthesize_voice(F0)
    for method in ("dio", "harvest", "pyin", "nccf", "swift"):
        pitch = extract_pitch(wave, 16000, method)
        assert len(pitch.f0) == len(log_mel(wave))
        assert (pitch.f0[20:80] - F0[20:80]).abs().median() < 3


@pytest.mark.parametrize("make", [PolarRotary.seed, PolarRotary.repaired, PolarRotary])
def test_pieces_drop_into_another_attention(make):
    f0 = F0[None].repeat(2, 1)
    queries = apply_rotary(torch.randn(2, 4, 100, 16), make(16).along(f0))
    attention = PitchAttention(64, 4, similarity="learned")
    assert queries.shape == (2, 4, 100, 16)
    assert attention(torch.randn(2, 100, 64), rotations=make(16).along(f0), similarity=pitch_similarity(f0)).shape == (2, 100, 64)
    assert len(mel_frequencies(8)) == len(geometric_frequencies(8)) == 8


def test_maxfactor_trains_a_model_that_is_not_ours():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1)), torch.randn(256, 4)
    target = x[:, :1] * x[:, 1:2]
    optimizer = MaxFactor(model.parameters(), lr=0.02)
    losses = []
    for step in range(300):
        loss = nn.functional.mse_loss(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_a_gate_that_starts_at_zero_opens():
    gate = nn.Parameter(torch.zeros(()))
    optimizer = MaxFactor([gate])
    for _ in range(300):
        optimizer.zero_grad()
        (gate - 1).square().backward()
        optimizer.step()
    assert gate > 0.1


def test_from_corpus_to_text(folder):
    clips = read_corpus(folder / "syllables")
    train = split_clips(clips, "train")[:4]
    tokenizer = Tokenizer.characters(c.text for c in clips)
    config = EchoConfig.echo(vocabulary=len(tokenizer), width=32, heads=2, encoder_layers=1, decoder_layers=1)
    prepare_features(train, config.features, folder / "cache", workers=1, progress=False)
    batch = Corpus(train, config.features, tokenizer, folder / "cache").batch(0, [0, 1, 2, 3])
    model = Echo(config, tokenizer).eval()
    assert model(batch).logits.shape == (*batch.tokens.shape, len(tokenizer))
    memory, lengths = model.encoder(batch)
    found = greedy_search(EchoState(model.decoder, memory, frame_mask(lengths, memory.shape[1])), 4, 20)
    rates = error_rates(batch.texts, [tokenizer.decode(h.tokens) for h in found], "plain")
    assert set(rates) == {"wer", "cer"}
    assert model.transcribe(train[0].path).text == model.transcribe(load_audio(train[0].path)).text


def test_a_folder_of_recordings_becomes_a_corpus(folder, tmp_path):
    for clip in read_corpus(folder / "syllables")[:40]:
        (tmp_path / clip.path.name).symlink_to(clip.path)
        (tmp_path / f"{clip.id}.txt").write_text(clip.text)
    outcome = init_folder(tmp_path, options=FolderOptions(dev=0.2), progress=False)
    assert outcome.by_kind == {} and "40 of 40 clips" in folder_report(outcome) and "echo17 train --data" in next_step(outcome)
    assert [c.text for c in split_clips(read_corpus(tmp_path), "dev")]


def test_the_shipped_model_is_what_the_code_makes_and_hears_imagines_and_explains_itself():
    assert outdated() == []
    model = Echo.from_pretrained()
    clip = next(clip for clip in read_stories() if clip.split == "test")
    assert model.transcribe(clip.path).text == clip.text
    assert [one.text for one in imagine(model, clip.path, creativity=0.)] == [clip.text] and imagine(model, clip.path, "verse")[0].text
    diagnosis = diagnose(model, clip.path)
    assert "[encoder]" in diagnosis_report(diagnosis) and len(diagnosis.f0) == len(log_mel(load_audio(clip.path)))
    assert {phrase.clip.split for phrase in read_phrases()} >= {"train", "dev"}
    assert "overview" in FIGURES
    sad, bright = (next(clip.path for clip in read_stories() if clip.split == "test_speaker" and dict(clip.extra)["mood"] == mood) for mood in ("sad", "bright"))
    assert [path for path, _ in sort_by_sadness(model, load_head(), [bright, sad])] == [sad, bright]


def test_bad_input_is_one_error():
    for bad in (lambda: FeatureConfig(names=("smell",)), lambda: EchoConfig(width=-1), lambda: extract_pitch(torch.full((100,), torch.nan), 16000), lambda: load_audio("missing.wav")):
        with pytest.raises(EchoError): bad()


SLOW = ("accelerate", "huggingface_hub", "jiwer", "librosa", "matplotlib", "onnxruntime", "pyworld", "scipy", "silero_vad",
        "sklearn", "torch._dynamo", "torch._inductor", "torchaudio", "transformers")


def test_what_transcribes_imports_nothing_slow():
    code = ("import sys, torch, numpy\nbefore = {*sys.modules}\nimport echo17.long, echo17.commands\n"
            f"print(*[name for name in {SLOW!r} if name in sys.modules and name not in before])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
