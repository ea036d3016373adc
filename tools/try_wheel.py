"""The built wheel (and then the source distribution) in a bare environment, away from the repository: what anybody gets who installs echo17.

`python tools/try_wheel.py dist --torch 2.6.0 --python python3.10`; the environment is made in a temporary folder and removed. Nothing but Python is needed.
"""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORTS = """
import importlib, pkgutil
import echo17, torch, torchaudio
from pathlib import Path
print("Python", __import__("platform").python_version(), "torch", torch.__version__, "torchaudio", torchaudio.__version__, "echo17", echo17.__version__)
home = Path(echo17.__file__).resolve().parent
assert (home / "py.typed").is_file() and (home / "_data" / "models" / "stories").is_dir(), home
names = [m.name for m in pkgutil.walk_packages(echo17.__path__, "echo17.") if not m.name.endswith("_modidx")]
for name in names: importlib.import_module(name)
print(len(names), "modules import")
from echo17.files import comes_along
from echo17.inference import Echo
story = comes_along("sounds", "story.ogg")
text = Echo.from_pretrained().transcribe(story).text
assert text == "one joyful evening a cheerful horse jumped to the castle", text
print("heard:", text)
"""
COMMANDS = (["info"], ["transcribe", "STORY", "--json"], ["pitch", "STORY", "--csv", "pitch.csv"], ["imagine", "STORY", "--task", "verse"],
            ["mood", "STORY"], ["inspect", "STORY", "--plot", "seen.png"], ["train", "--help"], ["page", "--help"])
REFUSED = {("page",): "the page needs gradio", ("demo",): "belong to a checkout"}  # what a bare install lacks says so in a sentence


def run(*command, cwd=None, expect=0):
    "Run a command; its output, or the end of everything."
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "ECHO17_DATA")}
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, env=environment | dict(PYTHONUTF8="1", MPLBACKEND="Agg"))
    if done.returncode != expect: sys.exit(f"{' '.join(map(str, command[-4:]))}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dist", type=Path)
    parser.add_argument("--torch", help="this version of torch and torchaudio; default: what pip chooses")
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    wheel, source = (next(args.dist.resolve().glob(f"*.{end}")) for end in ("whl", "tar.gz"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) if sys.version_info >= (3, 10) else tempfile.TemporaryDirectory() as home:
        run(args.python, "-m", "venv", Path(home) / "venv")
        scripts = Path(home) / "venv" / ("Scripts" if os.name == "nt" else "bin")
        away, python, echo17 = Path(home) / "away", scripts / "python", scripts / "echo17"
        away.mkdir()
        pair = [f"{name}=={args.torch}" for name in ("torch", "torchaudio")] if args.torch else []
        run(python, "-m", "pip", "install", "--quiet", wheel, *pair)
        run(python, "-m", "pip", "check")
        print(run(python, "-c", IMPORTS, cwd=away), end="")
        story = run(python, "-c", "from echo17.files import comes_along; print(comes_along('sounds', 'story.ogg'))", cwd=away).strip()
        for command in COMMANDS:
            said = run(echo17, *(story if word == "STORY" else word for word in command), cwd=away)
            print(f"echo17 {command[0]:<12}{said.strip().splitlines()[-1][:100]}")
        for command, words in REFUSED.items():
            said = run(echo17, *command, cwd=away, expect=2)
            assert words in said, said
            print(f"echo17 {command[0]:<12}{said.strip()[:100]}")
        run(python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", source)
        print("from the source:", run(python, "-c", IMPORTS, cwd=away).strip().splitlines()[-1])


if __name__ == "__main__":
    main()
