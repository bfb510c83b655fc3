"""Compiled code: edited sources, damaged and full caches, odd environments, a broken Numba, arrays that compiled loops do not take."""

import hashlib
import os
import pickle
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.backend.cpu import code_cache, compiling, threads
from minigrad.backend.fuse import loops
from minigrad.backend.fuse.decorator import Fused, fuse
from minigrad.backend.fuse.source import read
from support.optional_tools import needs
from support.subprocesses import ROOT, succeed

numba = needs(compiling.numba() is not None, "needs the extra `fast`, which is not installed")

OPERATIONS = """
import minigrad as mg
x = mg.ones(300, 300)
assert (x + x).sum().item() == 180000
assert abs((x @ x).sum().item() - 27e6) < 30
assert abs(x.sigmoid().sum().item() - 65795.27) < 1
"""
ONE = """
import minigrad as mg
assert abs(mg.ones(300, 300).sigmoid().sum().item() - 65795.27) < 1
"""
COMPILED = OPERATIONS + """
from minigrad.backend.cpu import code_cache, compiling
assert compiling.numba() is not None
"""
KEPT = """
from minigrad.backend.cpu.code_cache import Cache
saved, save = [], Cache.save_overload
Cache.save_overload = lambda self, *args: saved.append(self.name) or save(self, *args)
""" + COMPILED + "print(*saved)"


# ---- the source


def test_a_source_that_is_edited_while_the_program_runs(tmp_path):
    """`relu` stays relu: its text is read at the import, and compared with what Python compiled."""
    shutil.copytree(ROOT / "minigrad", tmp_path / "minigrad", ignore=shutil.ignore_patterns("bundled", "__pycache__"))
    succeed("""
import sys
from pathlib import Path
import minigrad as mg
x = mg.linspace(-2, 2, 40000)
relu, sigmoid = x[:100].relu(), x[:100].sigmoid()
from minigrad.ops import activations
path = Path(activations.__file__)
assert path.is_relative_to(sys.argv[2])
lines = path.read_text().split("\\n")
lines[1:1] = ["# a line"] * int(sys.argv[1])
path.write_text("\\n".join(lines))
import linecache
linecache.checkcache()
assert (x.relu()[:100] == relu).all() and abs(x.sigmoid()[:100] - sigmoid).max() < 1e-6
assert abs(x.relu()[-1] - 2) < 1e-6
fused = [f for f in vars(activations).values() if hasattr(f, "body")]
assert fused and all(f.body is not None for f in fused)
""", 15, tmp_path, PYTHONPATH=tmp_path)


def double(x):
    """Return 2 x."""
    return 2 * x


def triple(x):
    """Return 3 x."""
    return 3 * x


LINES = Path(__file__).read_text().splitlines(keepends=True)


def test_a_text_that_is_not_what_runs_is_not_compiled():
    assert read(double, LINES).parameters == ["x"]
    first = double.__code__.co_firstlineno - 1
    moved = LINES[:first] + LINES[triple.__code__.co_firstlineno - 1:]
    other = [line.replace("return 2 * x", "return 5 * x") for line in LINES]
    for lines in (moved, other, LINES[:first], [], [*LINES[:first], "def double(x\n"], [*LINES[:first], "x = 1\n"]):
        with pytest.raises(OSError, match="double: its source"):
            read(double, lines)
    fused = Fused(double)
    fused.lines = moved
    x = np.ones(40000, np.float32)
    assert fused.body is None and (fused(x) == 2).all()


