"""The order of the house: which room may use which, how long a thought may be, and that nothing is skipped."""
import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WINGS = ("data", "creative", "research", "pretrained", "page")
LONGEST_CELL, WIDEST_LINE, MOST_ARGUMENTS, LONGEST_MODULE = 40, 120, 8, 450
COMMANDS = ("commands", "cli")  # they stand above all, and load the others only when a command runs
TORCH_ALONE = ("contour", "frequencies", "rotary", "polar", "attention")  # pieces for anybody


def notebooks(folder=""):
    "The numbered notebooks of one folder, in their order."
    return sorted((ROOT / "nbs" / folder).glob("[0-9]*.ipynb"))


def cells(path, kind="code"):
    "The sources of a notebook's cells."
    return ["".join(c["source"]) for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def module_of(path):
    "The module that a notebook exports, or None."
    return next((m[1] for source in cells(path) if (m := re.match(r"#\|\s*default_exp (\S+)", source))), None)


def exported(path):
    "The export cells of a notebook."
    return [source for source in cells(path) if re.match(r"#\|\s*exports?\b", source)]


def rooms_of(folder=""):
    "The modules that the notebooks of one folder export, in their order."
    return [module for path in notebooks(folder) if (module := module_of(path))]


def order():
    "Every module, each after what it may import: data stands between the model and what uses it."
    flat, (data, *others) = rooms_of(), map(rooms_of, WINGS)
    cut = flat.index("model") + 1
    assert flat[-2:] == list(COMMANDS)
    return [*flat[:cut], *data, *flat[cut:-2], *(room for wing in others for room in wing), *COMMANDS]


def code_of(module): return (ROOT / "echo17" / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")


def own_imports(code, module, inside=True):
    "The modules of echo17 that a module's code imports; `inside`: within functions too."
    tree, home = ast.parse(code), module.split(".")[:-1]
    for node in ast.walk(tree) if inside else tree.body:
        if isinstance(node, ast.Import): yield from (a.name[7:] for a in node.names if a.name.startswith("echo17."))
        if not isinstance(node, ast.ImportFrom): continue
        if node.level and (name := ".".join(filter(None, [*home[:len(home) - node.level + 1], node.module]))): yield name
        elif not node.level and node.module.startswith("echo17."): yield node.module[7:]


def outside_imports(code):
    "The top-level names of what a module's code imports from others, at its top."
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import): yield from (a.name.split(".")[0] for a in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level: yield node.module.split(".")[0]


def upward(code, module, rooms):
    "What a module imports that does not stand before it."
    allowed = set(rooms[:rooms.index(module)])
    return [name for name in own_imports(code, module) if name not in allowed]


def test_every_file_below_the_package_is_a_room():
    found = {".".join(p.relative_to(ROOT / "echo17").with_suffix("").parts) for p in (ROOT / "echo17").rglob("*.py") if not p.stem.startswith("_")}
    assert found == set(order()) and len(order()) == len(set(order())) > 45


@pytest.mark.parametrize("folder", ["", *WINGS])
def test_numbers_run_without_gap_or_letter(folder):
    names = [p.stem for p in notebooks(folder)]
    assert [name[:3] for name in names] == [f"{i:02d}_" for i in range(len(names))]
    for path in notebooks(folder):
        module = module_of(path)
        assert module is None or module == ".".join(filter(None, [folder, path.stem[3:]])), path
    unnumbered = {p.stem for p in (ROOT / "nbs" / folder).glob("*.ipynb")} - set(names)
    assert unnumbered == (set() if folder else {"index", "quickstart", "claims", "imagination"})


def test_imports_run_downward():
    rooms = order()
    assert upward("from .inference import Echo", "model", rooms) == ["inference"]          # the check can fail,
    assert upward("def f():\n    from echo17.cli import main", "runs", rooms) == ["cli"]      # inside functions as well
    assert {m: up for m in rooms if (up := upward(code_of(m), m, rooms))} == {}


def test_wings_are_used_by_no_room_of_the_recogniser():
    flat = [m for m in order() if "." not in m]
    for module in flat:
        top = set(own_imports(code_of(module), module, inside=False))
        every = top if module in COMMANDS else set(own_imports(code_of(module), module))
        assert not {name for name in every if name.startswith(("creative.", "research.", "pretrained.", "page."))}, module
    before = flat[:flat.index("model") + 1]
    assert {m for m in before if any(name.startswith("data.") for name in own_imports(code_of(m), m))} == set()
    assert set(own_imports(code_of("commands"), "commands", inside=False)) == set()
    assert set(own_imports(code_of("cli"), "cli", inside=False)) == {"commands"}


def test_pieces_for_anybody_need_torch_alone():
    for module in TORCH_ALONE:
        code = code_of(module)
        assert {n for n in outside_imports(code) if n not in sys.stdlib_module_names} <= {"torch"}, module
        assert set(own_imports(code, module)) <= {*TORCH_ALONE, "errors"}, module
    assert {n for n in outside_imports(code_of("maxfactor")) if n not in sys.stdlib_module_names} == {"torch"}
    assert set(own_imports(code_of("maxfactor"), "maxfactor")) == set()


@pytest.mark.parametrize("module", ["rotary", "polar", "attention"])
def test_pieces_load_nothing_else(module):
    code = ("import sys, torch; before = {*sys.modules}\n"
            f"import echo17.{module}\n"
            "print(*sorted({name.partition('.')[0] for name in {*sys.modules} - before} - {*sys.stdlib_module_names} - {'torch'}))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["echo17"]


def arguments(function):
    "How many a caller may give."
    a = function.args
    return len([x for x in (*a.posonlyargs, *a.args, *a.kwonlyargs) if x.arg not in ("self", "cls")])


def too_much(source):
    "What is too long in an export cell."
    lines = source.split("\n")
    if len(lines) > LONGEST_CELL: yield f"{len(lines)} lines"
    yield from (f"{len(line)} characters: {line.strip()[:50]}" for line in lines if len(line) > WIDEST_LINE)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and arguments(node) > MOST_ARGUMENTS:
            yield f"{node.name} has {arguments(node)} arguments"


def test_cells_lines_and_signatures_are_short():
    many = f"def f({', '.join('abcdefghi')}): pass"
    assert list(too_much(many)) == ["f has 9 arguments"] and list(too_much("x = 1\n" * 40)) == ["41 lines"] and list(too_much("#" * 121))
    paths = [p for folder in ("", *WINGS) for p in notebooks(folder)]
    found = {f"{p.stem}: {wrong}" for p in paths for source in exported(p) for wrong in too_much(source)}
    assert found == set()


def test_modules_are_short():
    assert {m: n for m in order() if (n := len(code_of(m).splitlines())) >= LONGEST_MODULE} == {}


def test_a_public_name_is_defined_once():
    places = defaultdict(set)
    for folder in ("", *WINGS):
        for path in notebooks(folder):
            for source in exported(path):
                for node in ast.parse(source).body:
                    names = [node.name] if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else \
                            [t.id for t in node.targets if isinstance(t, ast.Name)] if isinstance(node, ast.Assign) else []
                    for name in names:
                        if not name.startswith("_"): places[name].add(module_of(path))
    assert len(places) > 300
    assert {name: sorted(where) for name, where in places.items() if len(where) > 1} == {}


def test_public_definitions_say_what_they_are():
    bare = []
    for folder in ("", *WINGS):
        for path in notebooks(folder):
            for source in exported(path):
                bare += [f"{path.stem}: {n.name}" for n in ast.parse(source).body
                         if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_") and not ast.get_docstring(n)]
    assert bare == []


def test_public_methods_of_public_classes_say_what_they_do():
    bare, seen = [], 0
    for folder in ("", *WINGS):
        for path in notebooks(folder):
            for source in exported(path):
                classes = [n for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
                for name, method in ((c.name, m) for c in classes for m in c.body if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef))):
                    if method.name.startswith("_"): continue
                    seen += 1
                    if not ast.get_docstring(method): bare.append(f"{path.stem}: {name}.{method.name}")
    assert bare == [] and seen > 150


def test_links_between_notebooks_lead_somewhere():
    paths = [p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    assert len(paths) > 50
    texts = {p: "\n".join(cells(p, "markdown") + cells(p)) for p in paths} | {p: p.read_text(encoding="utf-8") for p in [ROOT / "README.md", *(ROOT / "data").rglob("*.md")]}
    links = [(path, target) for path, text in texts.items() for target in re.findall(r"\]\((?!\w+:)([^)#\s{]+)", text) if re.fullmatch(r"[\w./-]+\.(?:ipynb|md|png|py)", target)]
    assert len(links) > 100
    assert [f"{path.relative_to(ROOT)}: {target}" for path, target in links if not (path.parent / target).exists()] == []


def test_imports_stand_in_cells_of_their_own():
    "README and site run every cell that holds an import, and nothing else."
    mixed = []
    for path in (p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts):
        for source in cells(path):
            body = ast.parse(re.sub(r"^[#%!].*$", "", source, flags=re.M)).body
            imports = [n for n in body if isinstance(n, (ast.Import, ast.ImportFrom))]
            if imports and len(imports) < len(body) and "nbdev_export()" not in source: mixed.append(f"{path.stem}: {source[:60]}")
    assert mixed == []
