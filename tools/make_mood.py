"""The mood head that comes with echo17, and every row of data/results/mood.csv (`python tools/make_mood.py`; about half an hour on one core).

What was listened to, and the three small encoders, are kept in `runs/mood` and used again; delete that folder to start from nothing.
"""
import argparse
from pathlib import Path

import torch

from echo17.audio import load_audio
from echo17.corpus import collate, extract_features, split_clips
from echo17.model import Echo, EchoConfig, load_model, transcribe_batch
from echo17.mood import (CONTRASTS, Scene, emotion_scene, encoder_digest, fit_head, leave_one_out, ranking, read_emodb, result_row, save_head,
                         shipped_head_path, song_scene, story_scene, write_results)
from echo17.stories import read_stories, stories_dir, word_counts
from echo17.training import TrainConfig, find_checkpoint, train_echo

DEPTHS = ("states 0", "states 1", "states 2", "states 3")
SMALL = dict(width=64, heads=2, encoder_layers=2, decoder_layers=1)
PAIR = {"small baseline": EchoConfig.baseline(**SMALL), "small channel": EchoConfig.baseline(features=("spectrogram", "pitch"), **SMALL), "small echo": EchoConfig.echo(**SMALL)}


def kept(path, make):
    "A scene from disk, or made and written."
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({name: value for name, value in vars(make()).items()}, path)
    return Scene(**torch.load(path, weights_only=False))


def small_encoder(name, seed, epochs, work, cache):
    "One of three encoders that differ only in what they know of pitch, trained for a while."
    run = work / f"{name.replace(' ', '-')}-{seed}"
    train_echo(stories_dir(), run, PAIR[name], TrainConfig(optimizer="adamw", lr=0.003, epochs=epochs, seed=seed), resume=True, cache=cache, progress=False, log=False)
    return load_model(find_checkpoint(run / "last"))


def heard_texts(model, clips):
    "What the model understands, greedily."
    texts = []
    for clip in clips:
        item = extract_features(load_audio(clip.path), model.config)
        texts.append(transcribe_batch(model, collate([item], [""], model.tokenizer))[0].text)
    return texts


def with_words(train, scene, texts):
    "The columns of both scenes with the words counted; words that training did not have weigh nothing."
    counts = word_counts([*train.texts, *texts]).double()
    return counts[:len(train.texts)], counts[len(train.texts):]


def on_stories(train, scene, split, texts, depth):
    "Voice alone, words alone, both; told is the mood of the voice, or of the words."
    as_written, as_heard = with_words(train, scene, scene.texts), with_words(train, scene, texts)
    inputs = {name: (train.columns(parts), scene.columns(parts)) for name, parts in
              {"pitch": ("pitch",), "voice": ("voice",), "spectrum": ("spectrum",), depth: (depth,), f"voice + {depth}": ("voice", depth), "seconds": ("seconds",)}.items()}
    best = f"voice + {depth}"
    inputs |= {"words as written": as_written, "words as heard": as_heard, f"{best} + words as heard": tuple(map(lambda a, b: torch.cat([a, b], 1), inputs[best], as_heard))}
    for label in ("voice", "words"):
        odds = {name: fit_head(fit, train.sad[label], train.speakers).log_odds(told).numpy() for name, (fit, told) in inputs.items()}
        for name in odds:
            about = dict(corpus="stories", split=split, label=label, encoder="shipped", inputs=name, fitted_on="stories train")
            other = {f"{best} + words as heard": best}.get(name, "pitch")
            yield result_row(about, scene.sad[label], odds[name], scene.groups, None if name == other else (other, odds[other]))


def on_emodb(train, scene, depth, encoder="shipped", names=None):
    "One speaker out at a time, and heads that heard only stories."
    full = scene.values["seconds"][:, 0].numpy() > 1.9  # these cannot be told apart by their length
    inputs = {"pitch": ("pitch",), "seconds": ("seconds",), "voice": ("voice",), "spectrum": ("spectrum",), depth: (depth,), f"voice + {depth}": ("voice", depth)}
    odds = {name: leave_one_out(scene.columns(parts), scene.sad["voice"], scene.speakers) for name, parts in inputs.items()}
    for name in names or inputs:
        about = dict(corpus="emodb", split="all", label="voice", encoder=encoder, inputs=name, fitted_on="the other speakers")
        yield result_row(about, scene.sad["voice"], odds[name], scene.groups, None if name == "pitch" else ("pitch", odds["pitch"]))
        if names: continue
        yield result_row(about | dict(split="1.9 s or more"), scene.sad["voice"][full], odds[name][full], scene.only(full).groups, None if name == "pitch" else ("pitch", odds["pitch"][full]))
        told = fit_head(train.columns(inputs[name]), train.sad["voice"], train.speakers).log_odds(scene.columns(inputs[name])).numpy()
        yield result_row(about | dict(fitted_on="stories train"), scene.sad["voice"], told, scene.groups)


