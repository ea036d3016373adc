"""Bad input of every kind, drawn by hypothesis: each case must end in a result or in one `EchoError` that names the culprit."""
import contextlib
import dataclasses
import io
import json
import math
import shutil
import signal
import struct
from collections import Counter

import numpy as np
import soundfile
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from echo17.audio import load_audio, sound_blocks
from echo17.checkpoints import _digests, restore, save_checkpoint
from echo17.cli import main
from echo17.config import EchoConfig, FeatureConfig, config_from_json, config_to_json
from echo17.containers import _mpeg_frame
from echo17.data.features import extract_features
from echo17.data.manifests import read_corpus
from echo17.data.pairing import table_rows
from echo17.errors import EchoError
from echo17.inference import Echo, load_model, save_model
from echo17.text import Tokenizer
from echo17.training import TrainConfig, start_run

FIELDS = tuple(EchoConfig().flat())  # a wrong one is named by itself
LONGEST = 60  # seconds for one case
counts = Counter()  # how each case ended, by kind and outcome


@contextlib.contextmanager
def in_time(what):
    "A case that takes longer than `LONGEST` has failed."
    def hang(*_): raise AssertionError(f"{what}: nothing after {LONGEST} s")
    before = signal.signal(signal.SIGALRM, hang); signal.alarm(LONGEST)
    try: yield
    finally: signal.alarm(0); signal.signal(signal.SIGALRM, before)


def outcome(kind, culprits, work):
    "What `work` gives, or None where it refused its input as it should, with one line that names one of `culprits`."
    try:
        with in_time(kind): result = work()
        counts[kind, "result"] += 1
        return result
    except EchoError as e:
        counts[kind, "error"] += 1
        assert any(name in str(e) for name in culprits), f"the message names none of {culprits}: {e}"


def hammer(strategy, check, cases):
    "Draw so many cases, the same ones in every run."
    settings(max_examples=cases, derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))(given(strategy)(check))()


# --- damage to bytes and to JSON ---------------------------------------------------------------------------------------------

EXTREME = st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0", b"\0\0\0\1", struct.pack("<f", math.nan), struct.pack("<f", math.inf)])


@st.composite
def damage(draw, whole):
    "`whole` with a few things wrong: cut, a stretch replaced, removed or repeated, most often near the beginning, where headers are."
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.one_of(st.integers(0, min(100, len(data))), st.integers(0, len(data))))
        kind = draw(st.sampled_from(("cut", "byte", "extreme", "remove", "repeat", "insert")))
        if kind == "cut": del data[at:]
        elif kind == "byte": data[at:at + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == "extreme": value = draw(EXTREME); data[at:at + 4] = value
        elif kind == "remove": del data[at:at + draw(st.integers(1, 64))]
        elif kind == "repeat": data[at:at] = data[at:at + draw(st.integers(1, 64))]
        else: data[at:at] = draw(st.binary(min_size=1, max_size=16))
    return bytes(data)


VALUES = st.one_of(st.none(), st.booleans(), st.sampled_from([0, -1, 1, 2**31, 2**63, 10**30, 1e308, -0.0, math.nan, math.inf, "", "nan", "../../etc/passwd", "\0", [], {}, [1], ["a", "a"]]),
                   st.integers(-10, 1000), st.floats(), st.text(max_size=8))


@st.composite
def twisted(draw, value, depth=4):
    "A JSON value with one place in it changed, removed or added."
    if isinstance(value, dict) and value and depth and draw(st.integers(0, 5)):
        name, out = draw(st.sampled_from(sorted(value))), dict(value)
        kind = draw(st.integers(0, 5))
        if kind == 0: del out[name]
        elif kind == 1: out[draw(st.text(max_size=6))] = draw(VALUES)
        else: out[name] = draw(twisted(value[name], depth - 1))
        return out
    if isinstance(value, list) and value and depth and draw(st.booleans()):
        i = draw(st.integers(0, len(value) - 1))
        return value[:i] + draw(st.sampled_from(([], [draw(twisted(value[i], depth - 1))], [value[i]] * 2))) + value[i + 1:]
    return draw(VALUES)


# --- sound -------------------------------------------------------------------------------------------------------------------

KINDS = (("a.wav", "PCM_16"), ("b.wav", "FLOAT"), ("c.wav", "PCM_24"), ("d.wav", "ULAW"), ("e.flac", "PCM_16"), ("f.ogg", "VORBIS"), ("g.ogg", "OPUS"), ("h.mp3", None), ("i.aiff", "PCM_16"), ("j.au", "PCM_16"), ("k.caf", "PCM_16"), ("l.w64", "PCM_16"),
         ("m.rf64", "PCM_16"), ("n.nist", "PCM_16"), ("o.wavex", "PCM_16"), ("p.svx", "PCM_16"))


def whole_sounds(home):
    "A short sound in each format, as bytes."
    wave = 0.5 * np.sin(2 * np.pi * 200 * np.arange(3200) / 16000)
    for name, subtype in KINDS: soundfile.write(home / name, np.stack([wave, wave], 1) if name < "c" else wave, 16000, subtype=subtype)
    whole = {name: (home / name).read_bytes() for name, _ in KINDS}
    wav, flac, ogg, mp3, au = (whole[name] for name in ("a.wav", "e.flac", "f.ogg", "h.mp3", "j.au"))
    bare = mp3[_mpeg_frame(mp3, 0)[0]:]
    return whole | {  # several sounds in a file, and files that nobody closed
        "1.wav": wav + wav, "2.ogg": ogg + whole["g.ogg"], "3.mp3": mp3 + bare + mp3, "4.flac": flac + flac, "5.mp3": bare,
        "6.wav": wav[:4] + bytes(4) + wav[8:40] + bytes(4) + wav[44:], "7.flac": flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:],
        "8.au": au[:8] + bytes(4) + au[12:], "9.mp3": b"ID3\4\0\0" + bytes([0, 0, 0, 30]) + bytes(30) + mp3 + b"TAG" + bytes(125)}


