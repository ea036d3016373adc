"""Sources that are damaged: whatever stands in them, what comes out is rows or one message, and nothing runs."""
import gzip
import random
import shutil

import numpy as np
import pytest
import soundfile

from echo17.data.manifests import Clip
from echo17.data.opening import init_source, read_source
from echo17.data.shards import write_shards
from echo17.errors import EchoError

TEXTS = [f"{a} {b}" for a in "abc" for b in ("de", "fg", "ah")]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    "Nine short sounds."
    home = tmp_path_factory.mktemp("sounds")
    for i in range(len(TEXTS)): soundfile.write(home / f"{i}.wav", .1 * np.random.default_rng(i).normal(size=800), 8000)
    return home


def lay_out(kind, sounds, home):
    "One source; the files in which everything may go wrong."
    home.mkdir()
    rows = list(enumerate(TEXTS))
    if kind in ("table", "textgrid", "vivos"):
        place = home / "train" / "waves" / "x" if kind == "vivos" else home
        place.mkdir(parents=True, exist_ok=True)
        for path in sounds.glob("*.wav"): shutil.copy(path, place)
    if kind == "table": (home / "t.csv").write_text("file,text,start,end\n" + "".join(f"{i}.wav,\"{t}\",0,0.05\n" for i, t in rows))
    if kind == "vivos": (home / "train" / "prompts.txt").write_text("".join(f"{i} {t}\n" for i, t in rows))
    if kind == "kaldi":
        (home / "wav.scp").write_text("".join(f"r{i} {sounds}/{i}.wav\n" for i, _ in rows))
        (home / "segments").write_text("".join(f"u{i} r{i} 0 0.05\n" for i, _ in rows))
        (home / "text").write_text("".join(f"u{i} {t}\n" for i, t in rows))
    if kind == "textgrid":
        head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n0.1\n<exists>\n1\n"IntervalTier"\n"said"\n0\n0.1\n1\n0\n0.1\n'
        for i, t in rows: (home / f"{i}.TextGrid").write_text(head + f'"{t}"\n')
    if kind in ("lhotse", "shar"):
        from lhotse import CutSet, Recording, RecordingSet, SupervisionSegment, SupervisionSet
        recordings = RecordingSet.from_recordings(Recording.from_file(sounds / f"{i}.wav") for i, _ in rows)
        said = SupervisionSet.from_segments(SupervisionSegment(f"u{i}", str(i), 0., .1, text=t) for i, t in rows)
        if kind == "lhotse": recordings.to_file(home / "recordings.jsonl.gz"); said.to_file(home / "supervisions.jsonl.gz")
        if kind == "shar": CutSet.from_manifests(recordings, said).to_shar(home, fields=dict(recording="flac"), shard_size=4)
    if kind == "shards":
        home.rmdir()
        write_shards([Clip(str(i), sounds / f"{i}.wav", t, "", "train" if i else "dev") for i, t in rows], home, per_shard=4, progress=False)
    if kind == "parquet":
        from datasets import Audio, Dataset
        data = Dataset.from_dict(dict(audio=[str(sounds / f"{i}.wav") for i, _ in rows], text=TEXTS))
        data.cast_column("audio", Audio()).to_parquet(home / "x.parquet")
    return sorted(p for p in home.rglob("*") if p.is_file() and p.suffix != ".wav")


def damaged(data, chance):
    "Bytes with a mistake: cut, doubled, or some of them others."
    if not data: return b"\xff"
    how, at = chance.randrange(4), chance.randrange(len(data))
    if how == 0: return data[:at]
    if how == 1: return data + data[at:]
    if how == 2: return data[:at] + bytes(chance.randrange(256) for _ in range(chance.randint(1, 9))) + data[at + 3:]
    return b"".join(chance.sample(lines := data.splitlines(True), len(lines)))


@pytest.mark.parametrize("kind", ["table", "vivos", "kaldi", "textgrid", "lhotse", "shar", "shards", "parquet"])
def test_whatever_stands_in_a_source_it_is_rows_or_one_message(kind, sounds, tmp_path, monkeypatch):
    monkeypatch.setenv("ECHO17_CACHE", str(tmp_path / "cache"))
    files, chance, refused = lay_out(kind, sounds, tmp_path / "source"), random.Random(kind), 0
    assert len(read_source(tmp_path / "source")) == len(TEXTS)
    for _ in range(25):
        path = chance.choice(files); whole = path.read_bytes()
        packed = path.suffix == ".gz" and chance.random() < .5      # the text within, or the archive around it
        path.write_bytes(gzip.compress(damaged(gzip.decompress(whole), chance)) if packed else damaged(whole, chance))
        try:
            clips = read_source(tmp_path / "source")
            assert clips and len({clip.id for clip in clips}) == len(clips)
            assert all(clip.text.strip() for clip in clips) or kind == "shards"
        except EchoError as e:
            refused += 1
            assert str(e) and "\n" not in str(e).strip(), e
        finally: path.write_bytes(whole)
    assert refused or kind in ("table", "textgrid")                 # there a bad row is left out, and the others are read
    assert len(read_source(tmp_path / "source")) == len(TEXTS)


def test_no_command_of_a_source_runs_unasked(sounds, tmp_path, monkeypatch):
    monkeypatch.setenv("ECHO17_CACHE", str(tmp_path / "cache"))
    for name, target in (("behind", f"touch {tmp_path}/ran |"), ("before", f"| touch {tmp_path}/ran"), ("spaces", f"  touch {tmp_path}/ran   |  ")):
        home = tmp_path / name; home.mkdir()
        (home / "wav.scp").write_text(f"a {sounds}/0.wav\nb {target}\n"); (home / "text").write_text("a yes\nb no\n")
        for ask in (read_source, lambda place: init_source(place, tmp_path / "out", progress=False)):
            with pytest.raises(EchoError, match="a path is needed, found a shell command"): ask(home)
    assert not (tmp_path / "ran").exists() and not (tmp_path / "out").exists()
