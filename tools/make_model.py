"""Train the model that transcribes and imagines, measure everything that is said of it, and write it into a folder.

First a model learns to transcribe, unless one is given with --start; from its weights the model of all voices is trained.
Its marks are calibrated on dev, then the test splits are read. What was interrupted goes on; a table that is there is not
made again.
"""
import argparse
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from echo17.checkpoints import find_checkpoint
from echo17.creative.calibration import calibrate, confidence_table, with_certainty
from echo17.creative.dial import Dial, judge_voice, story_model, turn_dial, write_texts
from echo17.creative.gaps import GapBench, gap_table, measure_gaps
from echo17.creative.grammar import Trigrams, vocabulary
from echo17.creative.imagine import ImagineOptions
from echo17.creative.stories import read_stories, stories_dir
from echo17.creative.voices import COLUMN_OF, TASKS, known_texts, story_supply, train_voices
from echo17.data.batches import Corpus
from echo17.decoding import SearchOptions
from echo17.files import write_csv
from echo17.inference import WORDS_FILE, Echo, load_model, save_model
from echo17.lexicon import Lexicon, save_words, strange_words, words_of
from echo17.research.shipped import first_recipe, make_model, recipe
from echo17.runs import RunOptions, commit, train_echo
from echo17.text import word_errors

ROOT = Path(__file__).resolve().parent.parent
SPLITS = ("test", "test_speaker")
DIALS = (*map(Dial, (-1., -.5, 0., .25, .5, .75, 1.)), Dial(.5, follow=True), Dial(1., follow=True))


def options():
    "What the command line says."
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "stories", help="folder of the training runs")
    parser.add_argument("--model", type=Path, default=ROOT / "data" / "models" / "stories", help="folder of the model")
    parser.add_argument("--results", type=Path, default=ROOT / "data" / "results", help="folder of the tables")
    parser.add_argument("--start", type=Path, help="folder of a model that transcribes; none: one is trained first")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", action="store_true", help="do not train: calibrate and measure --model")
    parser.add_argument("--clips", type=int, help="measure the first so many of each split; for a trial")
    return parser.parse_args()


def transcriber(asked) -> Echo:
    "The model to begin with."
    if asked.start: return load_model(asked.start)
    config, training = first_recipe()
    train_echo(stories_dir(), asked.run / "transcribe", config, replace(training, seed=asked.seed),
               RunOptions(resume=True, progress=False))
    return load_model(find_checkpoint(asked.run / "transcribe" / "best"))


def teach(asked, supply):
    "The model of all voices, written with its card."
    config, training = recipe()
    result = make_model(asked.run / "voices", asked.model, stories_dir(), (config, replace(training, seed=asked.seed)),
                        RunOptions(progress=False), command="python tools/make_model.py",
                        train=partial(train_voices, supply=supply, donor=transcriber(asked)))
    for split, found in result["measured"].items():
        for search, row in found.items():
            print(f"{split}, {search}: word error {100 * row['wer']:.1f} % of {row['clips']} clips", flush=True)


def split_clips(asked):
    "The clips by split, whole stories as long as --clips allows."
    clips = read_stories()
    return {split: [clip for clip in clips if clip.split == split][:asked.clips] for split in ("dev", *SPLITS)}


def batches(model, clips, size=16):
    "The clips as they are, in order."
    corpus = Corpus(clips, model.config.features, model.tokenizer).without_texts()
    return [corpus.batch(0, range(i, min(i + size, len(clips)))) for i in range(0, len(clips), size)]


def table(asked, name, make):
    "Write a table unless it is there; `make` gives its rows."
    path = asked.results / f"{name}.csv"
    if path.is_file(): print(f"{path}: is there"); return
    asked.results.mkdir(parents=True, exist_ok=True)
    stamp = commit()
    short = lambda value: round(value, 5) if isinstance(value, float) else value
    write_csv(path, [{name: short(value) for name, value in row.items()} | dict(commit=stamp) for row in make()])
    print(f"wrote {path}", flush=True)


def voices_rows(model, clips, known):
    "The three voices: extra literal, without chance, and with the dial in the middle."
    for split in SPLITS:
        parts = batches(model, clips[split])
        heard = write_texts(model, parts, Dial(0.), TASKS[0])
        for task in COLUMN_OF:
            for dial in (Dial(-.5), Dial(0.), Dial(.5)):
                texts = write_texts(model, parts, dial, task)
                judged = judge_voice(task, clips[split], texts, known[task], heard=heard)
                yield dict(split=split, task=task, creativity=dial.creativity) | judged


