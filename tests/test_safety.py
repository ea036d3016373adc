"""Safe to load: nothing that comes from a file is ever run."""
import ast
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

import echo17
from echo17.checkpoints import CheckpointError, _digests, restore, save_checkpoint
from echo17.creative.stories import read_contours
from echo17.errors import EchoError
from echo17.inference import MODEL_FILES, load_model

sys.path.insert(0, str(Path(__file__).parent))
from fuzz import small_run  # noqa: E402

FORBIDDEN = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def dangers(code):
    "What in a module's code could run what it reads: `line: what`."
    found = []
    for node in ast.walk(ast.parse(code)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [f"{node.lineno}: {name}" for name in names if name.split(".")[0] in FORBIDDEN]
        if not isinstance(node, ast.Call): continue
        called, how = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        bad = called in ("eval", "exec", "pd.read_pickle", "yaml.load") or called == "torch.load" and how.get("weights_only") != "True" or how.get("allow_pickle", "False") != "False"
        if bad: found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def test_no_module_can_run_what_it_reads():
    for bad in ("import pickle", "from joblib import load", "torch.load(f)", "torch.load(f, weights_only=False)", "np.load(f, allow_pickle=True)", "eval(text)"): assert dangers(bad), bad
    assert not dangers("torch.load(f, weights_only=True); np.load(f); model.eval()")
    modules = sorted(Path(echo17.__file__).parent.rglob("*.py"))
    assert len(modules) > 45
    assert {str(path): found for path in modules if (found := dangers(path.read_text(encoding="utf-8")))} == {}


class Bomb:
    "Unpickled, it makes a file."
    def __init__(self, mark): self.mark = mark
    def __reduce__(self): return Path.touch, (self.mark,)


def test_a_pickle_in_the_place_of_any_file_is_refused_and_not_run(tmp_path):
    mark, folder = tmp_path / "mark", tmp_path / "last"
    bomb = pickle.dumps(Bomb(mark))
    pickle.loads(bomb); mark.unlink()  # it would
    run = small_run(tmp_path)()
    save_checkpoint(run, folder)
    for name in sorted(p.name for p in folder.iterdir()):
        whole, sums = (folder / name).read_bytes(), (folder / "checksums.json").read_bytes()
        (folder / name).write_bytes(bomb)
        if name != "checksums.json": (folder / "checksums.json").write_text(json.dumps(_digests(folder)))  # the checksums are made to fit
        with pytest.raises(CheckpointError, match=str(folder)): restore(run, folder)
        if name in MODEL_FILES:
            with pytest.raises(EchoError, match=name): load_model(folder)
        (folder / name).write_bytes(whole); (folder / "checksums.json").write_bytes(sums)
    restore(run, folder)  # guard: it was only for the pickles
    (tmp_path / "stories").mkdir()
    np.savez(tmp_path / "stories" / "f0.npz", clip=np.array([Bomb(mark)], dtype=object))
    with pytest.raises(ValueError): read_contours(tmp_path / "stories")
    assert not mark.exists()