def check_features(wave):
    "All features of a sound are finite and share one grid."
    config = FeatureConfig(("spectrogram", "waveform", "pitch"))
    for name, x in extract_features(wave, config).items():
        assert x.isfinite().all() and len(x) == 1 + len(wave) // 160, name


def fuzz_audio_bytes(home, cases):
    whole = whole_sounds(home)
    @st.composite
    def damaged(draw): name = draw(st.sampled_from(sorted(whole))); return name, draw(damage(whole[name]))
    def check(case):
        name, data = case
        (home / name).write_bytes(data)
        wave = outcome("audio bytes", (name,), lambda: load_audio(home / name))
        blocks = outcome("audio blocks", (name,), lambda: [*sound_blocks(home / name)])
        assert (wave is None) <= (blocks is None or not blocks)
        if wave is None: return
        assert wave.ndim == 1 and wave.dtype == torch.float32 and wave.isfinite().all()
        if len(wave) < 160_000: outcome("features", ("wave",), lambda: check_features(wave))
    hammer(damaged(), check, cases)


@st.composite
def signals(draw):
    "(samples, channels) and a rate: silence, noise, tones, DC, clipping, single samples that are no numbers; any length from none."
    rate, channels = draw(st.sampled_from((4000, 8000, 11025, 16000, 44100, 48000, 96000, 192000))), draw(st.integers(1, 8))
    size = draw(st.one_of(st.sampled_from((0, 1, 2, 159, 160, 161, 399, 400)), st.integers(0, 6000)))
    chance = np.random.default_rng(draw(st.integers(0, 10**6)))
    kind = draw(st.sampled_from(("silence", "noise", "tone", "dc", "clipped", "impulse")))
    time = np.arange(size)[:, None] / rate
    wave = dict(silence=0 * time, noise=chance.normal(size=(size, 1)), tone=np.sin(2 * np.pi * draw(st.sampled_from((20., 65., 120., 500., 1900.))) * time), dc=1 + 0 * time,
                clipped=np.sign(chance.normal(size=(size, 1))), impulse=(np.arange(size) == size // 2)[:, None].astype(float))[kind]
    wave = np.tile(wave * draw(st.sampled_from((1e-30, 1e-4, 0.5, 1., 1e4, 1e30))), (1, channels))
    if size and draw(st.integers(0, 4)) == 0: wave[chance.integers(size), chance.integers(channels)] = draw(st.sampled_from((np.nan, np.inf, -np.inf)))
    return wave.astype(np.float32), rate


def fuzz_signals(home, cases):
    def check(case):
        wave, rate = case
        soundfile.write(home / "signal.wav", wave, rate, subtype="FLOAT")
        loaded = outcome("signals", ("signal.wav",), lambda: load_audio(home / "signal.wav"))
        if loaded is not None: outcome("features", ("wave",), lambda: check_features(loaded))
    hammer(signals(), check, cases)


# --- texts of every kind ---------------------------------------------------------------------------------------------------------

ODD = "abc \t\r\"'\\/.%\0\x85\u2028\ufeff\u0301\u202eß中🎵;,|\n"


def fuzz_manifests(home, cases):
    folder = home / "corpus"; (folder / "audio").mkdir(parents=True)
    soundfile.write(folder / "audio" / "1.wav", np.zeros(160), 16000); shutil.copy(folder / "audio" / "1.wav", folder / "audio" / "2.wav")
    whole = b"id\tpath\ttext\tspeaker\tsplit\n1\taudio/1.wav\tone two\tann\ttrain\n2\taudio/2.wav\tthree\tbob\tdev\n"
    fields = st.one_of(st.sampled_from(("id", "path", "text", "split", "1", "audio/1.wav", "/etc/passwd", "../corpus/audio/1.wav", "audio", "", "train", "a" * 300)), st.text(ODD, max_size=6))
    tables = st.lists(st.lists(fields, min_size=1, max_size=6).map("\t".join), max_size=5).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))
    def check(data):
        (folder / "manifest.tsv").write_bytes(data)
        clips = outcome("manifests", ("manifest.tsv",), lambda: read_corpus(folder))
        assert clips is None or clips and all(folder in c.path.parents and c.path.is_file() for c in clips)
        outcome("manifests", ("manifest.tsv",), lambda: table_rows(folder / "manifest.tsv"))
    hammer(st.one_of(damage(whole), damage(whole), tables, st.binary(max_size=60)), check, cases)


