"""The mood head that comes with echo17, and every row of data/results/mood.csv (`python tools/make_mood.py`).

What was listened to, and the small encoders, are kept in `runs/mood`, under the name of the encoder that listened, and used again.
"""
import argparse
import csv
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from echo17.audio import load_audio
from echo17.batch import collate
from echo17.data.features import extract_features
from echo17.data.manifests import data_dir, split_clips
from echo17.config import EchoConfig
from echo17.inference import load_model, transcribe_batch
from echo17.model import Echo
from echo17.creative.mood import BRIGHT, SAD, Style, accompany, balanced_accuracy, encoder_digest, fit_head, interval, leave_one_out, listen, ranking, save_head, shipped_head_path, sing, sounding_part
from echo17.creative.statistics import word_counts
from echo17.creative.stories import read_stories, stories_dir
from echo17.checkpoints import find_checkpoint
from echo17.runs import commit, train_echo
from echo17.training import TrainConfig

COLUMNS = ("corpus", "split", "label", "encoder", "inputs", "fitted_on", "clips", "sad", "balanced_accuracy", "low", "high", "ranking", "ranking_low", "ranking_high",
           "against", "difference", "difference_low", "difference_high", "commit", "command")  # differences are of the balanced accuracy
DEPTHS = ("states 0", "states 1", "states 2", "states 3")
SMALL = dict(width=64, heads=2, encoder_layers=2, decoder_layers=1)
PAIR = {"small baseline": EchoConfig.baseline(**SMALL), "small channel": EchoConfig.baseline(features=("spectrogram", "pitch"), **SMALL),
        "small repaired": EchoConfig.repaired(features=("spectrogram", "pitch"), **SMALL), "small echo": EchoConfig.echo(**SMALL)}
CONTRASTS = {"all three": (SAD, BRIGHT), "scale": (Style(minor=True), Style()), "register": (Style(register=-3.), Style(register=3.)), "tempo": (Style(tempo=0.85), Style(tempo=1.15))}
PLAIN = {"scikit-learn logistic regression on pitch": lambda: LogisticRegression(class_weight="balanced"), "scikit-learn SVC on pitch": lambda: SVC(class_weight="balanced")}


@dataclass(frozen=True)
class Scene:
    "Clips with their labels and what was heard of them: N of each."
    values: dict
    sad: dict
    speakers: tuple
    groups: tuple
    texts: tuple = ()

    def columns(self, inputs):
        "(N, D): some of the values, joined."
        return torch.cat([self.values[name] for name in inputs], 1)

    def head(self, label, inputs, encoder=""):
        "Fitted on these clips."
        return fit_head(self.columns(inputs), self.sad[label], self.speakers, inputs, encoder)


def kept(path, make):
    "A scene from disk, or made and written."
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(vars(make()), path)
    return Scene(**torch.load(path, weights_only=False))


def listen_all(model, waves):
    "`listen` to one sound after the other; `seconds`, the length of the sounding part, is there to be found out."
    heard = [listen(model, wave) | dict(seconds=torch.tensor([len(sounding_part(wave)) / 16000], dtype=torch.float64)) for wave in waves]
    return {name: torch.stack([one[name] for one in heard]) for name in heard[0]}


def story_scene(model, clips):
    "Clips of the stories; labels: voice, words. The stories are what is drawn as a whole."
    about = [dict(clip.extra) for clip in clips]
    sad = {label: np.array([row[column] == "sad" for row in about]) for label, column in (("voice", "mood"), ("words", "words"))}
    return Scene(listen_all(model, (load_audio(clip.path) for clip in clips)), sad, tuple(c.speaker for c in clips), tuple(row["story"] for row in about), tuple(c.text for c in clips))


