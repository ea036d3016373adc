"""Whoever asks a model leaves it in the mode in which it was, also when the question fails; one search is the default."""
import dataclasses
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
import torch

import echo17
from echo17.batch import collate
from echo17.cli import main
from echo17.config import EchoConfig
from echo17.creative.dial import Dial, dream, hear_batch, write_texts
from echo17.creative.imagine import hear_gaps, imagine, letter_scores, word_scores
from echo17.creative.mood import mood_features
from echo17.creative.voices import TASKS
from echo17.data.batches import Corpus
from echo17.data.features import extract_features
from echo17.data.manifests import Clip, read_corpus
from echo17.data.synthetic import synthesize_corpus
from echo17.decoding import SearchOptions
from echo17.errors import EchoError
from echo17.inference import Echo, search_batch, transcribe, transcribe_batch
from echo17.long import transcribe_long
from echo17.model import attention_maps
from echo17.pitch import synthesize_voice
from echo17.research.diagnosis import diagnose
from echo17.text import Tokenizer
from echo17.training import evaluate

OWN = {  # where a mode is set for good: the one context manager, what was just loaded, and models that are not ours
    "model.py": 1, "activity.py": 1, "inference.py": 1, "creative/language_models.py": 1, "pretrained/whisper.py": 1,
    "pretrained/hearing.py": 1}


def a_model(**changes):
    torch.manual_seed(0)
    tokenizer = Tokenizer.characters(["abcdefghijklmnopqrstuvwxyz ."])
    config = EchoConfig.echo(vocabulary=len(tokenizer), width=32, heads=2, encoder_layers=2, decoder_layers=2,
                             dropout=0.5, n_mels=20, max_tokens=8, tasks=TASKS, **changes)
    return Echo(config, tokenizer).train()


def questions(model, folder):
    "Everything that one may ask a model, by name."
    import soundfile
    wave = synthesize_voice(torch.linspace(120, 180, 60))
    soundfile.write(folder / "a.wav", wave.numpy(), 16000, subtype="FLOAT")
    corpus = Corpus([Clip("a", folder / "a.wav", "ab")], model.config.features, model.tokenizer)
    batch = collate([extract_features(wave, model.config.features)], ["ab"], model.tokenizer)
    heard = hear_batch(model, batch)
    def ask(**options): return lambda: imagine(model, wave, **options)
    return dict(
        transcribe=lambda: transcribe(model, wave), transcribe_batch=lambda: transcribe_batch(model, batch),
        search_batch=lambda: search_batch(model, heard.memory, heard.lengths, heard.ctc),
        transcribe_long=lambda: transcribe_long(model, wave), evaluate=lambda: evaluate(model, corpus),
        attention_maps=lambda: attention_maps(model.encoder, batch), diagnose=lambda: diagnose(model, wave),
        hear_batch=lambda: hear_batch(model, batch), hear_gaps=lambda: hear_gaps(model, wave),
        dream=lambda: dream(model, heard), drawn=lambda: dream(model, heard, Dial(0.5)),
        write_texts=lambda: write_texts(model, [batch], Dial(0.)),
        letter_scores=lambda: letter_scores(model, heard.memory, heard.mask, [[5, 6]]),
        word_scores=lambda: word_scores(model, heard, "ab"), mood_features=lambda: mood_features(model, wave),
        imagine=ask(), literal=ask(creativity=0.), fill=ask(task="fill"), story=ask(task="story"))


def modes(model): return [part.training for part in model.modules()]


def refuse(*_): raise EchoError("refused")


STEPPED = {"search_batch", "dream", "drawn"}  # a decoder that writes goes through no module, see the notebook `state`


def test_every_question_leaves_the_mode_alone(tmp_path):
    model = a_model()
    model.decoder.blocks[0].eval()  # as if this part were not being trained
    before, asked = modes(model), questions(model, tmp_path)
    assert True in before and False in before
    heard_in = []
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.register_forward_pre_hook(lambda part, _: heard_in.append(part.training))
    for name, ask in asked.items():
        heard_in.clear(); ask()
        assert modes(model) == before, f"{name}: another mode"
        assert (heard_in or name in STEPPED) and not any(heard_in), f"{name}: asked while training"
    failed = set()
    for broken in (model.encoder.features.values(), model.decoder.blocks):
        hooks = [part.register_forward_hook(refuse) for part in broken]
        for name, ask in asked.items():
            try: ask()
            except EchoError as e: failed |= {name} if str(e) == "refused" else set()
            assert modes(model) == before, f"{name}: another mode after it failed"
        for hook in hooks: hook.remove()
    assert failed == set(asked) - STEPPED