def fuzz_configurations(home, cases):
    model, training = json.loads(config_to_json(EchoConfig.echo())), dataclasses.asdict(TrainConfig())
    flat = json.loads(json.dumps(EchoConfig.echo().flat()))  # as version 0.1 wrote it
    def check(case):
        kind, values = case
        if kind == "train": return _check_train(values)
        text = values if isinstance(values, str) else json.dumps(values)
        config = outcome("configurations", ("some/config.json", *FIELDS), lambda: config_from_json(text, "some/config.json"))
        if config is not None: assert config_from_json(config_to_json(config)) == config and all(math.isfinite(v) for v in config.flat().values() if isinstance(v, float))
    def _check_train(values):
        changed = [name for name in training if values[name] is not training[name]] if isinstance(values, dict) and values.keys() == training.keys() else None
        if changed: outcome("configurations", (changed[0],), lambda: TrainConfig(**values))
    raw = st.one_of(damage(config_to_json(EchoConfig.seed()).encode()).map(lambda b: b.decode("utf-8", "replace")), st.sampled_from(("", "[]", "null", "{" * 50, "[" * 100_000, '{"width": 1e999}', '"x"')))
    one_field = st.sampled_from(sorted(training)).flatmap(lambda name: VALUES.map(lambda v: training | {name: v}))
    hammer(st.one_of(st.tuples(st.just("model"), twisted(model)), st.tuples(st.just("model"), twisted(flat)), st.tuples(st.just("train"), one_field), st.tuples(st.just("model"), raw)), check, cases)


def fuzz_tokenizers(home, cases):
    path = home / "tokenizer.json"
    Tokenizer.characters(["the bird", "a dog's"]).save(path)
    whole, letters = path.read_bytes(), st.text(ODD, max_size=12)
    @st.composite
    def tokenizers(draw):
        if draw(st.integers(0, 2)) == 0: return draw(st.lists(letters, max_size=3))
        return draw(st.one_of(damage(whole), twisted(json.loads(whole)).map(lambda v: json.dumps(v).encode())))
    def check(case):
        if isinstance(case, bytes): path.write_bytes(case); made = outcome("tokenizers", ("tokenizer.json",), lambda: Tokenizer.load(path))
        else: made = outcome("tokenizers", ("text",), lambda: Tokenizer.characters(case))
        if made is None: return
        for text in ("the bird", *(case if isinstance(case, list) else ())):
            ids = outcome("tokenizers", ("text",), lambda: made.encode(text))
            assert ids is None or isinstance(made.decode(ids), str) and (isinstance(case, bytes) or made.decode(ids) == text)
    hammer(tokenizers(), check, cases)


# --- models, checkpoints, command lines ---------------------------------------------------------------------------------------------

