"""Every row of data/results/mood-strangers.csv (`python tools/make_mood_strangers.py`): heads of the moods on corpora
and speakers that they never met, and thresholds for folders without labels.

A row that is there is not measured again. What was listened to, the small encoders, and what heads said are kept in
`runs/mood`. Where `ECHO17_WHISPER` names the folder of a Whisper, its states are read as well.
"""
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from make_mood import options, small_encoder

from echo17.batch import collate
from echo17.creative.mood import encoder_digest, load_head, mood_features, over_time, sounding_part
from echo17.creative.stories import read_stories
from echo17.data.manifests import split_clips
from echo17.files import add_rows, read_csv, write_into
from echo17.inference import Echo
from echo17.pretrained.adapters import AdapterConfig
from echo17.pretrained.hearing import whisper_features
from echo17.pretrained.whisper import WhisperNetwork, open_base
from echo17.pretrained.writing import WhisperTexts
from echo17.research.mood_strangers import (
    CORPORA, PLAIN, QUESTION, SHARES, STRANGER_COLUMNS, THRESHOLDS, HeadOn, above_threshold, acted_scene, by_speaker,
    drawn_folders, join_scenes, kept_scene, order_row, plain_reading, read_at_home, speaker_folds, story_scene,
    worth_row,
)
from echo17.runs import commit

BEST = HeadOn(("pitch", "states 1"))
SHIPPED = {"pitch": HeadOn(("pitch",)), "seconds": HeadOn(("seconds",)), "states 1": HeadOn(("states 1",)),
           "pitch + states 1": BEST}
SHIPS = "the head that ships"
SMALL, BOTH = ("small baseline", "small echo"), "the other two"
TEST = dict(stories="stories-test_speaker", emodb="emodb-all", ravdess="ravdess-all")  # what is read
TRAIN = TEST | dict(stories="stories-train")                                           # what is fitted on


def shipped_reading(train, test, folds):
    "The head that comes with echo17; it was fitted on the stories, and is fitted on nothing here."
    head = load_head()
    return head.log_odds(test.columns(head.inputs)).numpy()


@dataclass(frozen=True)
class Ear:
    "An encoder that listens, and where what it hears is kept."
    name:str
    listen:Callable
    folder:Path
    like:"Ear|None" = None    # whose clips are taken, and whose pitch

    def scene(self, what):
        "A corpus and which of its clips."
        corpus, split = what.split("-", 1)
        def make():
            "Listen."
            if corpus != "stories": return acted_scene(self.listen, corpus)
            return story_scene(self.listen, split_clips(read_stories(), split))
        found = kept_scene(self.folder / f"{what}.pt", make)
        return found if self.like is None else beside(found, self.like.scene(what))


def rows_of(names, scene):
    "Where these clips stand in a scene; those that it lacks are left out."
    rows = {name: i for i, name in enumerate(scene.names)}
    return [rows[name] for name in names if name in rows]


def beside(scene, other):
    "The clips in which both hear a voice, in the order of the other, with its pitch."
    pitch = other.at(sorted(rows_of(scene.names, other)))
    found = scene.at(rows_of(pitch.names, scene))
    return replace(found, values=found.values | {name: pitch.values[name] for name in ("pitch", "seconds")})


def whisper_ear(folder, work, like):
    "The states after each layer of a Whisper's encoder, of the positions of the sound itself; the names of layers."
    base = open_base(folder)
    size, words = base.model.config, WhisperTexts(base.words, base.model.config.vocab_size)
    config = AdapterConfig(parts=(), head="ctc", head_layers=tuple(range(1, size.encoder_layers)), padding=1.)
    network, names = WhisperNetwork(base, config).eval(), [f"layer {k + 1}" for k in range(size.encoder_layers)]
    def listen(wave):
        "Mean and spread over time of each layer."
        item = whisper_features(sounding_part(wave), base.ears, config)
        with torch.inference_mode(): memory, _ = network.encoder(collate([item], [""], words))
        own = memory[0, :int(item["sound"].sum())]
        return dict(zip(names, map(over_time, own.split(size.d_model, -1)), strict=True))
    return Ear("whisper", listen, work / f"whisper-{network.print}", like), tuple(names)


def echo_ear(name, model, work):
    "The states of an encoder of our own."
    return Ear(name, partial(mood_features, model), work / encoder_digest(model))


@dataclass(frozen=True)
class Table:
    "The rows on disk, and beside them what heads said."
    out:Path
    work:Path
    made:dict
    rows:list

    def add(self, about, measure):
        "A row, unless it is there."
        about = {name: about.get(name, "") for name in QUESTION}
        known = {tuple(str(row[name]) for name in QUESTION) for row in self.rows}
        if tuple(map(str, about.values())) in known: return
        self.rows.append(about | measure() | self.made)
        add_rows(self.out, self.rows[-1:], STRANGER_COLUMNS)
        print(*about.values(), self.rows[-1]["balanced_accuracy"], self.rows[-1].get("ranking"), flush=True)

    def odds(self, task):
        "What a head says of each clip, from disk or made and written."
        path = self.work / "odds" / f"{task.name}.pt"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            odds = torch.from_numpy(np.asarray(task.read(), dtype=float))
            write_into(path, lambda file: torch.save(odds, file))
        return torch.load(path, weights_only=True).numpy()


def folds_of(corpus, scene):
    "Two actors of ravdess at a time; otherwise one speaker."
    return speaker_folds(scene.speakers, 2 if corpus == "ravdess" else 1)


