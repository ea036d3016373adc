"""Make a corpus of Mandarin strangers: words of hsk in voices that nobody has, and synthetic voices, two of them for the
test.

What `tools/say_mandarin.py` has said are sentences, whose first word is what counts; it is cut out at the pause of
voicing behind it. The tail of a voice's sentences is always the same, so where several pauses could be meant, that
one is taken which lies as far from the end as this voice's others. A sentence in which none does is left out, and
counted. The words of hsk come as they are. They, and what the voices said that are learned from, come once more by
WORLD: another pitch, range, vocal tract and tempo, men and women half each. What is there is not made again.
"""
import argparse
import random
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median

import numpy as np
import pyworld
import soundfile
import torch
from tqdm.auto import tqdm

from echo17.audio import load_audio
from echo17.contour import voiced_stretches
from echo17.data.manifests import Clip, manifest_row, read_corpus, write_manifest
from echo17.files import write_bytes, write_into
from echo17.pitch import extract_pitch
from echo17.tones import speaker_level

RATE, HOP = 16000, 160  # Hz; samples of a hundredth of a second
HEARD = 60               # clips by which a speaker's level is known
MARGIN, SLACK = 15, .35  # hundredths kept before the sound; how far a tail may lie from the others of its voice


def heard(path):
    "Pitch every hundredth of a second, and where the sound begins and ends, in hundredths."
    wave = load_audio(path, RATE).numpy()
    f0 = extract_pitch(torch.from_numpy(wave), RATE, "swift", .01, 65, 500).f0
    loud = np.sqrt(np.convolve(wave**2, np.full(2 * HOP, .5 / HOP), "same")[::HOP])[:len(f0)]
    sounding = np.flatnonzero(loud > .02 * loud.max())
    return f0, int(sounding[0]), int(sounding[-1])


def pauses(f0, begin, end):
    "Stretches of 30 ms and more without a voice, behind the first voice of 50 ms."
    within = f0[begin:end]
    voices = [one for one in voiced_stretches(within) if one[1] - one[0] >= 5]
    if not voices: return []
    silent = voiced_stretches((within <= 0).float())
    return [(begin + i, begin + j) for i, j in silent if j - i >= 3 and i >= voices[0][1]]