# ---- the cache


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder of compiled code, and what the process that compiled it printed."""
    folder = tmp_path_factory.mktemp("kept") / "cache"
    return folder, succeed(KEPT, MINIGRAD_CACHE=folder)


@numba
def test_compiled_code_is_kept_for_the_next_process(kept):
    folder, first = kept
    assert len(first.split()) == len(list(folder.iterdir())) >= 5
    assert succeed(KEPT, MINIGRAD_CACHE=folder) == ""


def damaged(data, how):
    """Return the bytes of a cache file after an accident."""
    middle = len(data) // 2
    if how in ("None", "tuple", "no pickle"):
        content = {"None": pickle.dumps(None), "tuple": pickle.dumps((1, 2)), "no pickle": b"no pickle"}[how]
        return hashlib.sha256(content).digest() + content
    return {"empty": b"", "cut": data[:middle], "flipped": data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1:],
            "another digest": b"\0" * 32 + data[32:], "short": data[:20], "text": "größer".encode("latin-1"), "longer": data + b"\0"}[how]


DAMAGES = ["empty", "cut", "flipped", "another digest", "short", "text", "longer", "None", "tuple", "no pickle"]


@numba
def test_damaged_files_are_compiled_anew_and_replaced(kept, tmp_path):
    shutil.copytree(kept[0], tmp_path, dirs_exist_ok=True)
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for (path, data), how in zip(whole.items(), DAMAGES, strict=False):
        path.write_bytes(damaged(data, how))
    assert len(succeed(KEPT, MINIGRAD_CACHE=tmp_path).split()) == min(len(whole), len(DAMAGES))
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in whole}
    assert succeed(KEPT, MINIGRAD_CACHE=tmp_path) == ""


def sum_up(x):
    """Return Σ x."""
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


@numba
@pytest.mark.parametrize("how", DAMAGES)
def test_any_damage_of_a_file_is_noticed(monkeypatch, tmp_path, how):
    """Also if the file's digest is right, but it is not what this Numba would write."""
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    saved, save = [], code_cache.Cache.save_overload
    monkeypatch.setattr(code_cache.Cache, "save_overload", lambda self, *args: saved.append(self.name) or save(self, *args))

    def compiles():
        before = len(saved)
        assert compiling.specialized(sum_up, "float64(float64[::1])", "sum_up", "text", {})(np.ones(10)) == 10
        return len(saved) > before

    assert compiles() and not compiles()
    path, = tmp_path.iterdir()
    path.write_bytes(damaged(path.read_bytes(), how))
    assert compiles() and not compiles() and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("kilobytes", [0, 16])
def test_a_disk_that_is_full(tmp_path, kilobytes):
    """A limit on the size of files makes writes fail as a full disk does: all of them, or those of files that are larger."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes * 1024},) * 2)\n{OPERATIONS}"
    succeed(limited, MINIGRAD_CACHE=tmp_path / "cache")
    assert not [path for path in tmp_path.rglob("tmp*") if path.is_file()]  # no half-written file stays


@pytest.mark.parametrize("obstacle", ["file", "folders", "pipes"])
def test_things_that_stand_in_the_way(tmp_path, obstacle):
    if obstacle == "file":
        (tmp_path / "cache").write_text("no folder")
    else:
        succeed(ONE, MINIGRAD_CACHE=tmp_path / "cache")
        for path in (tmp_path / "cache").iterdir():
            path.unlink()
            path.mkdir() if obstacle == "folders" else os.mkfifo(path)
    succeed(ONE, MINIGRAD_CACHE=tmp_path / "cache")


NOWHERE = [
    {"HOME": None}, {"HOME": ""}, {"HOME": "relative"}, {"XDG_CACHE_HOME": "relative", "HOME": None},
    {"MINIGRAD_CACHE": "relative", "HOME": None}, {"NUMBA_CACHE_DIR": "relative", "HOME": None}, {"HOME": "~"},
    {"HOME": "/dev/null"}, {"HOME": "/proc/nowhere"}]


@numba
@pytest.mark.parametrize("variables", NOWHERE)
def test_no_folder_appears_where_code_is_compiled(monkeypatch, tmp_path, variables):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # a user without an entry, and so without a home
    for name, value in {"MINIGRAD_CACHE": None, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None, **variables}.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    assert compiling.specialized(sum_up, "float64(float64[::1])", "sum_up", "text", {})(np.ones(10)) == 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variables", [{"HOME": None}, {"MINIGRAD_CACHE": "relative", "HOME": None}])
def test_no_folder_appears_where_the_program_runs(tmp_path, variables):
    program = f"import os; os.chdir({str(tmp_path)!r}); os.getuid = lambda: 54321\n{ONE}"
    succeed(program, **{"OMP_NUM_THREADS": 1, "MINIGRAD_CACHE": None, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None, **variables})
    assert list(tmp_path.iterdir()) == []


def test_where_compiled_code_is_kept(monkeypatch, tmp_path):
    for name in ("MINIGRAD_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    expected = [tmp_path / "home/.cache/minigrad"]
    for name, place in (("XDG_CACHE_HOME", "xdg/minigrad"), ("NUMBA_CACHE_DIR", "numba/minigrad"), ("MINIGRAD_CACHE", "own")):
        assert code_cache.folder() == expected[-1]
        monkeypatch.setenv(name, str(tmp_path / place.split("/")[0]))
        expected.append(tmp_path / place)
    assert code_cache.folder() == expected[-1]


@numba
def test_a_file_is_readable_by_its_owner_only(kept):
    """Since the next process runs the code in it."""
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept[0].iterdir()} == {0o600}


# ---- Numba


@pytest.mark.parametrize("text", ["raise ImportError", "raise RuntimeError('broken')", "raise SystemError", "1 / 0", "import nowhere",
                                  "class config:\n    DISABLE_JIT = 1"])
def test_a_numba_that_cannot_be_used_is_as_none(tmp_path, text):
    (tmp_path / "numba.py").write_text(text)
    succeed(OPERATIONS + "from minigrad.backend.cpu import compiling; assert compiling.numba() is None",
            PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")


def test_an_operation_while_numba_is_being_imported(tmp_path):
    """An extension of Numba may compute while it is imported, and Numba may wait for it."""
    (tmp_path / "numba.py").write_text(OPERATIONS)
    succeed("import numba, minigrad as mg" + OPERATIONS, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")


@numba
def test_numba_without_its_compiler():
    succeed(OPERATIONS + "from minigrad.backend.cpu import compiling; assert compiling.numba() is None", NUMBA_DISABLE_JIT=1)


@numba
@pytest.mark.parametrize(("variables", "wide"), [({"NUMBA_CPU_NAME": "generic"}, False),
                                                 ({"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "+avx512f"}, True)])
def test_numbas_target_says_who_multiplies(variables, wide):
    """Without vectors of 512 bits minigrad's own kernel would take a hundred times as long as BLAS."""
    succeed(f"""
from minigrad.backend.cpu import compiling, products
assert compiling.numba() is not None
openblas = {{library.internal_api for library in products.blas.get()}} == {{"openblas"}}
assert products.can_use_gemm() is ({wide} and openblas)
""", **variables)


