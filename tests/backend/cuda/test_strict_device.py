"""The stand-in for CuPy is as strict as it promises, and has no name, signature or view of an array that the real CuPy lacks.

CuPy installs without a GPU; its arrays can then lie over the host's memory, where views and indexing work and kernels do not.
"""

import ctypes
import inspect
import pathlib
import re

import numpy as np
import pytest

from minigrad.backend import cuda
from support import strict_device
from support.cupy_signatures import FUNCTIONS, METHODS, UFUNCS
from support.host_kernels import library_of
from support.strict_device import Sync, SynchronisedError, library, no_sync


@pytest.fixture
def cupy():
    return pytest.importorskip("cupy", reason="the names are compared with the real CuPy's where it is installed")


def on_host_memory(cupy, shape, dtype="float32"):
    """Return a real CuPy array without a device, over NumPy's memory."""
    host = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    memory = cupy.cuda.UnownedMemory(host.ctypes.data, max(host.nbytes, 1), host, 0)
    return cupy.ndarray(shape, dtype, cupy.cuda.MemoryPointer(memory, 0))


# ---- the same names, signatures and views as CuPy


def as_text(signature):
    """Return names and defaults as text, without annotations."""
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_cupys_signature(cupy, name):
    assert as_text(inspect.signature(getattr(cupy, name))) == as_text(strict_device.signature(FUNCTIONS[name]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_keeps_its_signature(name):
    found = inspect.signature(getattr(library, name))
    assert as_text(found) == as_text(strict_device.signature(FUNCTIONS[name]))


@pytest.mark.parametrize("name", UFUNCS)
def test_ufunc_is_cupys(cupy, name):
    in_cupy, stand_in = getattr(cupy, name), getattr(library, name)
    assert isinstance(in_cupy, cupy.ufunc)
    assert (in_cupy.nin, in_cupy.nout) == (stand_in.nin, 1)


@pytest.mark.parametrize("name", METHODS)
def test_method_has_cupys_signature(cupy, name):
    in_cupy = inspect.getdoc(getattr(cupy.ndarray, name)).split("\n")[0]
    parameters = re.fullmatch(r"\w+\.\w+\((.*)\)( -> .*)?", in_cupy).group(1)
    assert as_text(strict_device.signature(parameters)) == as_text(strict_device.signature(METHODS[name]))


def test_everything_else_is_in_cupy(cupy):
    public = {name for name in vars(strict_device.ndarray) if not name.startswith("_")}
    assert public - set(dir(cupy.ndarray)) == set()
    assert {name for name in vars(library) if not name.startswith("__")} - set(dir(cupy)) == set()
    for name in vars(library.cuda):
        assert hasattr(cupy.cuda, name)
    for name in vars(library.cuda.runtime):
        assert hasattr(cupy.cuda.runtime, name)
    assert hasattr(cupy.cuda.Device, "synchronize") and hasattr(cupy.cuda.Device, "compute_capability")
    linalg, stand_in = cupy._core._routines_linalg, library._core._routines_linalg
    assert linalg.COMPUTE_TYPE_TF32 == stand_in.COMPUTE_TYPE_TF32
    assert linalg.COMPUTE_TYPE_DEFAULT == stand_in.COMPUTE_TYPE_DEFAULT
    assert hasattr(linalg, "get_compute_type") and hasattr(linalg, "set_compute_type")


def test_kernels_are_made_as_cupys(cupy):
    made = inspect.getdoc(cupy.ElementwiseKernel).split("\n")[0]
    parameters = re.search(r"\((.*)\)", made).group(1)
    assert parameters.startswith("in_params")
    stand_in = as_text(inspect.signature(library.ElementwiseKernel))
    assert as_text(strict_device.signature(parameters)) == stand_in


# ---- the same values as CuPy's own routines, whose C text g++ compiles

C = {"f": "float", "d": "double", "l": "long", "?": "bool"}
EXTREME = [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3.7, -3.7, 88.8, -745, 1e4, 1e30, -1e30, np.inf, -np.inf, np.nan]
VALUES = {"f": np.array(EXTREME, "f"), "d": np.array(EXTREME), "l": np.arange(-4, 5), "?": np.array([False, True])}
TOGETHER = {"clip": lambda x, low, high: x.clip(low, high), "where": library.where}


def routines(cupy):
    """Return [(name, types of the inputs, type of the output, C text)] of CuPy's ufuncs for the types above, and the text before them."""
    from cupy._core import _routines_math
    from cupy._sorting import search

    ufuncs = {name: getattr(cupy, name) for name in UFUNCS}
    ufuncs |= {"clip": _routines_math._clip, "where": search._where_ufunc}
    found = [
        (name, *types.split("->"), operation.routine)
        for name, ufunc in ufuncs.items()
        for types, operation in zip(ufunc.types, ufunc._ops.ops)
        if set(types) <= {*C, "-", ">"} and isinstance(operation.routine, str)
    ]
    folder = cupy._core.core._get_header_dir_path()
    header = (pathlib.Path(folder) / "cupy" / "carray.cuh").read_text()
    division = re.findall(r"__device__ (?:long long|float|double) _floor_divide\([^)]*\) \{.*?\n\}", header, re.DOTALL)
    wide = division[0].replace("long long", "long")
    return found, "\n".join([*(ufunc._preamble for ufunc in ufuncs.values()), wide, *division])


def as_c(number, inputs, output, routine):
    """Return the C text of a routine as a function of (length, pointers to the inputs and to the output)."""
    reads = "".join(f"typedef {C[t]} in{k}_type; in{k}_type in{k} = (({C[t]}*)p[{k}])[i];\n" for k, t in enumerate(inputs))
    written = f"typedef {C[output]} out0_type; out0_type &out0 = (({C[output]}*)p[{len(inputs)}])[i];\n"
    loop = f"for (long long i = 0; i < n; ++i) {{\n{reads}{written}{routine};\n}}"
    return f'extern "C" void f{number}(long long n, void** p) {{ {loop} }}\n'


@pytest.fixture(scope="module")
def compiled():
    cupy = pytest.importorskip("cupy")
    found, preamble = routines(cupy)
    head = f"#include <cmath>\n#include <algorithm>\nusing namespace std;\n#define __device__ static\n{preamble}\n"
    texts = [as_c(k, *rest) for k, (_, *rest) in enumerate(found)]
    return found, library_of("cupy_routines", head + "".join(texts))


def test_every_ufunc_computes_what_cupys_routine_does(compiled):
    found, loaded = compiled
    assert {name for name, *_ in found} == {*UFUNCS, *TOGETHER}
    for number, (name, inputs, output, _) in enumerate(found):
        grid = [g.ravel().copy() for g in np.meshgrid(*[VALUES[t] for t in inputs])]
        if inputs == "ll" and name == "fmod":
            grid = [g[grid[1] > 0] for g in grid]  # NumPy refuses the others, CuPy leaves them open
        if "shift" in name:
            grid = [g[(grid[1] >= 0) & (grid[1] < 64)] for g in grid]  # C leaves the others undefined
        in_cupy = np.empty(len(grid[0]), output)
        pointers = [a.ctypes.data for a in (*grid, in_cupy)]
        getattr(loaded, f"f{number}")(ctypes.c_longlong(len(in_cupy)), (ctypes.c_void_p * len(pointers))(*pointers))
        if inputs[0] == "?" and name in ("negative", "subtract"):
            continue  # NumPy has no such ufunc for these types
        with np.errstate(all="ignore"):
            stand_in = TOGETHER.get(name, getattr(library, name, None))(*map(library.asarray, grid)).get()
        assert stand_in.dtype == in_cupy.dtype, name
        finite = np.isfinite(in_cupy) & np.isfinite(stand_in)
        np.testing.assert_array_equal(stand_in[~finite], in_cupy[~finite], name)
        if output in "fd":
            np.testing.assert_allclose(stand_in[finite], in_cupy[finite], 8 * np.finfo(output).eps, err_msg=name)
        else:
            np.testing.assert_array_equal(stand_in, in_cupy, name)


# ---- views

def test_the_names_can_be_made_of_cupy(cupy):
    from minigrad.backend.cuda.cupy_names import cupy_names

    there = cupy_names(cupy)
    for name in {*FUNCTIONS, *UFUNCS, "asarray"}:
        assert hasattr(there, name)
    assert there.where is not cupy.where and there.exp is cupy.exp


VIEWS = {
    "reshape": lambda xp, a: xp.reshape(a, (6, 4)),
    "reshape to its own shape": lambda xp, a: a.reshape(2, 3, 4),
    "view of a view": lambda xp, a: xp.reshape(a, (6, 4))[1:],
    "slice": lambda xp, a: a[:, 1:],
    "steps": lambda xp, a: a[:, ::2, ::-1],
    "number": lambda xp, a: a[1],
    "element": lambda xp, a: a[1, 2, 3],
    "ellipsis": lambda xp, a: a[...],
    "new axis": lambda xp, a: a[None, :, None],
    "transpose": lambda xp, a: xp.transpose(a, (1, 0, 2)),
    "T": lambda xp, a: a.T,
    "swapaxes": lambda xp, a: xp.swapaxes(a, 0, -1),
    "expand_dims": lambda xp, a: xp.expand_dims(a, 1),
    "squeeze": lambda xp, a: xp.squeeze(a[:1]),
    "squeeze nothing": lambda xp, a: xp.squeeze(a, axis=()),
    "broadcast": lambda xp, a: xp.broadcast_to(a, (5, 2, 3, 4)),
    "flip": lambda xp, a: xp.flip(a, axis=(0, 1)),
    "same dtype": lambda xp, a: a.astype("float32", copy=False),
    "contiguous": lambda xp, a: xp.ascontiguousarray(a),
    "iteration": lambda xp, a: list(a)[1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_as_cupys(cupy, view):
    def look(xp, a):
        v = view(xp, a)
        contiguous = v.flags.c_contiguous, v.flags.f_contiguous, v.flags.owndata
        return v.shape, v.strides, v.data.ptr - a.data.ptr, v is a, v.base is a, contiguous

    stand_in = library.asarray(np.arange(24, dtype="float32").reshape(2, 3, 4))
    assert look(library, stand_in) == look(cupy, on_host_memory(cupy, (2, 3, 4)))


REFUSED = {
    "conversion": lambda xp, a: np.asarray(a),
    "hash": lambda xp, a: hash(a),
    "read-only flag": lambda xp, a: a.flags.writeable,
    "new attribute": lambda xp, a: setattr(a, "mine", 1),
    "number out of range": lambda xp, a: a[2],
    "too many indices": lambda xp, a: a[0, 0, 0, 0],
    "truth of a plain condition": lambda xp, a: xp.where(True, a, a),
    "unknown keyword": lambda xp, a: xp.sum(a, where=None),
    "einsum with out": lambda xp, a: xp.sum(a, initial=0.0),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_calls_that_cupy_refuses_are_refused(cupy, call):
    stand_in = library.asarray(np.zeros((2, 3, 4), "float32"))
    errors = []
    for xp, a in ((library, stand_in), (cupy, on_host_memory(cupy, (2, 3, 4)))):
        with pytest.raises(Exception) as caught:  # the types of the exceptions are compared
            call(xp, a)
        errors.append(caught.type)
    assert errors[0] is errors[1]


def test_memory_of_real_arrays_is_distinguished(cupy):
    from minigrad.backend import arrays

    a = on_host_memory(cupy, (4, 6))
    assert arrays.root(a[1:][:, 2:]) is a
    low, high = arrays.byte_bounds(a[1:3, ::-2])
    assert (low - a.data.ptr, high - a.data.ptr) == (28, 72)
    assert arrays.shares_memory(a[:2], a[1:]) and not arrays.shares_memory(a[:2], a[2:])


# ---- strict


@pytest.fixture
def x():
    return library.asarray(np.arange(6.0).reshape(2, 3))


STRICT = {
    "x + host": lambda x: x + np.ones(3),
    "host + x": lambda x: np.ones(3) + x,
    "host @ x": lambda x: np.ones((2, 2)) @ x,
    "in place": lambda x: x.__iadd__(np.ones(3)),
    "assignment": lambda x: x.__setitem__(0, np.ones(3)),
    "index": lambda x: x[np.array([0, 1])],
    "list": lambda x: x[[0, 1]],
    "concatenate": lambda x: library.concatenate([x, np.ones((1, 3))]),
    "numpy function": lambda x: np.concatenate([x, x]),
    "where": lambda x: library.add(x, x, where=x > 0),
    "initial": lambda x: library.sum(x, initial=1.0),
    "host output": lambda x: library.add(x, x, out=np.empty((2, 3))),
}


@pytest.mark.parametrize("call", STRICT.values(), ids=STRICT)
def test_the_stand_in_refuses(x, call):
    with pytest.raises(TypeError):
        call(x)


def test_zero_dimensional_results_are_arrays(x):
    for y in (library.sum(x), x[0, 0], x[0, 0] * 2, library.max(x)):
        assert isinstance(y, library.ndarray) and y.shape == ()


def test_numpy_scalars_promote(x):
    y = x.astype("float32")
    assert (y * 2.0).dtype == "float32" and (y * np.float64(2)).dtype == "float64"


def test_integer_indices_wrap(x):
    assert x[library.asarray([0, 3])].get().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_repeated_assignment_is_undefined():
    found = set()
    for _ in range(50):
        x = library.zeros(1)
        x[library.asarray([0, 0])] = library.asarray([1.0, 2.0])
        found.add(x.item())
    assert found == {1.0, 2.0}


def test_sums_of_repeated_places(x):
    library.add.at(x, (library.asarray([0, 0, 1]),), library.asarray(np.ones((3, 3))))
    assert x.get().tolist() == [[2, 3, 4], [4, 5, 6]]


def test_new_memory_is_rubbish():
    assert np.isnan(library.empty(3).get()).all() and (library.empty(3, "int64").get() == -1).all()


WAITING = {
    "item": lambda x: x[0, 0].item(),
    "get": lambda x: x.get(),
    "float": lambda x: float(x[0, 0]),
    "bool": lambda x: bool(x[0, 0]),
    "mask": lambda x: x[x > 2],
    "nonzero": lambda x: x.nonzero(),
    "synchronize": lambda x: library.cuda.Device().synchronize(),
}


@pytest.mark.parametrize("call", WAITING.values(), ids=WAITING)
def test_operations_that_wait_are_counted(x, call):
    before = Sync.count
    call(x)
    assert Sync.count == before + 1
    with no_sync(), pytest.raises(SynchronisedError):
        call(x)


def test_other_operations_do_not_wait(x):
    with no_sync():
        y = library.where(x > 1, library.exp(x) @ x.T @ x, 0) / 3
        y[0] = 1
        library.sum(y[library.asarray([1, 0])], axis=0)


# ---- kernels


def test_kernel_checks():
    x = library.asarray(np.arange(3.0))
    with pytest.raises(TypeError, match="mismatched"):
        library.ElementwiseKernel("T x, T y", "T z", "z = x + y", "plus")(x, x.astype("float32"))
    with pytest.raises(ValueError, match="Out shape"):
        library.ElementwiseKernel("T x", "T y", "y = x", "copy")(library.zeros((2, 3)), x)
    with pytest.raises(ValueError, match="undecided"):
        library.ElementwiseKernel("int64 x", "T y", "y = x", "from_number")(3)
    with pytest.raises(ValueError, match="'i'"):
        library.ElementwiseKernel("T i", "T y", "y = i", "bad_name")
    with pytest.raises(TypeError, match="Unsupported"):
        library.ElementwiseKernel("T x", "T y", "y = x", "copy")(np.zeros(3))


def test_kernel_sees_overlapping_memory():
    """Contiguous inputs are not copied: writing to the output changes what is read later."""
    x = library.asarray(np.arange(4.0))
    library.ElementwiseKernel("T x", "T y", "y = x + 1", "next")(x[:3], x[1:])
    assert x.get().tolist() == [0, 1, 2, 3]


def test_use_returns_the_library_from_before():
    before = cuda.use(None)
    with strict_device.strict_device() as inside:
        assert cuda.library() is inside
        with strict_device.strict_device():
            pass
        assert cuda.is_available()
    assert cuda.use(before) is None
