"""Two processes that do the same work in the same place, at the same time: nothing is lost, nothing half made is kept."""
import multiprocessing
import os
import shutil
from pathlib import Path
from unittest import mock

import fsspec
import pytest
import soundfile
import torch

from echo17.data import hub
from echo17.data.manifests import read_corpus, write_manifest
from echo17.data.opening import _linked, read_source
from echo17.data.synthetic import synthesize_corpus
from echo17.files import read_csv
from echo17.research import robust
from echo17.research.experiments import _replace_runs, link_sound
from echo17.research.trials import COLUMNS, add_results, read_results


def together(work, *arguments):
    "The same function in as many processes as there are arguments, begun at one moment."
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(len(arguments))
    children = [context.Process(target=lambda one=one: (begin.wait(), work(*one))) for one in arguments]
    for child in children: child.start()
    for child in children: child.join(120)
    assert [child.exitcode for child in children] == [0] * len(arguments)


def row(seed): return dict.fromkeys(COLUMNS, 0) | dict(corpus="c", name="n", seed=seed, split="dev", commit="", config="")


def test_rows_of_two_trainings_are_both_kept(tmp_path):
    "As `ablate --resume --seeds 0 1` beside `--seeds 10 11`."
    def adds(first):
        for seed in range(first, first + 15):
            add_results(tmp_path / "t.csv", [row(seed)])
            _replace_runs(tmp_path / "e.csv", [dict(corpus="c", name="n", seed=str(seed), split="dev", errors="0")])
    together(adds, (0,), (100,), (200,))
    seeds = [*range(15), *range(100, 115), *range(200, 215)]
    assert [found["seed"] for found in read_results(tmp_path / "t.csv")] == seeds
    assert sorted(found["seed"] for found in read_csv(tmp_path / "e.csv")) == seeds
    add_results(tmp_path / "t.csv", [row(0) | dict(loss=2.)])  # the same key: in its place
    assert [found["loss"] for found in read_results(tmp_path / "t.csv")] == [2.] + [0.] * 44


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    synthesize_corpus(home := tmp_path_factory.mktemp("words") / "words", 60)
    return home


def test_a_noisy_corpus_is_never_the_clear_one(tmp_path, words):
    "Whoever reads it while another makes it again finds the noise, and two that make it do not meet."
    made = robust.noisy_corpus(words, tmp_path / "noisy")
    noisy = {clip.id: clip.path for clip in read_corpus(made)}
    written = []
    with mock.patch.object(robust, "write_manifest", lambda folder, rows: written.append(len(rows)) or write_manifest(folder, rows)):
        with mock.patch("echo17.research.experiments.write_manifest", side_effect=AssertionError("a manifest of the clear sounds")):
            assert {clip.id: clip.path for clip in read_corpus(robust.noisy_corpus(words, made))} == noisy
    assert written == [60]
    shutil.rmtree(made)
    together(robust.noisy_corpus, *[(words, made)] * 3)
    assert {clip.id: clip.path for clip in read_corpus(made)} == noisy
    assert not [*made.rglob("*.part*")]


def test_links_that_another_makes_first_are_taken(tmp_path, words):
    sounds = [clip.path for clip in read_corpus(words)]
    def links(name):
        for sound in sounds: link_sound(sound, tmp_path / "a" / sound.name); _linked(sound, tmp_path / "b")
    together(links, ("x",), ("y",), ("z",))
    for place in ("a", "b"): assert len([*(tmp_path / place).rglob("*.wav"), *(tmp_path / place).rglob("*.flac")]) == len(sounds)


def test_a_copy_is_there_whole_or_not_at_all(tmp_path, words):
    "Another disk, or a system without links: a copy that is killed half way must not be taken for the sound."
    sound = read_corpus(words)[0].path
    no_links = mock.patch("os.link", side_effect=OSError("another disk")), mock.patch.object(Path, "symlink_to", side_effect=OSError)
    killed = mock.patch("os.replace", side_effect=KeyboardInterrupt)
    with no_links[0], no_links[1]:
        for link in (lambda: link_sound(sound, tmp_path / "a.wav"), lambda: _linked(sound, tmp_path)):
            with killed, pytest.raises(KeyboardInterrupt): link()
            assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        link_sound(sound, tmp_path / "a.wav"); place = tmp_path / _linked(sound, tmp_path)
    assert (tmp_path / "a.wav").read_bytes() == place.read_bytes() == sound.read_bytes()


def test_a_sound_that_could_not_be_fetched_is_tried_again(tmp_path):
    "A network that fails for five rows must not make a corpus of seven for good."
    datasets = pytest.importorskip("datasets")
    names, broken, real = [f"memory://{i}.wav" for i in range(12)], [True], fsspec.open
    for i, name in enumerate(names):
        with fsspec.open(name, "wb") as file:
            soundfile.write(file, torch.randn(4000, generator=torch.Generator().manual_seed(i)).numpy() * .1, 16000, format="WAV")
    rows = {"train": datasets.Dataset.from_dict(dict(file=names, text=[f"word {i}" for i in range(12)]))}
    def fetch(path, *given, **named):
        if broken[0] and path in names[4:9]: raise ConnectionError("reset by peer")
        return real(path, *given, **named)
    with mock.patch.dict(os.environ, ECHO17_CACHE=str(tmp_path)), mock.patch.object(hub, "_opened", lambda source: rows), \
            mock.patch.object(fsspec, "open", fetch):
        found = []
        for broken[0] in (True, False, True): found.append(len(read_source("hf:some/where", ("train", "dev"))))
    assert found == [7, 12, 12]  # the third time everything is there