def small_run(home):
    "A run of a tiny model that has taken no step, and a corpus for it."
    from echo17.data.batches import Corpus
    from echo17.data.manifests import split_clips
    from echo17.data.synthetic import synthesize_corpus
    clips = split_clips(read_corpus(synthesize_corpus(home / "syllables", 40)), "train")[:2]
    tokenizer = Tokenizer.characters(c.text for c in clips)
    config = EchoConfig.echo(vocabulary=len(tokenizer), width=8, heads=2, encoder_layers=1, decoder_layers=1)
    corpus = Corpus(clips, config.features, tokenizer, home / "cache")
    return lambda: start_run(Echo(config, tokenizer), corpus, TrainConfig(epochs=1, optimizer="adamw"), "cpu")


def fuzz_checkpoints(home, cases):
    make, folder = small_run(home), home / "last"
    save_checkpoint(make(), folder)
    whole = {p.name: p.read_bytes() for p in folder.iterdir()}
    @st.composite
    def broken(draw):
        name, agree = draw(st.sampled_from(sorted(whole))), draw(st.booleans())
        if name.endswith(".json") and draw(st.booleans()): return name, json.dumps(draw(twisted(json.loads(whole[name])))).encode(), agree
        return name, draw(st.one_of(st.none(), damage(whole[name]))), agree
    run = make()
    def check(case):
        "`agree`: the checksums are made to fit, as only someone who means to deceive would."
        name, data, agree = case
        for n, content in whole.items(): (folder / n).write_bytes(content)
        if data is None: (folder / name).unlink()
        else: (folder / name).write_bytes(data)
        if agree and data is not None and name != "checksums.json": (folder / "checksums.json").write_text(json.dumps(_digests(folder)))
        same = data == whole[name]
        went = outcome("checkpoints", (str(folder),), lambda: restore(run, folder) or True)
        assert agree or name == "checksums.json" or went is None or same, f"a damaged {name} was taken"
        outcome("models", (str(folder), *FIELDS), lambda: load_model(folder))
        assert all(p.isfinite().all() or agree or not went for p in run.echo.parameters())
    hammer(broken(), check, cases)


def fuzz_command_lines(home, cases):
    sound, bad, folder = home / "sound.wav", home / "bad.wav", home / "model"
    soundfile.write(sound, 0.1 * np.random.default_rng(0).normal(size=1600), 16000); bad.write_bytes(b"RIFF\0\0\0\0WAVE")
    tokenizer = Tokenizer.characters(["ab"]); folder.mkdir()
    save_model(Echo(EchoConfig.baseline(vocabulary=len(tokenizer), width=8, heads=1, encoder_layers=1, decoder_layers=1, max_tokens=4), tokenizer), folder)
    out = home / "out"
    words = st.sampled_from([str(p) for p in (sound, bad, folder, home / "missing", home, out)] + ["", "-1", "0", "nan", "1e999", "\0", "--", "--model", "--data", "--set", "--out", "--beam", "--shard", "0/0", "5/4", "a/b", "width=0", "width", "x=y",
                              "features=", "--epochs", "--lr", "--seed", "--preset", "echo", "--split", "dev", "--json", "--csv", "--plot", "--text", "--cache", "--keep", "--save-every", "--device", "cpu", "--method", "dio", "--window", "--resume", "--test", "librispeech:x"])
    commands = st.sampled_from(("pitch", "train", "evaluate", "transcribe", "inspect", "init", "features", "", "nonsense"))
    starts = st.sampled_from(([], ["--model", str(folder)], ["--data", str(home)], [str(sound)], [str(sound), "--model", str(folder)], [str(bad)], ["--data", str(home), "--out", str(out)]))
    def check(arguments):
        text = io.StringIO()
        try:
            with in_time(arguments), contextlib.redirect_stderr(text), contextlib.redirect_stdout(io.StringIO()): status = main(arguments)
        except SystemExit as e: status = e.code
        counts["command lines", "error" if status else "result"] += 1
        assert status == 0 or text.getvalue().strip() and "Traceback" not in text.getvalue(), arguments
        assert not [p for p in home.rglob("*.part*")], "half-written files"
        shutil.rmtree(out, ignore_errors=True)
    hammer(st.tuples(commands, starts, st.lists(words, max_size=4)).map(lambda t: [t[0], *t[1], *t[2]]), check, cases)


# what is hammered, and with how many of five hundred cases
SHARES = {fuzz_audio_bytes: 140, fuzz_signals: 60, fuzz_manifests: 90, fuzz_configurations: 90, fuzz_tokenizers: 50, fuzz_checkpoints: 40, fuzz_command_lines: 30}
