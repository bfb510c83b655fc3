"""A stand-in for CuPy without a GPU: arrays over NumPy's, as strict as CuPy or stricter, which count synchronisations.

Arrays are converted from and to NumPy by asarray and get alone, and do not mix with NumPy's. 0-d results are arrays. Functions take CuPy's
keywords and no others. Integer indices wrap, assignment through repeated indices has a random order, argmax finds any of several NaNs, a
filled-in -0.0 is 0, and new memory is filled with NaN or -1. Only the names that minigrad uses are there, each with CuPy's signature:
test_strict_device.py compares them with the real CuPy.
"""

import inspect
import types
from contextlib import contextmanager

import numpy as np

from minigrad.backend import cuda
from support.cupy_signatures import FUNCTIONS, METHODS, OPERATORS, UFUNCS
from support.host_kernels import HostKernel, HostRawKernel

SCATTERED = ("int32", "float16", "float32", "float64", "uint32", "uint64")  # the dtypes that CuPy's add.at takes
NUMBERS = (bool, int, float, np.generic)


def signature(parameters):
    """Return an inspect.Signature from the text between the parentheses."""
    return inspect.signature(eval(f"lambda {parameters}: None"))


# ---- synchronisations


class Sync:
    """Counts how often the host waits for the device, and says whether that is forbidden."""

    count, forbidden = 0, False


class SynchronisedError(RuntimeError):
    """Raised if the host waits for the device within no_sync()."""


def sync(what):
    if Sync.forbidden:
        raise SynchronisedError(f"{what} waits for the device")
    Sync.count += 1


@contextmanager
def no_sync():
    """Raise SynchronisedError for each operation in this block that waits for the device."""
    before, Sync.forbidden = Sync.forbidden, True
    try:
        yield
    finally:
        Sync.forbidden = before


# ---- work for the device


_launched: list = []


def launch(name):
    """Note that the device does something."""
    for record in _launched:
        record.append(name)


@contextmanager
def launches():
    """Yield a list that fills with the names of what this block launches. Views are not in it; copies from the host are "upload"."""
    record: list = []
    _launched.append(record)
    try:
        yield record
    finally:
        _launched.remove(record)


# ---- arrays


chance = np.random.default_rng(0)


class Flags:
    """CuPy's flags: nothing is ever read-only."""

    def __init__(self, array):
        self.c_contiguous, self.f_contiguous = array._a.flags.c_contiguous, array._a.flags.f_contiguous
        self.owndata = array.base is None


class ndarray:  # CuPy's name
    """An array "on the device": `_a` holds its elements, `base` is the array that owns the memory, or None."""

    __slots__ = ("__weakref__", "_a", "base")
    __hash__ = None
    __array_priority__ = 100

    shape = property(lambda self: self._a.shape)
    strides = property(lambda self: self._a.strides)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    itemsize = property(lambda self: self._a.itemsize)
    nbytes = property(lambda self: self._a.nbytes)
    flags = property(Flags)
    T = property(lambda self: wrap(self._a.T, self))
    data = property(lambda self: types.SimpleNamespace(ptr=self._a.ctypes.data))

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or not hasattr(library, ufunc.__name__):
            raise TypeError(f"numpy.{ufunc.__name__}.{method} of a device array")
        return getattr(library, ufunc.__name__)(*inputs, **options)

    def __array_function__(self, function, kinds, args, options):
        raise TypeError(f"numpy.{function.__name__} of a device array")

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __repr__(self):
        return f"strict({self._a!r})"

    def __bool__(self):
        sync("bool()")
        return bool(self._a)

    def __int__(self):
        sync("int()")
        return int(self._a)

    def __float__(self):
        sync("float()")
        return float(self._a)

    __index__ = __int__

    def __getitem__(self, key):
        whole, advanced = plain_key(self, key)
        if advanced:
            launch("getitem")
            return wrap(self._a[whole])
        return wrap(self._a[(*whole, ...)] if not any(k is Ellipsis for k in whole) else self._a[whole], self)

    def __setitem__(self, key, value):
        whole, advanced = plain_key(self, key)
        value = bare(value, "assignment")
        launch("setitem")
        if not advanced:
            self._a[whole] = value + 0 if isinstance(value, NUMBERS) else value  # where CuPy fills, -0.0 becomes 0
            return
        places = np.arange(self._a.size).reshape(self._a.shape)[whole]
        values = np.broadcast_to(value, places.shape)
        order = chance.permutation(places.size)
        self._a.flat[places.reshape(-1)[order]] = values.reshape(-1)[order]

    def __matmul__(self, other):
        return matmul(self, other)

    def __neg__(self):
        return library.negative(self)

    def __abs__(self):
        return library.absolute(self)

    def __invert__(self):
        return library.invert(self)


