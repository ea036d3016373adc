"""The mood head that comes with echo17, and every row of data/results/mood.csv (`python tools/make_mood.py`).

What was listened to, and the small encoders, are kept in `runs/mood`, under the name of the encoder that listened,
and used again.
"""
import argparse
import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from echo17.audio import load_audio
from echo17.batch import collate
from echo17.checkpoints import find_checkpoint
from echo17.config import EchoConfig
from echo17.creative.mood import (
    encoder_digest, leave_one_out, mood_features, ranking, save_head, shipped_head_path, sounding_part,
)
from echo17.creative.songs import BRIGHT, SAD, Style, accompany, sing
from echo17.creative.statistics import word_counts
from echo17.creative.stories import read_stories, stories_dir
from echo17.data.features import extract_features
from echo17.data.manifests import data_dir, split_clips
from echo17.decoding import SearchOptions
from echo17.files import write_csv
from echo17.inference import Echo, load_model, transcribe_batch
from echo17.research.mood_strangers import (
    PLAIN, Scene, acted_scene, hear_scene, kept_scene, plain_reading, read_at_home, story_scene, worth_row,
)
from echo17.runs import RunOptions, commit, train_echo
from echo17.training import TrainConfig

COLUMNS = ("corpus", "split", "label", "encoder", "inputs", "fitted_on", "clips", "sad",
           "balanced_accuracy", "low", "high", "ranking", "ranking_low", "ranking_high",
           "against", "difference", "difference_low", "difference_high",  # of the balanced accuracy
           "commit", "command")
SPLITS = ("train", "test_speaker")
DEPTHS = ("states 0", "states 1", "states 2", "states 3")
SMALL = dict(width=64, heads=2, encoder_layers=2, decoder_layers=1, pitch_method="dio")
TOO = dict(features=("spectrogram", "pitch"))
KINDS = {"small baseline": EchoConfig.baseline(**SMALL), "small channel": EchoConfig.baseline(**TOO, **SMALL),
         "small repaired": EchoConfig.repaired(**TOO, **SMALL), "small echo": EchoConfig.echo(**SMALL)}
CONTRASTS = {"all three": (SAD, BRIGHT), "scale": (Style(minor=True), Style()),
             "register": (Style(register=-3.), Style(register=3.)), "tempo": (Style(tempo=0.85), Style(tempo=1.15))}


