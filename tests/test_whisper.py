"""Whispers of random weights, as many as there is time for: what is equal once is equal always."""
import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import torch

from echo17.creative.imagine import IMAGINE_TASKS, ImagineOptions, imagine
from echo17.data.manifests import data_dir, read_corpus
from echo17.decoding import SearchOptions
from echo17.errors import EchoError
from echo17.pretrained import PitchWhisper
from echo17.pretrained.adapters import ADAPTERS, AdapterConfig
from echo17.pretrained.hearing import open_whisper, save_adapter, seek_texts
from echo17.pretrained.whisper import open_base, random_base, trained_part
from echo17.pretrained.writing import SHIFT, prompt_of
from echo17.text import Tokenizer

ROOT, GREEDY = Path(__file__).resolve().parent.parent, SearchOptions(beam=1)


def noise(seed, seconds): return torch.randn(round(16000 * seconds), generator=torch.Generator().manual_seed(seed)) / 10


def moved(model, seed=0, size=.3):
    "The same model with adapters that are not zero any more."
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in trained_part(model).values(): p.copy_(size * torch.randn(p.shape, generator=chance))
    return model


def generated(base, waves, **how):
    "What transformers writes, in its own numbers, without what it is told and the end."
    model, prompt = base.model, prompt_of(base.model, "zh")
    features = base.ears([w.numpy() for w in waves], sampling_rate=16000, return_tensors="pt").input_features
    end = model.config.eos_token_id
    for row in model.generate(features, language="zh", task="transcribe", **how).tolist():
        row = row[len(prompt):] if row[0] == prompt[0] else row
        yield row[:row.index(end)] if end in row else row


def written(model, waves, search):
    "The same of ours."
    return [[i - SHIFT for i in one.hypothesis.tokens] for one in seek_texts(model, model.batch_of(waves), search)]


@pytest.mark.parametrize("seed", range(4))
def test_greedy_texts_are_those_of_generate(tmp_path, seed):
    base = open_base(random_base(tmp_path / "tiny", seed=seed, layers=1 + seed % 3))
    model = PitchWhisper(base, AdapterConfig(padding=None), language="zh")
    waves = [noise(seed, .3), noise(seed + 10, 2.7), noise(seed + 20, 30.)]
    assert written(model, waves, GREEDY) == [*generated(base, waves)]


@pytest.mark.parametrize("seed", (0, 2))
def test_texts_of_a_beam_of_five_are_those_of_generate(tmp_path, seed):
    base = open_base(random_base(tmp_path / "tiny", seed=seed, layers=1 + seed % 3))
    model = PitchWhisper(base, AdapterConfig(padding=None), language="zh")
    waves = [noise(seed, .3), noise(seed + 10, 2.7)]
    found = written(model, waves, SearchOptions(beam=5))
    assert found == [*generated(base, waves, num_beams=5, length_penalty=0., early_stopping="never")]
    assert found != written(model, waves, GREEDY)                  # it is a wider search
    assert found[1:] == written(model, waves[1:], SearchOptions(beam=5))


@pytest.mark.parametrize("part", ADAPTERS)
def test_neighbours_and_padding_change_nothing(tmp_path, part):
    base = open_base(random_base(tmp_path / "tiny", seed=3))
    model = moved(PitchWhisper(base, AdapterConfig((part,), padding=.4), language="en"))
    waves = [noise(1, .5), noise(2, 1.4), noise(3, .02)]
    with torch.inference_mode():
        memory, lengths = model.encoder(model.batch_of(waves))
        for i, wave in enumerate(waves):
            alone = model.encoder(model.batch_of([wave]))[0][0]
            torch.testing.assert_close(memory[i, :lengths[i]], alone, atol=1e-4, rtol=1e-4)


