"""Learn the memory with which a Whisper hears nothing, from the prose of these notebooks, and write it into data/models/unheard.

python tools/make_unheard.py FOLDER_OR_NAME_OF_A_WHISPER NAME
"""
import json
import re
import sys
from pathlib import Path

from echo17.pretrained.adapters import AdapterConfig
from echo17.pretrained.hearing import open_whisper
from echo17.pretrained.unheard import learn_unheard, save_unheard, text_surprise, unheard_dir

ROOT, SHORTEST, LONGEST = Path(__file__).resolve().parent.parent, 4, 40  # words of a sentence
PLAIN = re.compile(r"[A-Z][A-Za-z0-9,;:'’() –-]*[.?!]")  # no formulas, no names of code


def sentences(paragraph):
    "The plain sentences of a paragraph of Markdown."
    text = " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph).replace("**", "").split())
    found = re.split(r"(?<=[.?!]) ", text)
    return [one for one in found if PLAIN.fullmatch(one) and SHORTEST <= len(one.split()) <= LONGEST]


def prose():
    "All plain sentences of the notebooks, each once, in order."
    texts = {}
    for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "markdown": continue
            for paragraph in re.split(r"\n\s*\n", "".join(cell["source"])):
                texts |= dict.fromkeys(sentences(paragraph))
    return list(texts)


def main(base, name):
    "Learn, and say how surprised the Whisper is before and after."
    model, texts = open_whisper(base, AdapterConfig(()), language="en"), prose()
    print(f"{len(texts)} sentences, {sum(len(text.split()) for text in texts)} words", flush=True)
    def steps(numbers):
        for number in numbers:
            if number % 20 == 0: print(f"step {number}", flush=True)
            yield number
    memory = learn_unheard(model, texts, progress=steps)
    print(text_surprise(model, memory, texts[:100]))
    unheard_dir().mkdir(parents=True, exist_ok=True)
    save_unheard(memory, model, unheard_dir() / f"{name}.safetensors")


if __name__ == "__main__": main(*sys.argv[1:])