SOFT = dict(voicing="soft", pitch_method="swift")


def test_a_model_with_soft_voicing_answers_everything(tmp_path):
    "The probability of a voice reaches the model on every way of a sound; without one nothing is answered."
    model, heard = a_model(**SOFT), []
    prepare = model.encoder.prepare
    model.encoder.prepare = lambda batch: (heard.append(batch.voicing), prepare(batch))[1]
    for name, ask in questions(model, tmp_path).items():
        heard.clear(); ask()
        assert all(p is not None and p.max() > 0.5 for p in heard), name
        if name not in ("search_batch", "dream", "drawn", "letter_scores", "word_scores"): assert heard, name
    model.encoder.prepare = prepare
    hard = a_model(pitch_method="dio").config.features
    without = {"a voice": extract_features(synthesize_voice(torch.full((60,), 150.)), hard)}
    batch = collate([*without.values()], ["ab"], model.tokenizer)
    with pytest.raises(EchoError, match="voicing='soft' needs batches with the probability of a voice"):
        transcribe_batch(model, batch)


def test_hard_voicing_does_not_look_at_a_probability():
    "What a model with hard voicing answers is the same to the last bit, whatever a batch says of the voicing."
    model = a_model(pitch_method="swift").eval()
    item = extract_features(synthesize_voice(torch.linspace(120, 180, 60)), model.config.features)
    spoken, unsaid = dict(item), {name: x for name, x in item.items() if name != "voicing"}
    doubtful = item | dict(voicing=1 - item["voicing"])
    memories = [model.encoder(collate([one], ["ab"], model.tokenizer))[0] for one in (spoken, unsaid, doubtful)]
    assert "voicing" in item and torch.equal(memories[0], memories[1]) and torch.equal(memories[0], memories[2])
    soft = a_model(**SOFT).eval()
    memories = [soft.encoder(collate([one], ["ab"], soft.tokenizer))[0] for one in (spoken, doubtful)]
    assert not torch.equal(*memories)


def test_the_command_trains_with_soft_voicing(tmp_path, capsys):
    synthesize_corpus(tmp_path / "corpus", 60)
    small = dict(width=32, heads=2, encoder_layers=1, decoder_layers=1, voicing="soft")
    line = f"train --data {tmp_path}/corpus --cache {tmp_path}/cache --epochs 1 --device cpu --preset echo"
    line = line.split() + [word for name, value in small.items() for word in ("--set", f"{name}={value}")]
    assert main([*line, "--set", "pitch_method=dio", "--out", f"{tmp_path}/none"]) == 2
    needs = "voicing='soft' needs a pitch_method that gives the probability of a voice, pyin or swift, got 'dio'"
    assert needs in capsys.readouterr().err and not (tmp_path / "none").exists()
    assert main([*line, "--out", f"{tmp_path}/run"]) == 0
    model = Echo.from_pretrained(tmp_path / "run" / "best")
    assert (model.config.positions.voicing, model.config.features.pitch_method) == ("soft", "swift")
    assert isinstance(transcribe(model, read_corpus(tmp_path / "corpus")[0].path).text, str)


def test_no_other_way_to_set_it():
    "A new place that sets the mode must use `evaluating`."
    home = Path(echo17.__file__).parent
    found = {str(path.relative_to(home)): len(re.findall(r"\.eval\(\)", path.read_text(encoding="utf-8")))
             for path in home.rglob("*.py")}
    assert {name: n for name, n in found.items() if n} == OWN


def defaults():
    "Every search that is looked with when nobody says how, by the name of the place."
    for info in pkgutil.walk_packages(echo17.__path__, "echo17."):
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", None) != info.name or not callable(thing): continue
            for place in (thing, *(vars(thing).values() if inspect.isclass(thing) else ())):
                if not inspect.isfunction(inspect.unwrap(place)) and not inspect.isclass(place): continue
                try: parameters = inspect.signature(place).parameters.values()
                except (TypeError, ValueError): continue
                for parameter in parameters:
                    if isinstance(parameter.default, SearchOptions): yield f"{info.name}.{name}", parameter.default
            if dataclasses.is_dataclass(thing):
                for field in dataclasses.fields(thing):
                    if isinstance(field.default, SearchOptions): yield f"{info.name}.{name}.{field.name}", field.default


def test_one_default_search():
    found = list(defaults())
    assert len(found) > 8 and not [place for place, search in found if search != SearchOptions()]
    assert {"echo17.inference.transcribe_batch", "echo17.training.evaluate"} <= {place for place, _ in found}