# ---- arrays that compiled loops do not take


@fuse
def both(x, y):
    """Return x y + 1, element by element."""
    return x * y + 1


@fuse
def grow(x, y):
    """Add y to x."""
    x += y
    return x


@fuse(reduce=True)
def dot(x, y):
    """Return Σ x y."""
    return x * y


def unaligned(array):
    """Return a copy that begins at an odd address."""
    room = np.zeros(array.nbytes + 1, np.uint8)[1:]
    copy = room.view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def read_only(array):
    """Return a copy that cannot be written to."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


FORMS = {
    "float16": lambda a: a.astype(np.float16), "longdouble": lambda a: a.astype(np.longdouble), "swapped": lambda a: a.astype(">f4"),
    "swapped double": lambda a: a.astype(">f8"), "unaligned": unaligned, "read-only": read_only,
    "every other": lambda a: np.repeat(a, 2)[::2], "backwards": lambda a: a[::-1].copy()[::-1],
}


@pytest.mark.parametrize("threads_count", [1, 3])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("function", [both, grow, dot])
def test_arrays_that_compiled_loops_do_not_take(monkeypatch, function, form, threads_count):
    monkeypatch.setattr(threads, "_threads", threads_count)
    monkeypatch.setattr(loops, "loop", lambda *args: pytest.fail(f"a loop is compiled for {args[1:]}"))
    draw = np.random.default_rng(0)
    x, y = [FORMS[form](draw.integers(-3, 4, 40_000).astype(np.float32)) for _ in "xy"]
    if function is grow and form == "read-only":
        with pytest.raises(ValueError, match="read-only"):
            function(x, y)
        return
    expected = {both: x * y + 1, grow: x + y, dot: (x * y).sum()}[function]
    np.testing.assert_array_equal(function(x, y), expected)


@pytest.mark.parametrize("form", FORMS)
def test_gradients_and_parameters_of_any_form(form):
    """A step of SGD and Adam on large arrays that share memory with NumPy's gives what it gives on plain ones."""
    draw, after = np.random.default_rng(0), []
    start, gradient = [draw.integers(1, 4, 40_000).astype(np.float32) for _ in "pg"]
    for make in (np.copy, FORMS[form]):
        p = mg.tensor(start.copy(), dtype=make(start).dtype.name if form != "longdouble" else "float32", requires_grad=True)
        q = mg.ones(40_000, dtype=p.dtype, requires_grad=True)
        for t in (p, q):
            t.grad = mg.tensor(gradient.copy(), dtype=p.dtype)
            t.grad.array = make(gradient) if make(gradient).dtype == p.dtype else gradient.astype(p.dtype)
        for optimizer in (mg.optim.SGD([p, q], lr=0.5, momentum=0.5), mg.optim.Adam([p, q], lr=0.125)):
            optimizer.step()
        after.append([t.detach().numpy().astype(np.float64) for t in (p, q)])
    tolerance = 1e-2 if form == "float16" else 1e-6
    np.testing.assert_allclose(after[1], after[0], rtol=tolerance, atol=tolerance)


def test_random_numbers_into_arrays_of_any_form():
    compiling.numba()
    mg.manual_seed(0)
    expected = mg.empty(40_000).uniform_()
    target = unaligned(np.zeros(40_000, np.float32))
    mg.manual_seed(0)
    assert (mg.from_numpy(target).uniform_() == expected).all()
    assert target.any()