def new(array, base=None):
    made = object.__new__(ndarray)
    made._a, made.base = array, base
    return made


def wrap(result, *sources):
    """Return NumPy's result as CuPy would: a 0-d array for a number; the source itself, or a view of it, if it is one."""
    if isinstance(result, (tuple, list)):
        return type(result)(wrap(r) for r in result)
    result = np.asarray(result)
    for s in sources:
        if isinstance(s, ndarray):
            if result is s._a:
                return s
            if np.may_share_memory(result, s._a):
                return new(result, s if s.base is None else s.base)
    return new(result)


def bare(x, where):
    """Return the NumPy array inside, or a number, dtype or shape as it is. Refuse anything else, as CuPy does."""
    if isinstance(x, ndarray):
        return x._a
    if isinstance(x, (tuple, list)):
        return type(x)(bare(i, where) for i in x)
    if x is None or isinstance(x, (*NUMBERS, str, type, np.dtype)):
        return x
    raise TypeError(f"{where}: Unsupported type {type(x)}")


def plain_key(array, key):
    """Return the key for NumPy, with integer arrays wrapped around, and whether it picks elements one by one."""
    parts = key if isinstance(key, tuple) else (key,)
    used = sum(
        k.ndim if isinstance(k, ndarray) and k.dtype == bool else k is not None and k is not Ellipsis
        for k in parts
    )
    found, axis, advanced = [], 0, False
    for k in parts:
        if isinstance(k, ndarray):
            advanced = True
            if k.dtype == bool:
                sync("a boolean mask")
            elif array.shape[axis]:
                k = new(k._a % array.shape[axis])
            found.append(k._a)
            axis += k.ndim if k.dtype == bool else 1
            continue
        if not (k is None or k is Ellipsis or isinstance(k, (slice, int, np.integer))) or isinstance(
            k, (bool, np.bool_)
        ):
            raise TypeError(
                f"index of type {type(k).__name__}: CuPy would copy it to the device without a word"
            )
        found.append(k)
        axis += array.ndim - used if k is Ellipsis else k is not None
    return tuple(found), advanced


def same_device(name, x, y):
    for k in (x, y):
        if isinstance(k, np.ndarray):
            raise TypeError(f"{name}: Unsupported type {type(k)}")


def operator(name, swapped):
    def call(self, other):
        if getattr(type(other), "__array_ufunc__", True) is None:
            return NotImplemented
        return getattr(library, name)(*((other, self) if swapped else (self, other)))

    return call


def in_place(name):
    def call(self, other):
        if getattr(type(other), "__array_ufunc__", True) is None:
            return NotImplemented
        return getattr(library, name)(self, other, out=self)

    return call


for _short, _name in OPERATORS.items():
    setattr(ndarray, f"__{_short}__", operator(_name, False))
    if _short not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(ndarray, f"__r{_short}__", operator(_name, True))
        setattr(ndarray, f"__i{_short}__", in_place(_name))


# ---- functions


def floor_divide(x, y, **options):
    """Return ⌊x / y⌋ as CuPy does: the quotient is rounded first, and a whole number divided by 0 gives 0."""
    if np.result_type(x, y).kind == "f":
        return np.floor(np.divide(x, y, **options))
    return np.where(np.equal(y, 0), 0, np.floor_divide(x, np.where(np.equal(y, 0), 1, y), **options))


def remainder(x, y, **options):
    """Return the remainder as CuPy does: the product is rounded first, and a whole number divided by 0 gives 0."""
    rest = np.subtract(x, np.multiply(floor_divide(x, y, **options), y, **options), **options)
    return rest if np.result_type(x, y).kind == "f" else np.where(np.equal(y, 0), 0, rest)


def power(x, y, **options):
    """Return x ** y as CuPy does: 1 / xⁿ of whole numbers is truncated to a whole number."""
    if np.result_type(x, y).kind != "i":
        return np.power(x, y, **options)
    whole = np.power(x, np.maximum(y, 0), **options)
    return np.where(np.less(y, 0), np.where(np.abs(x) == 1, np.power(x, np.abs(y)), 0), whole).astype(whole.dtype)


DIFFERENT = {"floor_divide": floor_divide, "remainder": remainder, "power": power}


