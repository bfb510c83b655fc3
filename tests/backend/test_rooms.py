"""Imports between the backend's modules, and between its rooms, go one way, including imports inside functions."""

import ast
import pathlib

import pytest

from minigrad import backend

ROOT = pathlib.Path(backend.__file__).parent
FILES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")}
MODULES = {name.removesuffix("__init__").removesuffix("."): path for name, path in FILES.items() if name != "__init__"}
STAYS_UNLOADED = {  # modules that `import minigrad` does not load, and why
    "cpu.accelerators": "its modules import Numba", "cpu.code_cache": "it imports pickle and tempfile", "numba": "takes half a second",
    "llvmlite": "comes with Numba", "cupy": "takes a second", "threadpoolctl": "is for large products only",
}


def imports(name):
    """Yield (name of an imported module, below the backend or outside; whether the import stands in a function)."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text())
    inner = {node for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.Lambda) for node in ast.walk(f)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from [(alias.name, node in inner) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module, node in inner
        elif isinstance(node, ast.ImportFrom):
            above = package[:len(package) + 1 - node.level]
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                submodule = f"{base}.{alias.name}".strip(".")
                yield submodule if submodule in MODULES else base, node in inner


IMPORTS = {name: set(imports(name)) for name in MODULES}


def circles(graph):
    """Return the sets of nodes that reach each other."""
    def reach(node):
        found, new = set(), {node}
        while new:
            found |= new
            new = {m for n in new for m in graph[n]} - found
        return found

    reached = {node: reach(node) - {node} for node in graph}
    return {tuple(sorted({node} | {m for m in reached[node] if node in reached[m]})) for node in graph
            if any(node in reached[m] for m in reached[node])}


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {("a", "b", "c")}
    assert ("fuse.loops", False) in IMPORTS["fuse.decorator"] and any(late for _, late in IMPORTS["cpu.threads"])


def test_modules_import_one_way():
    assert circles({name: {other for other, _ in found if other in MODULES} for name, found in IMPORTS.items()}) == set()


def test_rooms_import_one_way():
    """A room is a folder, or a module that stands beside the folders."""
    rooms = {}
    for name, found in IMPORTS.items():
        room = name.split(".")[0]
        rooms.setdefault(room, set()).update(other.split(".")[0] for other, _ in found if other in MODULES)
    assert circles({room: others - {room} for room, others in rooms.items()}) == set()


@pytest.mark.parametrize("name", MODULES)
def test_imports_in_functions_are_of_what_stays_unloaded(name):
    for other, late in IMPORTS[name]:
        assert not late or any(other == kept or other.startswith(f"{kept}.") for kept in STAYS_UNLOADED), f"{name} imports {other}"