def cut(wave, begin, pause):
    "The first word: faded out in the pause, with some silence behind."
    start, stop = max(0, begin - MARGIN) * HOP, (pause[0] + min(4, (pause[1] - pause[0]) // 2)) * HOP
    word = wave[start:stop].copy()
    fade = min(2 * HOP, len(word))
    word[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return np.r_[word, np.zeros(MARGIN * HOP, np.float32)]


def write_sound(path, wave):
    "There whole, or not at all."
    write_into(path, lambda file: soundfile.write(file, wave, RATE, format="FLAC"))


def cut_all(said, out):
    "Rows of the manifest; how many sentences were left out."
    asked, known, tails = read_corpus(said), {}, defaultdict(list)
    for clip in tqdm(asked, desc="listening"):
        f0, begin, end = heard(clip.path)
        known[clip.id] = begin, end, pauses(f0, begin, end)
        if " " not in clip.text and known[clip.id][2]: tails[clip.speaker].append(end - known[clip.id][2][0][0])
    rows, lost = [], 0
    for clip in asked:
        begin, end, found = known[clip.id]
        tail = median(tails[clip.speaker]) if tails[clip.speaker] else 0
        pause = min(found, key=lambda one: abs(end - one[0] - tail), default=None)
        if pause is None or abs(end - pause[0] - tail) > SLACK * tail: lost += 1; continue
        place = f"said/{clip.id}.flac"
        if not (out / place).exists():
            write_sound(out / place, cut(load_audio(clip.path, RATE).numpy(), begin, pause))
        rows.append(manifest_row(clip, Path(place)))
    return rows, lost


def level_of(clips):
    "The middle of a speaker's voice, Hz, over the first of the clips: what a high and a low tone are seen from."
    waves = (load_audio(clip.path, RATE) for clip in clips[:HEARD])
    return speaker_level(torch.cat([extract_pitch(wave, RATE, "swift", .01, 65, 500).f0 for wave in waves]))


def other_voice(wave, own, chance):
    "(samples,) The same words by somebody else; `own` is the speaker's level. None where there is hardly a voice."
    x = wave.astype(np.float64)
    f0, times = pyworld.dio(x, RATE, f0_floor=65, f0_ceil=600)
    f0 = pyworld.stonemask(x, f0, times, RATE)
    voiced = f0 > 0
    if voiced.sum() < 5: return None
    envelope, noise = pyworld.cheaptrick(x, f0, times, RATE), pyworld.d4c(x, f0, times, RATE)
    man = chance.random() < .5
    level, tract = (chance.uniform(90, 165), chance.uniform(.8, .95)) if man else \
                   (chance.uniform(170, 320), chance.uniform(.92, 1.2))
    spread, tempo = chance.uniform(.75, 1.25), chance.uniform(.85, 1.2)
    f0[voiced] = np.clip(level * (f0[voiced] / own) ** spread, 60, 600)
    bins = np.arange(envelope.shape[1])
    source = np.clip(bins / tract, 0, bins[-1])
    envelope = np.exp(np.stack([np.interp(source, bins, line) for line in np.log(envelope)]))
    noise = np.stack([np.interp(source, bins, line) for line in noise])
    made = pyworld.synthesize(f0, envelope, noise, RATE, 5 * tempo)
    return (made / max(np.abs(made).max(), 1e-9) * chance.uniform(.1, .9)).astype(np.float32)


def own_words(words, out):
    "Rows of words of hsk as they are."
    for clip in words:
        place = f"own/{clip.path.name}"
        if not (out / place).exists(): write_bytes(out / place, clip.path.read_bytes())
        yield manifest_row(clip, Path(place))


def by_others(clips, out, times=1):
    "Rows of clips in other voices, each so many times."
    levels = {name: level_of([clip for clip in clips if clip.speaker == name]) for name in {c.speaker for c in clips}}
    for i, (clip, time) in enumerate(tqdm([(clip, time) for clip in clips for time in range(times)], desc="voices")):
        name = f"{clip.id}-other-{time}"
        place = f"other/{name}.flac"
        if not (out / place).exists():
            made = other_voice(load_audio(clip.path, RATE).numpy(), levels[clip.speaker], random.Random(name))
            if made is None: continue
            write_sound(out / place, made)
        yield manifest_row(clip, Path(place)) | dict(id=name, speaker=f"other-{i}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("said", type=Path, help="folder that tools/say_mandarin.py has made")
    parser.add_argument("hsk", type=Path, help="corpus of words in toned pinyin")
    parser.add_argument("out", type=Path, help="folder of the corpus that is made")
    parser.add_argument("--own", type=int, default=2000, help="words of hsk as they are")
    parser.add_argument("--others", type=int, default=3000, help="words of hsk by other voices")
    parser.add_argument("--times", type=int, default=2, help="how often other voices say what the learned ones said")
    asked = parser.parse_args()
    for name in ("said", "own", "other"): (asked.out / name).mkdir(parents=True, exist_ok=True)
    rows, lost = cut_all(asked.said, asked.out)
    words = [clip for clip in read_corpus(asked.hsk) if clip.split == "train"]
    random.Random(3).shuffle(words)
    said = [Clip(**row | dict(path=asked.out / row["path"])) for row in rows if row["split"] == "train"]
    rows += [*own_words(words[:asked.own], asked.out), *by_others(words[:asked.others], asked.out),
             *by_others(said, asked.out, asked.times)]
    write_manifest(asked.out, rows)
    counts = Counter((row["split"], row["path"].split("/")[0]) for row in rows)
    print(f"{lost} sentences without a clear pause were left out; wrote {asked.out / 'manifest.tsv'}: {dict(counts)}")


if __name__ == "__main__": main()