@dataclass(frozen=True)
class Task:
    "A head that is fitted on a corpus, on two, or on the other speakers of the one that it reads."
    ear:Ear
    inputs:str
    reading:Callable
    fitted_on:str
    corpus:str
    own:bool = False   # each speaker is standardised

    @property
    def name(self):
        "Of a file."
        kind = "speaker-" * self.own
        return f"{kind}{self.ear.name}-{self.inputs}-{self.fitted_on}-{self.corpus}".replace(" ", "_")

    def about(self):
        "Columns of a row."
        return dict(corpus=self.corpus, fitted_on=self.fitted_on, encoder=self.ear.name, inputs=self.inputs)

    def scene(self, what):
        "As it is heard."
        return by_speaker(self.ear.scene(what)) if self.own else self.ear.scene(what)

    def read(self):
        "Log-odds of the clips of the corpus."
        test = self.scene(TEST[self.corpus])
        if self.fitted_on == self.corpus != "stories":
            return read_at_home(self.reading, test, folds_of(self.corpus, test))
        others = [name for name in CORPORA if name != self.corpus] if self.fitted_on == BOTH else [self.fitted_on]
        trains = {name: self.scene(TRAIN[name]) for name in others}
        folds = np.concatenate([np.char.add(f"{name}/", folds_of(name, train)) for name, train in trains.items()])
        return self.reading(join_scenes(trains), test, folds)


def heads(table, ear, readings, fitted=(*CORPORA, BOTH)):
    "What is said of each corpus by heads that learned from it, from another, or from two others."
    tasks = [*product(CORPORA, fitted, readings.items())]
    def long(task):
        "What has to listen to the stories comes last."
        return task[1] == "stories" or (task[1] == BOTH and task[0] != "stories")
    for corpus, fitted_on, (inputs, reading) in sorted(tasks, key=long):
        task, scene = Task(ear, inputs, reading, fitted_on, corpus), ear.scene(TEST[corpus])
        plain = Task(ear.like or ear, PLAIN[0], plain_reading(PLAIN[0]), fitted_on, corpus)
        def measure():
            "Against the plain head on pitch that was fitted on the same clips."
            odds, sad = table.odds(task), scene.sad["voice"]
            if inputs == PLAIN[0]: return worth_row({}, sad, odds, scene.groups)
            other = table.odds(plain)[rows_of(scene.names, plain.scene(TEST[corpus]))]
            same = worth_row({}, sad, odds, scene.groups, (PLAIN[0], other))
            return same | order_row(sad, odds, scene.groups, other)
        table.add(task.about() | dict(part="heads"), measure)


def thresholds(table, ear, inputs, reading, fitted, anew=None, shares=()):
    "Where the line is drawn in folders without labels; `anew` is what is fitted on standardised voices."
    for fitted_on, corpus in product(fitted, CORPORA):
        if fitted_on == corpus != "stories": continue
        task, scene = Task(ear, inputs, reading, fitted_on, corpus), ear.scene(TEST[corpus])
        odds, sad, about = table.odds(task), scene.sad["voice"], task.about() | dict(part="thresholds")
        def measure(above):
            "Against the threshold of the head."
            found = worth_row({}, sad, above, scene.groups, ("as it is", odds))
            return found | dict(called_sad=round(float((above > 0).mean()), 4))
        for folder, name in product(("corpus", "speaker"), THRESHOLDS):
            folders = scene.speakers if folder == "speaker" else [corpus] * len(sad)
            if (folder, name) == ("speaker", "as it is"): continue
            table.add(about | dict(threshold=name, folder=folder),
                      lambda: measure(above_threshold(name, odds, sad, folders)))
        middle = table.odds(replace(task, own=True, reading=anew or reading))
        table.add(about | dict(threshold="standardised", folder="speaker"),
                  lambda: measure(middle) | order_row(sad, middle, scene.groups, odds))
        for share, name in product(shares, THRESHOLDS):
            drawn = lambda: drawn_folders(name, odds, sad, share)
            table.add(about | dict(part="drawn", threshold=name, share=share), drawn)


def main():
    args = options(__doc__, "mood-strangers.csv").parse_args()
    made = dict(commit=commit(), command=shlex.join(["python", *sys.argv]))  # before anything is written
    table = Table(args.out, args.work, made, read_csv(args.out) if args.out.exists() else [])
    shipped = echo_ear("shipped", Echo.from_pretrained(), args.work)
    heads(table, shipped, {name: plain_reading(name) for name in PLAIN} | SHIPPED)
    heads(table, shipped, {SHIPS: shipped_reading}, ("stories",))
    thresholds(table, shipped, SHIPS, shipped_reading, ("stories",), BEST, SHARES)
    thresholds(table, shipped, "pitch + states 1", BEST, ("emodb", "ravdess"))
    thresholds(table, shipped, "pitch", SHIPPED["pitch"], CORPORA)
    if os.environ.get("ECHO17_WHISPER"):
        whisper, layers = whisper_ear(os.environ["ECHO17_WHISPER"], args.work, shipped)
        readings = {"layer chosen": HeadOn((), layers), "pitch + layer chosen": HeadOn(("pitch",), layers)}
        heads(table, whisper, readings)
        thresholds(table, whisper, "layer chosen", readings["layer chosen"], CORPORA[::-1])
    for seed, kind in product(range(args.seeds), SMALL):
        small = replace(echo_ear(f"{kind}, seed {seed}", small_encoder(kind, seed, args), args.work), like=shipped)
        heads(table, small, {"states 1": HeadOn(("states 1",))}, ("stories", "ravdess"))
    print(f"wrote {args.out}, {len(table.rows)} rows")


if __name__ == "__main__": main()
