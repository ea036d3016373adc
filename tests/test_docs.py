"""The parts of the site that can be looked at without building it: the API's pages, the paths, links, and what opens in Colab."""
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
docs = pytest.importorskip("docs", reason="the site needs nbdev and nbconvert")
from api_pages import api_pages, module_page  # noqa: E402  (the folder of the tools is known only now)

HOME = "https://github.com/echo17/echo17"


def names():
    "Every page that comes from a notebook."
    return [docs.page(path.relative_to(ROOT / "nbs")) for path in sorted((ROOT / "nbs").rglob("*.ipynb")) if not path.name.startswith(".")]


def test_every_public_name_has_types_and_source():
    pages = api_pages(ROOT / "echo17", HOME, names())
    polar = pages["api/polar"]
    assert "## PitchRotary" in polar and "f0:Tensor,           # (B, T) Hz, 0 where unvoiced and at padding" in polar
    assert re.search(r"in the repository\]\(https://github.com/echo17/echo17/blob/main/echo17/polar.py#L\d+-L\d+\)", polar)
    assert "(../polar.md)" in polar and "(../page/window.md)" in pages["api/page.window"]
    assert all(len(text) < docs.HEAVIEST / 2 for text in pages.values()) and len(pages) > 80
    assert pages["api/index"].count("](") == len(pages) - 1


def test_a_page_is_made_of_what_the_module_says(tmp_path):
    module = tmp_path / "echo17" / "toy.py"
    module.parent.mkdir()
    module.write_text('"A toy."\nclass Toy:\n    "Plays."\n    size:int = 3  # cm\n    def play(self, n:int) -> str:\n        "Once."\n\n        return "<b>"\n\ndef _hidden(): pass\n')
    name, text = module_page(module, module.parent, HOME, "")
    assert name == "echo17.toy" and "A toy." in text and "size:int = 3  # cm" in text and "def play(self, n:int) -> str:" in text
    assert "_hidden" not in text and "&lt;b&gt;" in text and "\n\n" not in re.search(r"<pre>.*?</pre>", text, re.S)[0]
    module.write_text('"Nothing."\n_X = 1\n')
    assert module_page(module, module.parent, HOME, "")[1] is None


def test_the_paths_lead_to_pages():
    known = {*names(), "api/index"}
    assert [target for target in re.findall(r"\]\(([\w/]+)\.md\)", docs.PATHS) if target not in known] == []


def test_a_dead_link_is_found(tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="top"></h1><a href="b.html#there">b</a><a href="#top">up</a><a href="https://x.org/none">x</a>')
    (tmp_path / "b.html").write_text('<p id="there"></p><a href="a.html">a</a>')
    assert list(docs.broken(tmp_path)) == []
    (tmp_path / "b.html").write_text('<a href="gone.html">gone</a><a href="a.html#nowhere">a</a>')
    assert sorted(docs.broken(tmp_path)) == ["a.html: b.html#there", "b.html: a.html#nowhere", "b.html: gone.html"]
    assert list(docs.heavy(tmp_path)) == []
    (tmp_path / "c.html").write_bytes(bytes(docs.HEAVIEST + 1))
    assert list(docs.heavy(tmp_path)) == ["c.html: 1.0 MB"]


def test_what_opens_in_colab_installs_itself_first():
    found = {}
    for path in (ROOT / "nbs").rglob("*.ipynb"):
        code = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        name = docs.page(path.relative_to(ROOT / "nbs"))
        found[name] = bool(code) and "COLAB_RELEASE_TAG" in "".join(code[0]["source"])
    assert {name for name, there in found.items() if there} == set(docs.COLAB)
    assert docs.badge("09_polar.ipynb", "polar", HOME) == "[Open in Colab](https://colab.research.google.com/github/echo17/echo17/blob/main/nbs/09_polar.ipynb)\n\n"
    assert docs.badge("05_pitch.ipynb", "pitch", HOME) == ""


def test_notebooks_are_light():
    large = {path.stem: path.stat().st_size for path in (ROOT / "nbs").rglob("*.ipynb") if path.stat().st_size > 300_000 and not path.name.startswith(".")}
    assert set(large) <= {"08_figures"}, large  # every picture of the project, already in few colours
