"""Everything that must hold before work is taken: prints one line a check and closes with an honest count.

The checks: notebooks are clean and exported in sync, README.md matches its notebook, pyflakes finds nothing, every module imports
alone in a fresh process, every notebook runs, and what stands under tests/ passes.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HIDDEN = ".ipynb_checkpoints"


def files_below(folder, pattern):
    "Paths below `folder`, in subfolders too, relative to it."
    return sorted(p.relative_to(folder) for p in Path(folder).rglob(pattern) if HIDDEN not in p.parts)


NOTEBOOKS = [p.as_posix() for p in files_below(ROOT / "nbs", "*.ipynb")]
MODULES = [".".join(p.with_suffix("").parts) for p in files_below(ROOT / "echo17", "*.py") if not p.stem.startswith("_")]


def run(*command, cwd=ROOT, quiet=True):
    "Run a command; returns (ok, output)."
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=quiet, text=True)
    return done.returncode == 0, ((done.stdout or "") + (done.stderr or "")).strip()


def copy_tree(target):
    "A copy of what export reads and writes, so that checking never changes the checkout."
    for name in ("nbs", "echo17", "settings.ini", "setup.py", "pyproject.toml", "README.md"):
        source = ROOT / name
        if source.is_dir(): shutil.copytree(source, Path(target) / name, ignore=shutil.ignore_patterns("__pycache__"))
        else: shutil.copy2(source, Path(target) / name)


def differences(target, folder, pattern):
    "Files of `folder` that are not the same in the copy as in the checkout."
    here, there = ROOT / folder, Path(target) / folder
    def same(name):
        "Whether both sides have the file, with the same bytes."
        return (here / name).exists() and (there / name).exists() and (here / name).read_bytes() == (there / name).read_bytes()
    return sorted(str(name) for name in {*files_below(here, pattern), *files_below(there, pattern)} if not same(name))


def check_clean():
    "nbdev_clean leaves every notebook as it is."
    with tempfile.TemporaryDirectory() as target:
        copy_tree(target)
        ok, output = run("nbdev_clean", cwd=target)
        changed = differences(target, "nbs", "*.ipynb")
        return ok and not changed, output if not ok else f"not clean: {', '.join(changed)}"


def check_export():
    "Exporting the notebooks gives exactly the modules in the checkout, stale ones included."
    with tempfile.TemporaryDirectory() as target:
        copy_tree(target)
        for module in (Path(target) / "echo17").rglob("*.py"):
            if module.name != "__init__.py": module.unlink()  # no notebook makes these
        ok, output = run("nbdev_export", cwd=target)
        changed = differences(target, "echo17", "*.py")
        return ok and not changed, output if not ok else f"out of sync: {', '.join(changed)}"


def check_readme():
    "README.md is what its notebook says."
    return run(sys.executable, "tools/readme.py", "--chk")


def check_pyflakes():
    "No name is undefined, no import unused."
    return run(sys.executable, "-m", "pyflakes", "echo17", "tools", *(["tests"] if (ROOT / "tests").exists() else []))


def check_import(module):
    "Alone, in a fresh process, away from the checkout."
    with tempfile.TemporaryDirectory() as elsewhere:
        return run(sys.executable, "-c", f"import echo17.{module}", cwd=elsewhere)


def check_notebook(name):
    "Every cell runs."
    return run("nbdev_test", "--path", f"nbs/{name}", "--n_workers", "1", "--do_print")


def check_pytest():
    "Counts come from pytest's own closing line."
    ok, output = run(sys.executable, "-m", "pytest", "-q", "tests")
    last = output.splitlines()[-1]
    passed, failed = (sum(map(int, re.findall(rf"(\d+) {word}", last))) for word in ("passed", "(?:failed|error)"))
    return passed, failed, output


def main():
    checks = [("notebooks are clean", check_clean), ("package is in sync", check_export),
              ("README is up to date", check_readme), ("pyflakes", check_pyflakes)]
    checks += [(f"import echo17.{m}", lambda m=m: check_import(m)) for m in MODULES]
    checks += [(f"nbs/{n}", lambda n=n: check_notebook(n)) for n in NOTEBOOKS]
    passed = failed = 0
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        tests = pool.submit(check_pytest) if (ROOT / "tests").exists() else None  # the longest check begins first
        for (name, _), result in zip(checks, [pool.submit(check) for _, check in checks]):
            ok, output = result.result()
            passed, failed = passed + ok, failed + (not ok)
            print(f"{'ok    ' if ok else 'FAILED'} {name}", flush=True)
            if not ok: print(output, flush=True)
    if tests is not None:
        ok, bad, output = tests.result()
        passed, failed = passed + ok, failed + bad
        print(output, flush=True)
        if not ok and not bad: failed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
