"""What goes into a wheel, without building an environment: `python tools/try_wheel.py` does that."""
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def settings(): return dict(re.findall(r"^(\w+) = (.+)$", (ROOT / "settings.ini").read_text(encoding="utf-8"), re.M))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    "Wheel and source distribution of a copy, with the setuptools that is installed here."
    home = tmp_path_factory.mktemp("wheel")
    copy, out = home / "copy", home / "dist"
    (copy / "data").mkdir(parents=True)
    for name in ("echo17", "data/models", "data/sounds"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("settings.ini", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md"):
        shutil.copy2(ROOT / name, copy)
    code = "import sys; from setuptools import build_meta as b; out = sys.argv[1]; b.build_sdist(out); b.build_wheel(out)"
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return {path.suffix: path for path in out.iterdir()}


def test_a_wheel_holds_what_comes_along_and_no_more(built):
    names = zipfile.ZipFile(built[".whl"]).namelist()
    inside = {name for name in names if not name.endswith(".py") and ".dist-info/" not in name}
    here = {f"echo17/_data/{path.relative_to(ROOT / 'data').as_posix()}" for folder in ("models", "sounds")
            for path in (ROOT / "data" / folder).rglob("*") if path.is_file()}
    assert inside == here | {"echo17/py.typed"}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "echo17").rglob("*.py")}
    assert modules <= set(names) and built[".whl"].stat().st_size < 20e6
    assert any(name.endswith("LICENSE") for name in names)


def test_the_source_holds_what_builds_it(built):
    names = {name.split("/", 1)[1] for name in tarfile.open(built[".gz"]).getnames() if "/" in name}
    assert {"settings.ini", "setup.py", "pyproject.toml", "README.md", "LICENSE", "echo17/py.typed", "data/models/stories/model.safetensors",
            "data/sounds/printing.ogg", "CITATION.cff"} <= names


def test_what_is_stated_is_one_and_has_reasons():
    stated = settings()
    assert f"version: {stated['version']}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {stated['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    upper = re.findall(r"([\w.-]+?)(?:>=[\w.]+,)?<[\d.]+", stated["requirements"])
    assert set(upper) == {"torch", "torchaudio"}  # both have their reason beside them in settings.ini
