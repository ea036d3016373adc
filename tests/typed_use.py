"""What others write with echo17, as a type checker sees it: `make types` reads this file, and nobody runs it."""
from pathlib import Path

import torch
from torch import Tensor, nn

from echo17.attention import PitchAttention, pitch_similarity
from echo17.audio import load_audio, log_mel
from echo17.config import EchoConfig
from echo17.contour import stride_f0
from echo17.creative.imagine import Imagining, imagine
from echo17.creative.mood import load_head, sadness
from echo17.data.manifests import Clip, read_corpus, split_clips
from echo17.decoding import SearchOptions, Transcript, Word
from echo17.errors import EchoError
from echo17.inference import Echo, load_model, save_model, shipped_dir
from echo17.long import transcribe_long, transcribe_steps
from echo17.maxfactor import MaxFactor
from echo17.page.desk import PageOptions
from echo17.page.reasons import MoodReasons, mood_reasons
from echo17.pitch import Pitch, extract_pitch, synthesize_voice
from echo17.polar import PitchRotary
from echo17.pretrained import PitchWhisper
from echo17.rotary import PolarRotary, apply_rotary
from echo17.runs import RunOptions, train_echo
from echo17.text import Tokenizer, error_rates
from echo17.training import TrainConfig


def pitch_in_an_attention(queries: Tensor, keys: Tensor, path: Path) -> Tensor:
    "The ten lines of the README."
    wave: Tensor = load_audio(path)
    pitch: Pitch = extract_pitch(wave, 16000)
    f0: Tensor = pitch.f0[None]
    rotary = PitchRotary(heads=8, head_dim=64, key_heads=2)
    turns: Tensor = rotary(f0)
    turned: Tensor = apply_rotary(queries, turns) @ apply_rotary(keys, rotary.for_keys(turns)).mT
    old: Tensor = PolarRotary.seed(64).along(f0)
    attention = PitchAttention(64, 4, similarity="learned")
    heard: Tensor = attention(queries, rotations=old, similarity=pitch_similarity(stride_f0(f0, 1)))
    return turned + heard + log_mel(synthesize_voice(f0[0])).sum()


def words(path: str) -> list[tuple[str, float]]:
    "A recording of any length."
    model: Echo = Echo.from_pretrained()
    found: Transcript = transcribe_long(model, path, SearchOptions(beam=5))
    for share, text in transcribe_steps(model, path): print(f"{100 * share:.0f} %: {text.text}")
    several: tuple[Word, ...] = found.words
    return [(word.text, word.confidence) for word in several]


def another(path: str) -> str:
    "Imagination and mood."
    model, sad = load_model(shipped_dir()), load_head()
    texts: list[Imagining] = imagine(model, path, "verse", creativity=.5, seed=1)
    how: float | None = sadness(model, sad, path)
    why: MoodReasons = mood_reasons(model, sad, path, ["tears"])
    return texts[0].marked() + str(how) + why.said()[0]


def training(folder: Path) -> dict:
    "A run, with an optimizer of our own."
    clips: list[Clip] = split_clips(read_corpus(folder), "train")
    tokenizer: Tokenizer = Tokenizer.characters(clip.text for clip in clips)
    network = nn.Linear(4, len(tokenizer))
    MaxFactor(network.parameters(), lr=.02).step()
    rates: dict[str, float] = error_rates(["a b"], ["a c"], "plain")
    result: dict = train_echo(folder, folder / "run", EchoConfig.echo(width=96), TrainConfig(epochs=3), RunOptions(test=True))
    save_model(Echo.from_pretrained(folder / "run" / "best"), folder)
    return result | rates


def whisper(folder: str) -> Transcript:
    "A Whisper has the same doors."
    try: return PitchWhisper.from_pretrained(folder).transcribe(torch.zeros(16000))
    except EchoError: return Echo.from_pretrained().transcribe(torch.zeros(16000))


OPTIONS: PageOptions = PageOptions(models=("openai/whisper-base",), port=8000)
