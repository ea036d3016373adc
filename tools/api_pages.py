"""Pages of the API, read from the modules' text: nothing is imported, and what stands on a page is what stands in the code."""
import ast
import re
from html import escape
from pathlib import Path

KINDS = (ast.FunctionDef, ast.ClassDef)


def signature(node, lines):
    "The head of a function or class as it is written: names, types, and the comment beside each."
    end = node.body[0].lineno - 1
    return "\n".join(lines[node.lineno - 1:end]).rstrip() if end > node.lineno else lines[node.lineno - 1].strip()


def method_lines(node, lines):
    "A line for each public method, and for what makes a class."
    for method in node.body:
        if not isinstance(method, ast.FunctionDef) or (method.name.startswith("_") and method.name != "__init__"): continue
        said = ast.get_docstring(method)
        yield f"```python\n{signature(method, lines)}\n```\n" + (f"\n{said}\n" if said else "")


def fields(node, lines):
    "The fields of a dataclass with their comments."
    own = [lines[part.lineno - 1].strip() for part in node.body if isinstance(part, ast.AnnAssign)]
    return "```python\n" + "\n".join(own) + "\n```\n" if own else ""


def _whole(code):
    "Code as one block of HTML: in markdown an empty line would end it."
    return re.sub(r"\n(?=\n)", "\n&nbsp;", escape(code))


def entry(node, lines, source):
    "One name: signature, what it says, fields and methods, and its source to unfold."
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    code = "\n".join(lines[first - 1:node.end_lineno])
    parts = [f"## {node.name}\n", f"```python\n{signature(node, lines)}\n```\n", (ast.get_docstring(node) or "") + "\n"]
    if isinstance(node, ast.ClassDef): parts += [fields(node, lines), *method_lines(node, lines)]
    parts.append(f'<details><summary>source</summary><pre><code>{_whole(code)}</code></pre></details>\n\n[in the repository]({source}#L{first}-L{node.end_lineno})\n')
    return "\n".join(parts)


def module_page(path, package, home, notebook):
    "The page of a module as markdown; None where it has no public names."
    text = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    name = ".".join(path.relative_to(package.parent).with_suffix("").parts)
    public = [node for node in tree.body if isinstance(node, KINDS) and not node.name.startswith("_")]
    if not public: return name, None
    source = f"{home}/blob/main/{path.relative_to(package.parent).as_posix()}"
    about = f"# {name}\n\n{ast.get_docstring(tree) or ''}\n\n" + (f"Explained and tested in the notebook [{Path(notebook).stem}]({notebook}).\n\n" if notebook else "")
    return name, about + "\n".join(entry(node, lines, source) for node in public)


def first_line(text):
    "What a module says of itself."
    found = re.search(r"^# \S+\n\n([^\n]+)", text)
    return found[1] if found else ""


def api_pages(package, home, notebooks):
    "Name of each page to its markdown; `notebooks`: names of the site's pages, to link to."
    pages = {}
    for path in sorted(Path(package).rglob("*.py")):
        if path.stem.startswith("_"): continue
        room = ".".join(path.relative_to(package).with_suffix("").parts)
        page = room.replace(".", "/")
        name, text = module_page(path, Path(package), home, f"../{page}.md" if page in notebooks else "")
        if text: pages[f"api/{room}"] = text
    rows = [f"| [{name.removeprefix('api/')}]({name.removeprefix('api/')}.md) | {first_line(text)} |" for name, text in pages.items()]
    head = "# API\n\nEvery public function and class, by module: its types, its units, its source.\n\n| module | about |\n|---|---|\n"
    return pages | {"api/index": head + "\n".join(rows) + "\n"}