def middle_second(wave):
    "Of the sounding part: a length that is the same for all."
    wave = sounding_part(wave)
    return wave[(start := max(0, (len(wave) - 16000) // 2)):start + 16000]


def emotion_scene(model, change=lambda wave: wave):
    "Acted emotions; speakers are what is drawn as a whole."
    path = data_dir() / "emodb" / "manifest.tsv"
    with path.open(encoding="utf-8", newline="") as lines: rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    speakers = tuple(row["speaker"] for row in rows)
    return Scene(listen_all(model, (change(load_audio(path.parent / row["path"])) for row in rows)), dict(voice=np.array([row["mood"] == "sad" for row in rows])), speakers, speakers)


def song_scene(model, clips, contrast, accompanied):
    "Every sentence twice, sad and bright, on one walk over the scale; label: song."
    def songs():
        "Sad and bright in turn."
        for seed, clip in enumerate(clips):
            for style in contrast:
                song, tonic = sing(load_audio(clip.path), style, seed)
                yield accompany(song, tonic, style) if accompanied else song
    twice = lambda values: tuple(value for value in values for _ in contrast)
    return Scene(listen_all(model, songs()), dict(song=np.array([True, False] * len(clips))), twice(c.speaker for c in clips), twice(dict(c.extra)["story"] for c in clips))


def mean_of(statistic):
    "Of the columns of log-odds (N, S), one for each encoder; (N,) is one column."
    return lambda sad, odds: float(np.mean([statistic(sad, column) for column in np.atleast_2d(odds.T)]))


def result_row(about, sad, odds, groups, against=None):
    "What one head, or the mean of several, is worth on some clips; `against`: name and log-odds of others on the same clips."
    row, accuracy, order = dict(clips=len(sad), sad=int(sad.sum())), mean_of(balanced_accuracy), mean_of(ranking)
    for statistic, names in ((accuracy, ("balanced_accuracy", "low", "high")), (order, ("ranking", "ranking_low", "ranking_high"))):
        row |= zip(names, (statistic(sad, odds), *interval(statistic, sad, odds, groups)))
    if against:
        found = accuracy(sad, odds) - accuracy(sad, against[1]), *interval(accuracy, sad, odds, groups, against[1])
        row |= dict(against=against[0]) | dict(zip(("difference", "difference_low", "difference_high"), found))
    return about | {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


def heard_texts(model, clips):
    "What the model understands, greedily."
    items = (extract_features(load_audio(clip.path), model.config) for clip in clips)
    return [transcribe_batch(model, collate([item], [""], model.tokenizer))[0].text for item in items]


def with_words(train, scene, texts):
    "Both scenes with the words of training counted; a word that training did not have weighs nothing."
    known = {word for text in train.texts for word in text.split()}
    counts = word_counts([*train.texts, *(" ".join(w for w in text.split() if w in known) for text in texts)]).double()
    first = len(train.texts)
    return [replace(s, values=s.values | dict(words=c)) for s, c in ((train, counts[:first]), (scene, counts[first:]))]


def on_stories(train, scene, heard, depth):
    "Voice alone, words alone, both; told is the mood of the voice, or of the words."
    both, as_written = with_words(train, scene, scene.texts)
    _, as_heard = with_words(train, scene, heard)
    voice = f"pitch + {depth}"
    parts = {"pitch": ("pitch",), "spectrum": ("spectrum",), depth: (depth,), voice: ("pitch", depth), "seconds": ("seconds",), "words as heard": ("words",), f"{voice} + words as heard": ("pitch", depth, "words")}
    for label in ("voice", "words"):
        heads = {part: both.head(label, part) for part in parts.values()}
        odds = {name: heads[part].log_odds(as_heard.columns(part)).numpy() for name, part in parts.items()}
        odds["words as written"] = heads["words",].log_odds(as_written.columns(("words",))).numpy()
        for name in odds:
            other = None if name == "pitch" else voice if name.startswith(f"{voice} +") else "pitch"
            yield result_row(dict(corpus="stories", split="test_speaker", label=label, encoder="shipped", inputs=name, fitted_on="stories train"), scene.sad[label], odds[name], scene.groups,
                             other and (other, odds[other]))


def plain_odds(scene, make):
    "A plain pipeline of scikit-learn with its own defaults, one speaker out at a time."
    values, speakers, odds = scene.columns(("pitch",)).numpy(), np.array(scene.speakers), np.empty(len(scene.speakers))
    for name in np.unique(speakers):
        out = speakers == name
        odds[out] = make_pipeline(StandardScaler(), make()).fit(values[~out], scene.sad["voice"][~out]).decision_function(values[out])
    return odds


def on_emodb(heads, scene, split, depth):
    "One speaker out at a time, against the plain baselines; and heads that heard only stories."
    inputs = {"pitch": ("pitch",), "spectrum": ("spectrum",), depth: (depth,), f"pitch + {depth}": ("pitch", depth), "seconds": ("seconds",)}
    odds = {name: plain_odds(scene, make) for name, make in PLAIN.items()}
    odds |= {name: leave_one_out(scene.columns(part), scene.sad["voice"], scene.speakers) for name, part in inputs.items()}
    plain = next(iter(PLAIN))
    for name in odds:
        about = dict(corpus="emodb", split=split, label="voice", encoder="shipped", inputs=name, fitted_on="the other speakers")
        yield result_row(about, scene.sad["voice"], odds[name], scene.groups, None if name == plain else (plain, odds[plain]))
        if name in heads: yield result_row(about | dict(fitted_on="stories train"), scene.sad["voice"], heads[name].log_odds(scene.columns(inputs[name])).numpy(), scene.groups)


def on_songs(scenes, heads):
    "Which dial a head follows: among all songs, and between the two of one sentence."
    for split, scene in scenes.items():
        for name, head in heads.items():
            about, odds = dict(corpus="songs", label="song", encoder="shipped", inputs=name, fitted_on="stories train"), head.log_odds(scene.columns(head.inputs)).numpy()
            yield result_row(about | dict(split=split), scene.sad["song"], odds, scene.groups)
            within = odds - odds.reshape(-1, 2).mean(1).repeat(2)  # its balanced accuracy is the share of sentences in the right order
            yield result_row(about | dict(split=f"{split}, one sentence"), scene.sad["song"], within, scene.groups)


def small_encoder(name, seed, args):
    "One of the encoders that differ only in what they know of pitch, trained for a while."
    run = args.work / f"{name.replace(' ', '-')}-{seed}"
    train_echo(stories_dir(), run, PAIR[name], TrainConfig(optimizer="adamw", lr=0.003, epochs=args.epochs, seed=seed), resume=True, cache=args.cache, progress=False, log=False)
    return load_model(find_checkpoint(run / "last"))


def heads_over(args, name, seed, train_clips, test_clips):
    "What the head says of each corpus over one of the small encoders."
    model = small_encoder(name, seed, args)
    heard = {what: kept(args.work / encoder_digest(model) / f"{what}.pt", make) for what, make in
             dict(train=lambda: story_scene(model, train_clips), test=lambda: story_scene(model, test_clips), emodb=lambda: emotion_scene(model)).items()}
    odds = dict(emodb=leave_one_out(heard["emodb"].columns(("states 1",)), heard["emodb"].sad["voice"], heard["emodb"].speakers),
                stories=heard["train"].head("voice", ("states 1",)).log_odds(heard["test"].columns(("states 1",))).numpy())
    return odds, dict(emodb=heard["emodb"], stories=heard["test"])


def pitch_aware(args, train_clips, test_clips):
    "The same head over encoders that know nothing of pitch, have it as an input, or have it in their attention as well, in two ways: seed by seed, and the mean of the seeds against others."
    odds = {what: {name: [] for name in PAIR} for what in ("emodb", "stories")}
    about = dict(emodb=dict(corpus="emodb", split="all", fitted_on="the other speakers"), stories=dict(corpus="stories", split="test_speaker", fitted_on="stories train"))
    def row(what, name, seeds, values, against=None):
        "Of some encoders of one kind."
        return result_row(about[what] | dict(label="voice", encoder=f"{name}, {seeds}", inputs="states 1"), scenes[what].sad["voice"], values, scenes[what].groups, against)
    for seed in range(args.seeds):
        for name in PAIR:
            found, scenes = heads_over(args, name, seed, train_clips, test_clips)
            for what, values in found.items(): odds[what][name].append(values)
            yield from (row(what, name, f"seed {seed}", values) for what, values in found.items())
    if not args.seeds: return
    for what, of_kind in odds.items():
        joined = {name: np.stack(values, 1) for name, values in of_kind.items()}
        for name in joined:
            for other in ("small baseline", "small channel"):
                if name != other and (name, other) != ("small baseline", "small channel"): yield row(what, name, f"{args.seeds} seeds", joined[name], (f"{other}, {args.seeds} seeds", joined[other]))


def write_results(path, rows, made):
    "Beside, and renamed; each row with what all have in common."
    part = Path(f"{path}.part")
    with part.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | made for row in rows)
    part.replace(path)


def choose_depth(train, dev):
    "Of the encoder's depths the first whose ranking of dev is within one standard error of the best: deeper is nearer to words."
    odds = {depth: train.head("voice", (depth,)).log_odds(dev.columns((depth,))).numpy() for depth in DEPTHS}
    worth = {depth: ranking(dev.sad["voice"], values) for depth, values in odds.items()}
    best = max(worth, key=worth.get)
    low, high = interval(ranking, dev.sad["voice"], odds[best], dev.groups)
    error = (high - low) / (2 * 1.96)
    print("ranking on dev:", {name: round(value, 4) for name, value in worth.items()}, f"standard error {error:.4f}", flush=True)
    return next(depth for depth in DEPTHS if worth[depth] >= worth[best] - error)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/mood"), help="what was listened to, and the small encoders")
    parser.add_argument("--out", type=Path, default=Path("data/results/mood.csv"))
    parser.add_argument("--cache", type=Path, help="folder of the feature cache")
    parser.add_argument("--epochs", type=int, default=16, help="of the small encoders")
    parser.add_argument("--seeds", type=int, default=2, help="of the small encoders; 0 leaves them out")
    args = parser.parse_args()
    made = dict(commit=commit(), command=shlex.join(["python", *sys.argv]))  # before anything is written
    model, clips, there = Echo.from_pretrained(), read_stories(), (data_dir() / "emodb").is_dir()
    work = args.work / encoder_digest(model)
    stories = {split: kept(work / f"stories-{split}.pt", lambda: story_scene(model, split_clips(clips, split))) for split in ("train", "dev", "test_speaker")}
    train, depth = stories["train"], choose_depth(stories["train"], stories["dev"])
    heads = {" + ".join(parts): train.head("voice", parts, encoder_digest(model) if depth in parts else "") for parts in (("pitch",), (depth,), ("pitch", depth))}
    save_head(heads[f"pitch + {depth}"], shipped_head_path())
    rows = [*on_stories(train, stories["test_speaker"], heard_texts(model, split_clips(clips, "test_speaker")), depth)]
    write_results(args.out, rows, made)
    for split, change in (("all", lambda wave: wave), ("middle second", middle_second)):
        if there: rows += on_emodb(heads, kept(work / f"emodb-{split.replace(' ', '-')}.pt", lambda: emotion_scene(model, change)), split, depth)
    first = [clip for clip in split_clips(clips, "test_speaker") if dict(clip.extra)["position"] == "0"]
    songs = [(name, False) for name in CONTRASTS] + [("all three", True)]
    rows += on_songs({f"{name}{', accompanied' * chords}": kept(work / f"songs-{name.replace(' ', '-')}{'-accompanied' * chords}.pt", lambda: song_scene(model, first, CONTRASTS[name], chords))
                      for name, chords in songs}, heads)
    write_results(args.out, rows, made)
    if there:
        rows += pitch_aware(args, split_clips(clips, "train"), split_clips(clips, "test_speaker"))
        write_results(args.out, rows, made)
    print(f"wrote {shipped_head_path()} and {args.out}, {len(rows)} rows")


if __name__ == "__main__":
    main()