class Ufunc:
    """A function that works element by element, with CuPy's keywords."""

    def __init__(self, name):
        self.name, self.numpy = name, DIFFERENT.get(name, getattr(np, name))
        self.nin = getattr(np, name).nin

    def __call__(self, *args, out=None, dtype=None, casting="same_kind", **options):
        if options:
            raise TypeError(f"Wrong arguments {options}")
        if not self.nin <= len(args) <= self.nin + 1:
            raise TypeError(f"Wrong number of arguments for {self.name!r}: {len(args)}")
        out = args[self.nin] if len(args) > self.nin else out[0] if isinstance(out, tuple) else out
        inputs = [bare(x, self.name) for x in args[: self.nin]]
        launch(self.name)
        if out is None:
            return wrap(self.numpy(*inputs, dtype=dtype, casting=casting))
        if not isinstance(out, ndarray):
            raise TypeError("Output arguments type must be cupy.ndarray")
        self.numpy(*inputs, out=out._a, dtype=dtype, casting=casting)
        return out

    def at(self, a, indices, b=None):
        """Compute a[indices] += b, adding up repeated indices in a random order."""
        if self.name != "add" or a.dtype.name not in SCATTERED:
            raise TypeError(f"{self.name}.at of {a.dtype}")
        launch("add.at")
        whole, _ = plain_key(a, indices)
        places = np.arange(a._a.size).reshape(a._a.shape)[whole]
        values = np.broadcast_to(bare(b, "add.at"), places.shape).astype(a.dtype)
        order = chance.permutation(places.size)
        np.add.at(a._a.reshape(-1), places.reshape(-1)[order], values.reshape(-1)[order])


def function(name, parameters):
    """Return NumPy's function of this name with CuPy's signature, over device arrays."""
    bound, numpy_function = signature(parameters), getattr(np, name)

    def call(*args, **options):
        bound.bind(*args, **options)
        sources = [*args, *options.values()]
        result = numpy_function(
            *[bare(a, name) for a in args], **{k: bare(v, name) for k, v in options.items()}
        )
        made = wrap(result, *sources)
        if not (isinstance(made, ndarray) and (made.base is not None or any(made is s for s in sources))):
            launch(name)
        return made

    call.__signature__, call.__name__ = bound, name
    return call


def where(condition, x=None, y=None):
    if x is None or y is None:
        raise TypeError("where(condition) alone waits for the device: use nonzero")
    launch("where")
    return wrap(np.where(condition.astype("?", copy=False)._a, bare(x, "where"), bare(y, "where")))


def nonzero(a):
    sync("nonzero")
    return wrap(np.nonzero(a._a))


def empty(shape, dtype=float, order="C"):
    made = np.empty(shape, dtype, order)
    made[...] = np.frombuffer(b"\xff" * made.itemsize, made.dtype)[0]  # NaN, or -1
    return new(made)


def any_nan(numpy_function, a, axis, keepdims):
    """Return the index that NumPy finds, or, if there are several NaNs, the index of any of them."""
    wrong = a._a != a._a
    found = numpy_function(np.where(wrong, 0, a._a), axis=axis, keepdims=keepdims)
    one = np.argmax(wrong * chance.random(a.shape), axis=axis, keepdims=keepdims)
    launch(numpy_function.__name__)
    return wrap(np.where(np.any(wrong, axis=axis, keepdims=keepdims), one, found))


def argmax(a, axis=None, dtype=None, out=None, keepdims=False):
    return any_nan(np.argmax, a, axis, keepdims)


def argmin(a, axis=None, dtype=None, out=None, keepdims=False):
    return any_nan(np.argmin, a, axis, keepdims)


def take_along_axis(a, indices, axis):
    launch("take_along_axis")
    return wrap(np.take_along_axis(a._a, indices._a % a.shape[axis] if a.shape[axis] else indices._a, axis))


def argsort(a, axis=-1, kind=None):
    if kind not in (None, "stable"):
        raise ValueError(f"kind={kind}")
    launch("argsort")
    return wrap(np.argsort(a._a, axis, "stable"))


def diagonal(a, offset=0, axis1=0, axis2=1):
    """Return a view that can be written to, unlike NumPy's."""
    found = np.diagonal(a._a, offset, axis1, axis2)
    found.flags.writeable = True
    return wrap(found, a)


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    """Copy an array of the host to the device, or fill in a number (-0.0 as 0); return a device array as it is."""
    if isinstance(a, ndarray):
        return a if dtype is None or a.dtype == dtype else a.astype(dtype)
    launch("upload")
    made = np.array(a, dtype, order="K" if order is None else order)
    if made.ndim == 0 and made.dtype.kind == "f":
        made += 0
    return new(made)


def matmul(x, y):
    same_device("matmul", x, y)
    launch("matmul")
    return wrap(np.matmul(bare(x, "matmul"), bare(y, "matmul")))


