"""Whispers of random weights, as many as there is time for: what is equal once is equal always."""
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import torch

from echo17.decoding import SearchOptions
from echo17.errors import EchoError
from echo17.pretrained import PitchWhisper
from echo17.pretrained.adapters import ADAPTERS, AdapterConfig
from echo17.pretrained.hearing import open_whisper, save_adapter, seek_texts
from echo17.pretrained.whisper import open_base, random_base, trained_part
from echo17.pretrained.writing import SHIFT, prompt_of

ROOT, GREEDY = Path(__file__).resolve().parent.parent, SearchOptions(beam=1)


def noise(seed, seconds): return torch.randn(round(16000 * seconds), generator=torch.Generator().manual_seed(seed)) / 10


def moved(model, seed=0, size=.3):
    "The same model with adapters that are not zero any more."
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in trained_part(model).values(): p.copy_(size * torch.randn(p.shape, generator=chance))
    return model


@pytest.mark.parametrize("seed", range(4))
def test_greedy_texts_are_those_of_generate(tmp_path, seed):
    base = open_base(random_base(tmp_path / "tiny", seed=seed, layers=1 + seed % 3))
    model = PitchWhisper(base, AdapterConfig(padding=None), language="zh")
    waves = [noise(seed, .3), noise(seed + 10, 2.7), noise(seed + 20, 30.)]
    features = base.ears([w.numpy() for w in waves], sampling_rate=16000, return_tensors="pt").input_features
    theirs = model.whisper.generate(features, language="zh", task="transcribe").tolist()
    end, prompt = model.whisper.config.eos_token_id, prompt_of(model.whisper, "zh")
    for row, sought in zip(theirs, seek_texts(model, model.batch_of(waves), GREEDY)):
        row = row[len(prompt):] if row[0] == prompt[0] else row
        assert [i - SHIFT for i in sought.hypothesis.tokens] == (row[:row.index(end)] if end in row else row)


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
    extras = (ROOT / "setup.py").read_text(encoding="utf-8")
    for extra, needs in dict(whisper=("transformers", "peft"), live=("sounddevice",)).items():
        declared = parser["DEFAULT"][f"{extra}_requirements"]
        assert all(name in declared for name in needs) and f'"{extra}"' in extras