def on_songs(scenes, heads):
    "Which dial a head follows: among all songs, and between the two of one sentence, where the measure is the share of sentences in the right order."
    for (contrast, accompanied), scene in scenes.items():
        for name, head in heads.items():
            about = dict(corpus="songs", split=f"{contrast}{', accompanied' if accompanied else ''}", label="song", encoder="shipped", inputs=name, fitted_on="stories train")
            odds = head.log_odds(scene.columns(head.inputs)).numpy()
            yield result_row(about, scene.sad["song"], odds, scene.groups)
            within = odds - odds.reshape(-1, 2).mean(1).repeat(2)
            yield result_row(about | dict(split=f"{about['split']}, one sentence"), scene.sad["song"], within, scene.groups)


def pairs(args, train_clips, test_clips, emotions):
    "Encoders that know nothing of pitch, have it as an input, or have it in their attention, each with two seeds."
    for seed in range(args.seeds):
        scenes = {}
        for name in PAIR:
            model = small_encoder(name, seed, args.epochs, args.work, args.cache)
            scenes[name] = {what: kept(args.work / f"{what}-{name.replace(' ', '-')}-{seed}.pt", lambda: make(model)) for what, make in
                            dict(train=lambda m: story_scene(m, train_clips), test=lambda m: story_scene(m, test_clips), emodb=lambda m: emotion_scene(m, emotions)).items()}
        yield from compared(scenes, seed)


def compared(scenes, seed):
    "The same head over each of the small encoders; the differences are to the baseline."
    odds = {name: dict(emodb=leave_one_out(s["emodb"].columns(("states 1",)), s["emodb"].sad["voice"], s["emodb"].speakers),
                       stories=fit_head(s["train"].columns(("states 1",)), s["train"].sad["voice"], s["train"].speakers).log_odds(s["test"].columns(("states 1",))).numpy()) for name, s in scenes.items()}
    for corpus, what, split, fitted in (("emodb", "emodb", "all", "the other speakers"), ("stories", "test", "test_speaker", "stories train")):
        for name in scenes:
            scene, about = scenes[name][what], dict(corpus=corpus, split=split, label="voice", encoder=f"{name}, seed {seed}", inputs="states 1", fitted_on=fitted)
            yield result_row(about, scene.sad["voice"], odds[name][corpus], scene.groups, None if name == "small baseline" else ("small baseline", odds["small baseline"][corpus]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/mood"), help="what was listened to, and the small encoders")
    parser.add_argument("--out", type=Path, default=Path("data/results/mood.csv"))
    parser.add_argument("--cache", type=Path, help="folder of the feature cache")
    parser.add_argument("--epochs", type=int, default=24, help="of the small encoders")
    parser.add_argument("--seeds", type=int, default=2, help="of the small encoders")
    args = parser.parse_args()
    model, clips, emotions = Echo.from_pretrained(), read_stories(), read_emodb()
    stories = {split: kept(args.work / f"stories-{split}.pt", lambda: story_scene(model, split_clips(clips, split))) for split in ("train", "dev", "test", "test_speaker")}
    train, dev = stories["train"], stories["dev"]
    worth = {depth: ranking(dev.sad["voice"], fit_head(train.columns((depth,)), train.sad["voice"], train.speakers).log_odds(dev.columns((depth,)))) for depth in DEPTHS}
    depth = max(worth, key=worth.get)
    print("ranking on dev:", {name: round(value, 4) for name, value in worth.items()}, "chosen:", depth, flush=True)
    heads = {name: fit_head(train.columns(parts), train.sad["voice"], train.speakers, parts, encoder_digest(model) if depth in parts else "")
             for name, parts in {"pitch": ("pitch",), "voice": ("voice",), depth: (depth,), f"voice + {depth}": ("voice", depth)}.items()}
    save_head(heads[f"voice + {depth}"], shipped_head_path())
    rows = [row for split in ("test", "test_speaker") for row in on_stories(train, stories[split], split, heard_texts(model, split_clips(clips, split)), depth)]
    write_results(args.out, rows)
    if emotions: rows += on_emodb(train, kept(args.work / "emodb.pt", lambda: emotion_scene(model, emotions)), depth)
    write_results(args.out, rows)
    first = [clip for clip in split_clips(clips, "test_speaker") if int(dict(clip.extra)["position"]) < 2]
    scenes = {(name, accompanied): kept(args.work / f"songs-{name.replace(' ', '-')}-{accompanied}.pt", lambda: song_scene(model, first, contrast, accompanied))
              for name, contrast in CONTRASTS.items() for accompanied in (False, True) if name == "all three" or not accompanied}
    rows += on_songs(scenes, heads)
    write_results(args.out, rows)
    if emotions: rows += pairs(args, split_clips(clips, "train"), split_clips(clips, "test_speaker"), emotions)
    write_results(args.out, rows)
    print(f"wrote {shipped_head_path()} and {args.out}, {len(rows)} rows")


if __name__ == "__main__":
    main()