def middle_second(wave):
    "Of the sounding part: a length that is the same for all."
    wave = sounding_part(wave)
    return wave[(start := max(0, (len(wave) - 16000) // 2)):start + 16000]


def song_scene(model, clips, contrast, accompanied):
    "Every sentence twice, sad and bright, on one walk over the scale; label: song."
    def songs():
        "Sad and bright in turn."
        for seed, clip in enumerate(clips):
            for style in contrast:
                song, tonic = sing(clip.path, style, seed)
                yield accompany(song, tonic, style) if accompanied else song
    twice = lambda values: tuple(value for value in values for _ in contrast)
    known = Scene({}, dict(song=np.array([True, False] * len(clips))), twice(c.speaker for c in clips),
                  twice(dict(c.extra)["story"] for c in clips))
    return hear_scene(partial(mood_features, model), songs(), known)


def heard_texts(model, clips):
    "What the model understands, greedily."
    greedy = SearchOptions(beam=1)
    items = (extract_features(load_audio(clip.path), model.config.features) for clip in clips)
    return [transcribe_batch(model, collate([item], [""], model.tokenizer), greedy)[0].text for item in items]


def with_words(train, scene, texts):
    "Both scenes with the words of training counted; a word that training did not have weighs nothing."
    known = {word for text in train.texts for word in text.split()}
    counts = word_counts([*train.texts, *(" ".join(w for w in text.split() if w in known) for text in texts)]).double()
    first = len(train.texts)
    parts = (train, counts[:first]), (scene, counts[first:])
    return [replace(part, values=part.values | dict(words=own)) for part, own in parts]


def on_stories(train, scene, heard, depth):
    "Voice alone, words alone, both; told is the mood of the voice, or of the words."
    both, as_written = with_words(train, scene, scene.texts)
    _, as_heard = with_words(train, scene, heard)
    voice = f"pitch + {depth}"
    parts = {"pitch": ("pitch",), "spectrum": ("spectrum",), depth: (depth,), voice: ("pitch", depth),
             "seconds": ("seconds",), "words as heard": ("words",),
             f"{voice} + words as heard": ("pitch", depth, "words")}
    about = dict(corpus="stories", split="test_speaker", encoder="shipped", fitted_on="stories train")
    for label in ("voice", "words"):
        heads = {part: both.head(label, part) for part in parts.values()}
        odds = {name: heads[part].log_odds(as_heard.columns(part)).numpy() for name, part in parts.items()}
        odds["words as written"] = heads["words",].log_odds(as_written.columns(("words",))).numpy()
        for name, values in odds.items():
            other = None if name == "pitch" else voice if name.startswith(f"{voice} +") else "pitch"
            yield worth_row(about | dict(label=label, inputs=name), scene.sad[label], values, scene.groups,
                             other and (other, odds[other]))


def on_emodb(heads, scene, split, depth):
    "One speaker out at a time, against the plain baselines; and heads that heard only stories."
    inputs = {"pitch": ("pitch",), "spectrum": ("spectrum",), depth: (depth,), f"pitch + {depth}": ("pitch", depth),
              "seconds": ("seconds",)}
    sad, plain = scene.sad["voice"], PLAIN[0]
    odds = {name: read_at_home(plain_reading(name), scene, scene.speakers) for name in PLAIN}
    odds |= {name: leave_one_out(scene.columns(part), sad, scene.speakers) for name, part in inputs.items()}
    for name, values in odds.items():
        about = dict(corpus="emodb", split=split, label="voice", encoder="shipped", inputs=name)
        against = None if name == plain else (plain, odds[plain])
        yield worth_row(about | dict(fitted_on="the other speakers"), sad, values, scene.groups, against)
        if name not in heads: continue
        abroad = heads[name].log_odds(scene.columns(inputs[name])).numpy()
        yield worth_row(about | dict(fitted_on="stories train"), sad, abroad, scene.groups)


def on_songs(scenes, heads):
    "Which dial a head follows: among all songs, and between the two of one sentence."
    for split, scene in scenes.items():
        for name, head in heads.items():
            about = dict(corpus="songs", label="song", encoder="shipped", inputs=name, fitted_on="stories train")
            odds = head.log_odds(scene.columns(head.inputs)).numpy()
            yield worth_row(about | dict(split=split), scene.sad["song"], odds, scene.groups)
            within = odds - odds.reshape(-1, 2).mean(1).repeat(2)  # balanced accuracy: share of sentences in order
            yield worth_row(about | dict(split=f"{split}, one sentence"), scene.sad["song"], within, scene.groups)


def small_encoder(name, seed, args):
    "One of the encoders that differ only in what they know of pitch, trained for a while."
    run = args.work / f"{name.replace(' ', '-')}-{seed}"
    train_echo(stories_dir(), run, KINDS[name], TrainConfig(optimizer="adamw", lr=0.003, epochs=args.epochs, seed=seed),
               RunOptions(resume=True, cache=args.cache, progress=False, log=False))
    return load_model(find_checkpoint(run / "last"))


def heads_over(args, name, seed, train_clips, test_clips):
    "What the head says of each corpus over one of the small encoders."
    model, states = small_encoder(name, seed, args), ("states 1",)
    listen = partial(mood_features, model)
    def scene(what, make): return kept_scene(args.work / encoder_digest(model) / f"{what}.pt", make)
    train = scene("train", lambda: story_scene(listen, train_clips))
    test = scene("test", lambda: story_scene(listen, test_clips))
    acted = scene("emodb", lambda: acted_scene(listen, "emodb"))
    odds = dict(emodb=leave_one_out(acted.columns(states), acted.sad["voice"], acted.speakers),
                stories=train.head("voice", states).log_odds(test.columns(states)).numpy())
    return odds, dict(emodb=acted, stories=test)


def pitch_aware(args, train_clips, test_clips):
    """The same head over encoders that know nothing of pitch, have it as an input, or have it in their attention as
    well, in two ways: seed by seed, and the mean of the seeds against others."""
    odds = {what: {name: [] for name in KINDS} for what in ("emodb", "stories")}
    about = dict(emodb=dict(corpus="emodb", split="all", fitted_on="the other speakers"),
                 stories=dict(corpus="stories", split="test_speaker", fitted_on="stories train"))
    def row(what, name, seeds, values, against=None):
        "Of some encoders of one kind."
        own = about[what] | dict(label="voice", encoder=f"{name}, {seeds}", inputs="states 1")
        return worth_row(own, scenes[what].sad["voice"], values, scenes[what].groups, against)
    for seed in range(args.seeds):
        for name in KINDS:
            found, scenes = heads_over(args, name, seed, train_clips, test_clips)
            for what, values in found.items(): odds[what][name].append(values)
            yield from (row(what, name, f"seed {seed}", values) for what, values in found.items())
    if not args.seeds: return
    seeds = f"{args.seeds} seeds"
    for what, of_kind in odds.items():
        joined = {name: np.stack(values, 1) for name, values in of_kind.items()}
        for name in joined:
            for other in ("small baseline", "small channel"):
                if name == other or (name, other) == ("small baseline", "small channel"): continue
                yield row(what, name, seeds, joined[name], (f"{other}, {seeds}", joined[other]))


def choose_depth(train):
    "The encoder's depth that, beside pitch, ranks best the speakers who are left out of training one at a time."
    odds = {depth: leave_one_out(train.columns(("pitch", depth)), train.sad["voice"], train.speakers)
            for depth in DEPTHS}
    worth = {depth: ranking(train.sad["voice"], values) for depth, values in odds.items()}
    print("ranking of the speakers left out:", {name: round(value, 4) for name, value in worth.items()}, flush=True)
    return max(worth, key=worth.get)


def song_scenes(model, work, clips):
    "The songs of each contrast, and all of them with chords."
    scenes = {}
    for name, chords in [*((name, False) for name in CONTRASTS), ("all three", True)]:
        path = work / f"songs-{name.replace(' ', '-')}{'-accompanied' * chords}.pt"
        make = lambda: song_scene(model, clips, CONTRASTS[name], chords)
        scenes[f"{name}{', accompanied' * chords}"] = kept_scene(path, make)
    return scenes


def options(about, table):
    "What the command line of a tool may say that measures moods; `table` is where its rows go."
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--work", type=Path, default=Path("runs/mood"), help="what was listened to; the small encoders")
    parser.add_argument("--out", type=Path, default=Path("data/results") / table)
    parser.add_argument("--cache", type=Path, help="folder of the feature cache")
    parser.add_argument("--epochs", type=int, default=16, help="of the small encoders")
    parser.add_argument("--seeds", type=int, default=2, help="of the small encoders; 0 leaves them out")
    return parser


def main():
    parser = options(__doc__, "mood.csv")
    parser.add_argument("--head", type=Path, default=shipped_head_path(), help="where the head is written")
    args = parser.parse_args()
    made = dict(commit=commit(), command=shlex.join(["python", *sys.argv]))  # before anything is written
    model, clips, there = Echo.from_pretrained(), read_stories(), (data_dir() / "emodb").is_dir()
    work, split = args.work / encoder_digest(model), {name: split_clips(clips, name) for name in SPLITS}
    listen = partial(mood_features, model)
    def stories(name): return kept_scene(work / f"stories-{name}.pt", lambda: story_scene(listen, split[name]))
    train, test = map(stories, SPLITS)
    depth, rows = choose_depth(train), []
    def head(*parts): return train.head("voice", parts, encoder_digest(model) if depth in parts else "")
    heads = {" + ".join(parts): head(*parts) for parts in (("pitch",), (depth,), ("pitch", depth))}
    save_head(heads[f"pitch + {depth}"], args.head)
    def write(more):
        "What there is so far."
        rows.extend(more)
        write_csv(args.out, [row | made for row in rows], COLUMNS)
    write(on_stories(train, test, heard_texts(model, split["test_speaker"]), depth))
    for name, change in dict(all=lambda wave: wave, middle_second=middle_second).items() if there else ():
        scene = kept_scene(work / f"emodb-{name.replace('_', '-')}.pt", lambda: acted_scene(listen, "emodb", change))
        write(on_emodb(heads, scene, name.replace("_", " "), depth))
    first = [clip for clip in split["test_speaker"] if dict(clip.extra)["position"] == "0"]
    write(on_songs(song_scenes(model, work, first), heads))
    if there: write(pitch_aware(args, split["train"], split["test_speaker"]))
    print(f"wrote {args.head} and {args.out}, {len(rows)} rows")


if __name__ == "__main__": main()
