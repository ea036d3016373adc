"""The first cell of a notebook that opens in Colab, run in an environment that has nothing but Python, and then the notebook itself.

`python tools/try_colab.py nbs/quickstart.ipynb`. The cell fetches echo17 from its repository; here git is told that this checkout is that repository, so
what is tried is what is committed. `--venv FOLDER` takes an environment that is there, as Colab has torch already.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def install_lines(notebook):
    "The shell lines of the first code cell, and where they fetch from."
    code = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    lines = [line[1:] for line in "".join(code[0]["source"]).splitlines() if line.startswith("!")]
    if not lines or "COLAB_RELEASE_TAG" not in lines[0]: sys.exit(f"{notebook}: its first cell installs nothing on Colab")
    return lines, re.search(r"https://\S+", lines[0])[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--repository", default=str(ROOT), help="that stands for the one on the web (default: this checkout)")
    args = parser.parse_args()
    lines, address = install_lines(args.notebook)
    with tempfile.TemporaryDirectory() as home:
        venv = args.venv.resolve() if args.venv else Path(home) / "venv"
        if not args.venv: subprocess.run([args.python, "-m", "venv", venv], check=True)
        away = Path(home) / "content"
        away.mkdir()
        environment = os.environ | dict(
            PATH=f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}", COLAB_RELEASE_TAG="here", TMPDIR=home, MPLBACKEND="Agg",
            GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0=f"url.file://{args.repository}.insteadOf", GIT_CONFIG_VALUE_0=address)
        for line in lines:
            line = line.replace("/tmp/", f"{home}/")  # two tries at a time must not meet
            print("+", line.split("|| ")[-1], flush=True)
            subprocess.run(["bash", "-c", line], check=True, cwd=away, env=environment)
        subprocess.run([venv / "bin" / "pip", "install", "--quiet", "ipython", "nbformat"], check=True)
        source = json.loads(args.notebook.read_text(encoding="utf-8"))
        source["cells"] = [cell for cell in source["cells"] if "COLAB_RELEASE_TAG" not in "".join(cell["source"]) and "nbdev" not in "".join(cell["source"])]
        (away / "notebook.ipynb").write_text(json.dumps(source), encoding="utf-8")
        done = subprocess.run([venv / "bin" / "ipython", "--no-banner", "--colors=NoColor", "notebook.ipynb"], cwd=away, env=environment)
        sys.exit(done.returncode or print(f"{args.notebook.name}: installed by its first cell, and every cell runs"))


if __name__ == "__main__":
    main()