class ElementwiseKernel:
    """CuPy's ElementwiseKernel: its text is compiled by g++ and run on the host."""

    def __init__(
        self,
        in_params,
        out_params,
        operation,
        name="kernel",
        reduce_dims=True,
        preamble="",
        no_return=False,
        return_tuple=False,
        **kwargs,
    ):
        self.host = HostKernel(
            in_params, out_params, operation, name, reduce_dims, preamble, no_return, return_tuple, **kwargs
        )

    def __call__(self, *args, **options):
        given = {id(a._a): a for a in args if isinstance(a, ndarray)}
        launch(self.host.name)
        result = self.host(*[bare(a, self.host.name) for a in args], **options)
        results = [
            given[id(r)] if id(r) in given else wrap(r)
            for r in (result if isinstance(result, tuple) else (result,))
        ]
        return tuple(results) if isinstance(result, tuple) else results[0]


class RawKernel:
    """CuPy's RawKernel: its text is compiled by g++ and run on the host, block after block."""

    def __init__(self, code, name, options=(), backend="nvrtc", translate_cucomplex=False):
        self.host = HostRawKernel(code, name, options, backend, translate_cucomplex)

    def __call__(self, grid, block, args, *, shared_mem=0):
        launch(self.host.name)
        self.host(grid, block, tuple(bare(a, self.host.name) for a in args), shared_mem=shared_mem)


# ---- methods


def method(name, body):
    bound = signature(METHODS[name])

    def call(*args, **options):
        bound.bind(*args, **options)
        return body(*args, **options)

    call.__signature__, call.__name__ = bound, name
    setattr(ndarray, name, call)


def _waits(name, of):
    def body(self, *args, **options):
        sync(f".{name}()")
        return of(self._a, *args, **options)

    return body


method("get", _waits("get", lambda a: a.copy()))
method("item", _waits("item", lambda a: a.item()))
method("tolist", _waits("tolist", lambda a: a.tolist()))
method("nonzero", nonzero)


def _copy(self, order="C"):
    launch("copy")
    return new(self._a.copy(order))


def _fill(self, value):
    launch("fill")
    self._a.fill(bare(value, "fill") + 0 if isinstance(value, NUMBERS) else bare(value, "fill"))


def _astype(self, dtype, order="K", casting=None, subok=None, copy=True):
    if not copy and self.dtype == dtype:
        return self
    launch("astype")
    return new(self._a.astype(dtype))


def _clip(self, min=None, max=None, out=None):
    """Limit as CuPy does: a NaN among the bounds is no bound."""
    launch("clip")
    x, low, high = self._a, bare(min, "clip"), bare(max, "clip")
    low = np.array(-np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype) if low is None else low
    high = np.array(np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max, x.dtype) if high is None else high
    clipped = np.where(x < low, low, np.where(x > high, high, x))
    return wrap(np.where(np.greater(low, high), high, clipped).astype(np.result_type(x, low, high), copy=False))


method("copy", _copy)
method("fill", _fill)
method("astype", _astype)
method("clip", _clip)
method("reshape", lambda self, *shape, order="C", copy=None: wrap(self._a.reshape(*shape), self))
for _name in ("sum", "any", "all"):
    method(_name, lambda self, *args, _name=_name, **options: getattr(library, _name)(self, *args, **options))


# ---- the module


class Device:
    """The one device."""

    def __init__(self, device=0):
        self.id = device

    def synchronize(self):
        """Wait."""
        sync("synchronize")

    compute_capability = "90"


class ComputeType:
    """CuPy's private switch of how float32 is multiplied."""

    COMPUTE_TYPE_DEFAULT, COMPUTE_TYPE_TF32 = 1, 7

    def __init__(self):
        self.now = self.COMPUTE_TYPE_DEFAULT

    def get_compute_type(self, dtype):
        return self.now

    def set_compute_type(self, dtype, compute_type):
        self.now = compute_type


library = types.ModuleType("strict_cupy", "What of CuPy is imitated.")
library.__dict__.update({name: Ufunc(name) for name in UFUNCS})
library.__dict__.update({name: function(name, parameters) for name, parameters in FUNCTIONS.items()})
library.__dict__.update(
    ndarray=ndarray,
    where=where,
    nonzero=nonzero,
    empty=empty,
    take_along_axis=take_along_axis,
    argmax=argmax,
    argmin=argmin,
    argsort=argsort,
    diagonal=diagonal,
    asarray=asarray,
    ElementwiseKernel=ElementwiseKernel,
    RawKernel=RawKernel,
    is_available=lambda: True,
    __version__="strict",
    cuda=types.SimpleNamespace(
        Device=Device,
        get_current_stream=lambda: types.SimpleNamespace(ptr=0),
        runtime=types.SimpleNamespace(
            getDeviceCount=lambda: 1,
            getDeviceProperties=lambda device: {"name": b"strict device"},
            runtimeGetVersion=lambda: 0,
        ),
    ),
    _core=types.SimpleNamespace(_routines_linalg=ComputeType()),
)


@contextmanager
def strict_device():
    """Let "cuda" mean this device in the block."""
    before = cuda.use(library)
    try:
        yield library
    finally:
        cuda.use(before)