def dial_rows(model, clips):
    "The dial, turned."
    story = story_model()
    for split in SPLITS:
        parts, texts = batches(model, clips[split]), [clip.text for clip in clips[split]]
        grouped = [(part, texts[16 * i:16 * i + len(part.lengths)]) for i, part in enumerate(parts)]
        for row in turn_dial(model, grouped, DIALS, story): yield dict(split=split) | row


def lexicon_rows(model, clips):
    "What is written of dev with any letters, and held to the words of the lexicon; transcripts, then the other tasks."
    parts, said = batches(model, clips["dev"]), [clip.text for clip in clips["dev"]]
    asked = [("transcribe", dial) for dial in DIALS] + [(task, Dial(.5)) for task in COLUMN_OF]
    for task, dial in asked:
        for seed in (0, 1) if dial.draws and task == "transcribe" else (0,):
            for held in (None, model.lexicon):
                texts = write_texts(model, parts, dial, task, seed, SearchOptions(lexicon=held))
                share, strange = strange_words(texts, model.lexicon)
                row = dict(split="dev", task=task, creativity=dial.creativity, follow=int(dial.follow), seed=seed,
                           lexicon=int(held is not None), clips=len(said), words=len(" ".join(texts).split()))
                wrong = word_errors(said, texts)["wer"] if task == "transcribe" else ""
                yield row | dict(strange=share, wer=wrong, examples=" ".join(strange[:5]))


def lexicon_gaps(model, clips):
    "What is made of gaps of dev with any letters, and held to the words of the lexicon."
    show = partial(tqdm, mininterval=60)
    for words in (False, True):
        bench = GapBench((), Trigrams(["a"]), "a", how=ImagineOptions(words=words, speech=None))
        rows, written = measure_gaps(model, clips["dev"], bench, progress=show)
        for kind in bench.kinds:
            own = [row for row in rows if row["kind"] == kind]
            others = sum(row["others"] for row in own)
            share, _ = strange_words([row["word"] for row in written if row["kind"] == kind], model.lexicon)
            wrong = {name: sum(row[name] for row in own) / others for name in ("wrong_plain", "wrong_filled")}
            yield dict(split="dev", kind=kind, lexicon=int(words), gaps=len(own), strange=share,
                       written=sum(row["written"] for row in own) / len(own)) | wrong


def gap_tables(asked, model, clips):
    "Calibrate on dev and keep the curves with the model; then the gaps of the test splits."
    words = vocabulary()
    train = [clip.text for clip in read_stories() if clip.split == "train"]
    bench = GapBench(words, Trigrams(train), Counter(" ".join(train).split()).most_common(1)[0][0])
    show = partial(tqdm, mininterval=60)
    _, dev = measure_gaps(model, clips["dev"], replace(bench, candidates=()), progress=show)
    save_model(with_certainty(model, calibrate(dev)), asked.model)
    found = {split: measure_gaps(model, clips[split], bench, progress=show) for split in SPLITS}
    gaps = [dict(split=split) | row for split in SPLITS for row in gap_table(found[split][0], len(words))]
    table(asked, "gaps", lambda: gaps)
    judged = {split: confidence_table(found[split][1], dev) for split in SPLITS}
    table(asked, "confidence", lambda: [dict(split=split) | row for split in SPLITS for row in judged[split][0]])
    curves = [dict(split=split, confidence=name, mean=mean, share=share, words=n)
              for split in SPLITS for name, rows in judged[split][1].items() for mean, share, n in rows]
    table(asked, "reliability", lambda: curves)


def main():
    "Train, calibrate, measure."
    asked = options()
    supply = story_supply(stories_dir())
    if not asked.measure: teach(asked, supply)
    model, clips = load_model(asked.model), split_clips(asked)
    if model.lexicon is None:
        known = [text for texts in known_texts(stories_dir(), supply).values() for text in texts]
        model.lexicon = Lexicon(words_of(known), model.tokenizer)
        save_words(model.lexicon, asked.model / WORDS_FILE)
    there = [(asked.results / f"{name}.csv").is_file() for name in ("gaps", "confidence", "reliability")]
    if not all(there): gap_tables(asked, model, clips)
    table(asked, "voices", lambda: list(voices_rows(model, clips, known_texts(stories_dir(), supply))))
    table(asked, "dial", lambda: list(dial_rows(model, clips)))
    table(asked, "lexicon", lambda: list(lexicon_rows(model, clips)))
    table(asked, "lexicon-gaps", lambda: list(lexicon_gaps(model, clips)))


if __name__ == "__main__": main()
