"""Imports go one way, the engine names no array library, and importing minigrad is light."""

import ast
import os
import pathlib
import subprocess
import sys

import minigrad as mg

PACKAGE = pathlib.Path(mg.__file__).parent
ARRAY_LIBRARIES = {"numpy", "cupy", "cupyx", "numba", "torch", "scipy", "jax"}
TENSOR = {"_tensor", "copies", "functions", "printing", "cuda", "linalg", "old_types", "serialization", "settings", "unknown_names"}
CORE = {"backend", "autograd", "ops"}
BELOW = {"backend": set(), "autograd": {"backend"}, "ops": {"backend", "autograd"}, "experiments": {*CORE, *TENSOR, "nn", "optim", "data"}}
BELOW |= dict.fromkeys((*TENSOR, "nn", "optim", "data", "utils", "backends"), frozenset(CORE | TENSOR))
BELOW["utils"] |= {"data"}
BELOW["testing"] = BELOW["inspect"] = {*CORE, *TENSOR, "nn"}
BELOW["lessons"] = {*CORE, *TENSOR, "nn", "optim", "data", "testing", "inspect"}
BELOW["experiments"] |= {"inspect"}
BELOW["cli"] = {*BELOW}


def absolute(node, package):
    """Return the module that `from … import …` names, in a file of this package."""
    above = package[:len(package) - node.level + 1] if node.level else ()
    return ".".join([*above, *([node.module] if node.module else [])])


class WithoutTypes(ast.NodeTransformer):
    """A transformer that removes the bodies of `if TYPE_CHECKING`, whose imports are never run."""

    def visit_If(self, node):
        self.generic_visit(node)
        return node.orelse if ast.unparse(node.test) == "TYPE_CHECKING" else node


def modules():
    """Yield (path below the package, part of the package, absolute names of all modules it imports)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        found = []
        for node in ast.walk(WithoutTypes().visit(ast.parse(path.read_text()))):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = absolute(node, ("minigrad", *name.parts[:-1]))
                found += [base, *[f"{base}.{alias.name}" for alias in node.names]]
        yield str(name), name.parts[0].removesuffix(".py"), found


MODULES = list(modules())


def test_only_the_backend_names_cupy_and_numba():
    for name, part, imports in MODULES:
        roots = {i.split(".")[0] for i in imports}
        if part != "backend":
            allowed = {"minigrad.cli.doctor"}  # it looks whether they are installed
            assert not roots & {"cupy", "cupyx", "numba"} or f"minigrad.{name[:-3].replace('/', '.')}" in allowed, name
        peers = {"torch", "jax"} - {pathlib.Path(name).stem.removeprefix("of_")}  # testing/subjects/of_torch.py checks functions of PyTorch
        assert not roots & peers, name


def test_engine_ops_tensor_nn_and_optim_import_no_array_library():
    for name, part, imports in MODULES:
        if part in {"autograd", "ops", "nn", "optim", "__init__", *TENSOR} - {"serialization", "settings"}:
            assert not {i.split(".")[0] for i in imports} & ARRAY_LIBRARIES, name


def test_imports_go_one_way():
    """backend ← autograd ← ops ← tensor ← nn ← experiments ← cli; optim and data need the tensor and what is below it."""
    for name, part, imports in MODULES:
        if part not in ("__init__", "__main__"):
            assert part in BELOW, f"{name}: say here what it may import"
            parts = {i.split(".")[1] for i in imports if i.startswith("minigrad.")} & set(BELOW)
            if name == "autograd/__init__.py":
                parts -= {"testing", "inspect"}  # PyTorch's names for the checks, which are imported when they are asked for
            assert parts <= BELOW[part] | {part}, f"{name} imports {sorted(parts - BELOW[part])}"


def test_import_is_light(tmp_path):
    """It takes NumPy's time and at most 50 ms more, in the best of several tries, and imports nothing heavy.

    NumPy's own import takes some 75 ms where this was measured; where it takes longer, the limit grows with it.
    """
    program = ("import sys, time\nbegin = time.process_time()\nimport numpy\nstart = time.process_time()\nimport minigrad\n"
               "spent = (time.process_time() - start) / max(1, (start - begin) / 0.075)\n"
               "heavy = {'cupy', 'numba', 'torch', 'matplotlib', 'tqdm', 'safetensors', 'argparse', 'PIL', 'scipy', 'threadpoolctl'}\n"
               "print(sorted(heavy & set(sys.modules)), spent)")
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    tries = []
    for _ in range(12):  # the first try compiles
        out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env).stdout
        loaded, spent = out.rsplit(" ", 1)
        assert loaded == "[]"
        tries.append(float(spent))
        if tries[-1] < 0.05:
            break
    assert min(tries) < 0.05, f"import minigrad takes {min(tries) * 1000:.0f} ms beyond NumPy's, if that takes 75 ms"


def test_drawing_numbers_loads_no_compiler():
    """Importing Numba would delay a program's first large tensor by half a second."""
    program = "import sys\nimport minigrad as mg\nmg.rand(300, 300).uniform_(-1, 1)\nprint('numba' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env).stdout == "False\n"


def test_no_python_code_runs_when_memory_is_freed():
    """Python drops an exception that a signal handler raises in a finalizer or in a weak reference's callback, so Ctrl-C would be lost."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.name] if isinstance(node, ast.FunctionDef) else [node.attr] if isinstance(node, ast.Attribute) else []
            assert not {"__del__", "WeakValueDictionary", "WeakKeyDictionary", "WeakSet", "finalize"} & set(names), path
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "weakref.ref":
                assert len(node.args) == 1, f"{path}: a weak reference with a callback"