def test_a_folder_comes_back_or_says_what_is_wrong(tmp_path):
    tiny = random_base(tmp_path / "tiny")
    for number, parts in enumerate([(), ("axis",), ("bias", "code"), ADAPTERS]):
        config = AdapterConfig(parts, first_layer=number % 2, padding=.1 * number, lora=number)
        model, folder = moved(PitchWhisper(open_base(tiny), config), number), tmp_path / str(number)
        save_adapter(model, folder)
        again = open_whisper(folder)
        assert again.config == config and again.print == model.print
        for name, p in trained_part(model).items(): assert torch.equal(p, trained_part(again)[name])
    weights = folder / "adapter.safetensors"
    whole = weights.read_bytes()
    for cut in (0, 7, len(whole) // 2, len(whole) - 1):
        weights.write_bytes(whole[:cut])
        with pytest.raises(EchoError, match="not readable as safetensors"): open_whisper(folder)


def test_without_transformers_the_message_names_the_extra():
    code = ("import sys; sys.modules['transformers'] = None\n"
            "from echo17.pretrained import PitchWhisper\n"
            "try: PitchWhisper.from_pretrained('openai/whisper-base')\n"
            "except ValueError as e: print(e)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "a pretrained Whisper needs transformers: pip install 'echo17[whisper]'\n"


def test_the_extras_are_declared():
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    assert 'key.endswith("_requirements")' in (ROOT / "setup.py").read_text(encoding="utf-8")  # all of them are extras
    for extra, needs in dict(whisper=("transformers", "peft"), live=("sounddevice",)).items():
        declared = parser["DEFAULT"][f"{extra}_requirements"]
        assert all(name in declared for name in needs)


@pytest.mark.parametrize("seed", range(2))
def test_the_dial_leads_from_the_transcript_to_what_nobody_said(tmp_path, seed):
    model = PitchWhisper(open_base(random_base(tmp_path / "tiny", seed=seed)), AdapterConfig((), padding=.4), language="zh")
    sounds = [noise(seed + 1, .5), noise(seed + 2, 1.3)]
    def ask(sound, creativity, search=GREEDY): return imagine(model, sound, creativity=creativity, n=1, seed=seed, how=ImagineOptions(search, speech=None))[0]
    for sound in sounds:
        for search in (GREEDY, SearchOptions(beam=3)): assert ask(sound, 0., search).text == model.transcribe(sound, search, None).text
        assert ask(sound, .6) == ask(sound, .6)
    assert ask(sounds[0], 1.).text == ask(sounds[1], 1.).text
    assert len({ask(sound, c).text for sound in sounds for c in (-.5, 0., .5)}) > 3


def test_a_whisper_that_writes_letters_cannot_imagine(tmp_path):
    config = AdapterConfig((), padding=.4, head="ctc")
    model = PitchWhisper(open_base(random_base(tmp_path / "tiny")), config, tokenizer=Tokenizer.characters(["abc"]))
    for task in IMAGINE_TASKS:
        with pytest.raises(EchoError, match="needs one that writes with its own decoder"): imagine(model, noise(0, 1.), task)


@pytest.mark.skipif("ECHO17_WHISPER" not in os.environ or not (data_dir() / "ljspeech").is_dir(), reason="needs ECHO17_WHISPER and LJ Speech")
def test_real_speech_is_transcribed_at_0_and_forgotten_at_1():
    model = open_whisper(os.environ["ECHO17_WHISPER"], AdapterConfig(()), language="en")
    clips = sorted(read_corpus(data_dir() / "ljspeech"), key=lambda clip: len(clip.text))[:3]
    how, shares, free = ImagineOptions(GREEDY), {}, set()
    for clip in clips:
        for creativity in (0., .4, 1.):
            found, = imagine(model, clip.sound, creativity=creativity, seed=1, how=how)
            shares.setdefault(creativity, []).append(sum(word.heard for word in found.words) / max(1, len(found.words)))
            if creativity == 0: assert found.text == found.literal == model.transcribe(clip.sound, GREEDY).text
            if creativity == 1: free.add(found.text)
    assert len(free) == 1
    mean = {creativity: sum(some) / len(some) for creativity, some in shares.items()}
    assert mean[0.] > .8 and mean[0.] >= mean[.4] >= mean[1.] and mean[1.] < .3
