"""Four processes fill one feature cache at once: first each its shard, then all of them everything, in a cache of its own; one JSON line says what came of it."""
import contextlib
import io
import json
import os
import sys
from pathlib import Path

import torch

from echo17.cli import main as echo17
from echo17.data.synthetic import synthesize_corpus


def at_once(home, cache, shards):
    "What each process says it has made."
    children = []
    for shard in shards:
        reader, writer = os.pipe()
        if not (child := os.fork()):
            torch.set_num_threads(1); said = io.StringIO()
            with contextlib.redirect_stdout(said): status = echo17(["features", "--data", str(home / "syllables"), "--shard", shard, "--cache", str(cache), "--workers", "1"])
            os.write(writer, said.getvalue().encode()); os._exit(status)
        os.close(writer); children.append((child, reader))
    found = []
    for child, reader in children:
        said = os.read(reader, 4096).decode()
        assert os.waitpid(child, 0)[1] == 0, said
        found.append(int(said.split(": ")[1].split()[0]))
    return found


def content(cache): return {str(p.relative_to(cache)): p.read_bytes() for p in sorted(cache.rglob("*")) if p.is_file()}


def main():
    home = Path(sys.argv[1])
    synthesize_corpus(home / "syllables", 40)
    made = [at_once(home, home / "shared", [f"{i}/4" for i in (1, 2, 3, 4)])]
    at_once(home, home / "raced", ["1/1"] * 4)
    made.append(at_once(home, home / "shared", [f"{i}/4" for i in (1, 2, 3, 4)]))
    shared, raced = content(home / "shared"), content(home / "raced")
    print(json.dumps(dict(made=made, entries=len(shared), same=shared == raced, parts=sum(name.endswith(".part") for name in [*shared, *raced]))))


if __name__ == "__main__":
    main()
