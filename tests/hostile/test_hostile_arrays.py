"""Unusual arrays: large ones of bytes, subclasses of NumPy's array, foreign byte orders and dtypes."""

import itertools
import tracemalloc

import numpy as np
import pytest
import torch

import minigrad as mg
import minigrad.functions.creation
from support.backends import BACKENDS

# ---- sums of whole numbers without a converted copy

WHOLE = ["bool", "uint8", "int8", "int16", "int32", "int64"]


def peak_of(function):
    """Return the most memory that NumPy and Python took while `function` ran, after a first run has made threads and caches."""
    function()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SUMS = {
    "sum": lambda x: x.sum(),
    "sum over rows": lambda x: x.sum(0),
    "sum over columns": lambda x: x.sum(1, keepdim=True),
    "sum over both": lambda x: x.sum((0, 1)),
    "sum in int64": lambda x: x.sum(dtype=mg.int64),
    "sum in float32": lambda x: x.sum(dtype=mg.float32),
    "mean in float64": lambda x: x.mean(dtype=mg.float64),
    "mean over rows in float32": lambda x: x.mean(0, dtype=mg.float32),
    "any": lambda x: x.any(),
    "all": lambda x: x.all(1),
    "amax": lambda x: x.amax(1),
    "argmin": lambda x: x.argmin(1),
    "sum of the transposed": lambda x: x.T.sum(0),
    "sum of every second": lambda x: x[:, ::2].sum(1),
    "the function": lambda x: mg.sum(x, 0),
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32"])
def test_a_sum_of_whole_numbers_takes_no_memory(name, dtype):
    x = mg.from_numpy(np.ones((2000, 500), dtype))
    assert peak_of(lambda: SUMS[name](x)) < 0.25 * x.array.nbytes


@pytest.mark.parametrize("dtype", WHOLE)
def test_sums_of_whole_numbers_are_pytorchs(dtype):
    rng = np.random.default_rng(5)
    low, high = (0, 2) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for shape, dims in {(300, 7): [None, 0, (0, 1)], (3, 4, 5): [-1, (0, 2)], (0, 3): [None, 0, 1], (): [None, 0]}.items():
        array = rng.integers(low, high, shape, "int64").astype(dtype)
        x, y = mg.tensor(array), torch.tensor(array)
        rounding = 1e-6 * np.abs(array.astype(float)).sum()  # as PyTorch adds in float32
        for dim, wanted in itertools.product(dims, (None, "bool", "uint8", "int32", "int64", "float32", "float64")):
            for name in ("sum", "mean") if wanted in ("float32", "float64") else ("sum",):
                found = getattr(x, name)(dim, dim == 0, dtype=wanted)
                expected = getattr(y, name)(dim, dim == 0, dtype=wanted and getattr(torch, wanted)).numpy()
                assert (found.dtype, tuple(found.shape)) == (expected.dtype, expected.shape)
                assert np.allclose(found.numpy(), expected, 1e-14, rounding if wanted == "float32" else 0, equal_nan=True)


def test_a_mean_of_whole_numbers_still_needs_a_dtype():
    for options, got in (({}, "uint8"), ({"dtype": mg.int64}, "int64")):
        with pytest.raises(RuntimeError, match=rf"mean: expected a floating-point tensor, got {got}; use \.float\(\)"):
            mg.ones(3, dtype=mg.uint8).mean(**options)


# ---- subclasses of NumPy's array


class Priority(np.ndarray):
    __array_priority__ = 1000


class Refusing(np.ndarray):
    """An array that refuses every computation."""

    def __array_ufunc__(self, *arguments, **options):
        raise AssertionError("__array_ufunc__ was called")

    def __array_function__(self, *arguments, **options):
        raise AssertionError("__array_function__ was called")


VALUES = np.array([[0.5, -1.5, 2.0], [1.0, 0.25, -3.0]])


def typed(array):
    """Return what DoubleTensor, FloatTensor and their like make of an array of their own dtype."""
    return minigrad.functions.creation.from_old_arguments((array,), np.asarray(array).dtype.newbyteorder("="))


@pytest.fixture(scope="module", params=["rC", "rF", "r+C", "r+F", "cC"])
def memmap(request, tmp_path_factory):
    """A memmap of 4 MB: for reading, for writing or copied on writing, in order of rows or of columns."""
    path = tmp_path_factory.mktemp("memmap") / "numbers"
    np.arange(1 << 20, dtype=np.float32).tofile(path)
    return np.memmap(path, np.float32, request.param[:-1], shape=(1024, 1024), order=request.param[-1])


def subclasses():
    yield VALUES.view(Priority)
    yield VALUES.view(Refusing)
    yield VALUES.view(np.matrix)
    yield np.ma.masked_array(VALUES)
    yield np.ma.masked_array(VALUES, mask=False)
    yield VALUES[0].view(np.recarray)
    yield np.asfortranarray(VALUES).view(Priority)
    yield VALUES[::-1, ::2].view(Priority)
    yield np.array(3.0).view(Refusing)
    yield np.zeros((0, 3)).view(Priority)
    yield np.ones(4, np.int64).view(Refusing)


SUBCLASSES = list(subclasses())
BY_TYPE = [f"{type(a).__name__}{a.shape}" for a in SUBCLASSES]


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_a_memmap_is_shared_or_copied_at_once(memmap, monkeypatch):
    """As in PyTorch, from_numpy and as_tensor share, and tensor copies; no number becomes a Python object on the way."""
    monkeypatch.setattr(minigrad.functions.creation, "_plain", lambda *_: pytest.fail("the array became lists"))
    for make, shared in ((mg.from_numpy, True), (mg.as_tensor, True), (typed, True), (mg.tensor, False)):
        x = make(memmap)
        assert type(x.array) is np.ndarray and x.dtype == mg.float32 and np.array_equal(x.array, memmap)
        assert np.shares_memory(x.array, memmap) == shared
    assert peak_of(lambda: mg.from_numpy(memmap)) < 10_000
    assert peak_of(lambda: mg.tensor(memmap)) < 1.1 * memmap.nbytes


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_a_memmap_that_cannot_be_written_to_is_not_written_to(memmap):
    x = mg.from_numpy(memmap)
    if memmap.mode == "r":
        for change in (lambda: x.add_(1), lambda: x.normal_(), lambda: x.uniform_(), lambda: x[0].zero_(), lambda: x.tanh_()):
            with pytest.raises(RuntimeError, match=r"_: the tensor shows a read-only array, .*; change a clone\(\) instead"):
                change()
        with pytest.raises(RuntimeError, match="__setitem__: the tensor shows a read-only array"):
            x[0] = 1
        parameter = mg.nn.Parameter(x)
        parameter.sum().backward()
        with pytest.raises(RuntimeError, match=r"step: a parameter of shape .* cannot be updated: the tensor shows a read-only array"):
            mg.optim.SGD([parameter], lr=0.1).step()
        assert memmap[0, 0] == 0
    else:
        x[0, 0] = 5
        assert memmap[0, 0] == 5
        memmap[0, 0] = 0
        assert x[0, 0] == 0


def test_writing_to_a_memmap_through_another_tensor_is_noticed(memmap):
    """Though two plain views of one memmap have different bases, which lie on the same memory."""
    if memmap.mode == "r":
        return
    x = mg.from_numpy(memmap[:4]).requires_grad_()
    y = x.square().sum()
    mg.from_numpy(memmap[2:6]).mul_(1)
    with pytest.raises(RuntimeError, match=r"square .* saved a tensor of shape .* that was changed in place"):
        y.backward()


@pytest.mark.parametrize("array", SUBCLASSES, ids=BY_TYPE)
def test_an_array_of_a_subclass_enters_as_a_plain_one(array):
    plain = np.asarray(array)
    for make, shared in ((mg.from_numpy, True), (mg.as_tensor, True), (typed, True), (mg.tensor, False)):
        x = make(array)
        assert type(x.array) is np.ndarray and x.array.dtype == plain.dtype and x.shape == plain.shape
        assert np.array_equal(x.array, plain) and np.shares_memory(x.array, plain) == (shared and plain.size > 0)
    nested = mg.tensor([array, array])
    assert nested.dtype == plain.dtype and nested.tolist() == [plain.tolist()] * 2
    batch = mg.data.default_collate([array, array])
    assert type(batch.array) is np.ndarray and np.array_equal(batch.array, np.stack([plain, plain]))


OPERATIONS = {
    "x + a": lambda x, a: x + a,
    "a - x": lambda x, a: a - x,
    "a * x": lambda x, a: a * x,
    "x / a": lambda x, a: x / a,
    "x == a": lambda x, a: x == a,
    "x > a": lambda x, a: x > a,
    "maximum": lambda x, a: mg.maximum(x, a),
    "where": lambda x, a: mg.where(x > 0, a, x),
    "clamp": lambda x, a: x.clamp(min=a),
    "logical_and": lambda x, a: x.logical_and(a),
    "logical_or": lambda x, a: x.logical_or(a),
    "x += a": lambda x, a: x.clone().add_(a),
    "copy_": lambda x, a: x.clone().copy_(a),
    "new_tensor": lambda x, a: x.new_tensor(a),
    "x[...] = a": lambda x, a: written(x.clone(), a),
    "x[...] = a, recorded": lambda x, a: written(x.clone().requires_grad_() * 1, a).detach(),
    "backward": lambda x, a: gradient(x, a),
}


def written(x, a):
    x[...] = a
    return x


def gradient(x, a):
    x = x.clone().requires_grad_()
    (x * 2).backward(a)
    return x.grad


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("array", SUBCLASSES, ids=BY_TYPE)
def test_an_array_of_a_subclass_is_an_operand(array, name):
    x = mg.tensor(np.array(array, dtype=float)) * 2 + 1
    found, expected = OPERATIONS[name](x, array), OPERATIONS[name](x, np.array(array))
    assert type(found.array) is np.ndarray and found.dtype == expected.dtype
    assert np.array_equal(found.array, expected.array, equal_nan=True)


def test_arrays_of_subclasses_multiply_and_index():
    x = mg.tensor(VALUES)
    for kind in (Priority, Refusing):
        assert (x @ VALUES.T.view(kind)).tolist() == (x @ VALUES.T).tolist()
        assert (VALUES.T.view(kind) @ x).tolist() == (VALUES.T @ x.array).tolist()
        assert x[np.array([1, 0]).view(kind)].tolist() == VALUES[[1, 0]].tolist()
        assert x[(VALUES > 0).view(kind)].tolist() == VALUES[VALUES > 0].tolist()
    assert x[np.array([1, 0], ">i8"), 1].tolist() == VALUES[[1, 0], 1].tolist()
    assert mg.data.transforms.ToTensor()(VALUES.view(np.matrix)).tolist() == [VALUES.tolist()]


DOORS = [
    mg.tensor,
    mg.from_numpy,
    mg.as_tensor,
    mg.Tensor,
    lambda a: mg.tensor([a, a]),
    lambda a: mg.data.default_collate([a, a]),
    lambda a: mg.full((2,), a),
]
MASKED = [np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False]), np.ma.masked_array([[1, 2, 3]], [[True, False, False]])]


@pytest.mark.parametrize("array", MASKED, ids=["float", "int"])
def test_masked_values_are_refused(array):
    """Else they would come back as numbers."""
    x = mg.ones(array.shape)
    doors = [*DOORS, mg.FloatTensor, lambda a: x @ a, lambda a: x[a], lambda a: mg.data.transforms.ToTensor()(np.ma.atleast_2d(a))]
    doors += [lambda a, f=f: f(x, a) for f in OPERATIONS.values()]
    for door in doors:
        with pytest.raises(TypeError, match=r"the mask of a masked array would be lost; fill it first, e\.g\. array\.filled\(0\)"):
            door(array)
    with pytest.raises(TypeError, match="__setitem__: the mask"):
        x[0] = np.ma.masked


# ---- byte orders, dtypes and layouts

NATIVE = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", NATIVE)
def test_another_byte_order_is_converted_once(dtype):
    """PyTorch refuses it. from_numpy then returns a copy, as its docstring says."""
    plain = np.array([[0, 1, 2], [3, 100, 1]]).astype(dtype)
    array = plain.astype(plain.dtype.newbyteorder())
    lists = [lambda a: mg.tensor([list(row) for row in a]), lambda a: mg.tensor(list(a))]
    for make in (mg.tensor, mg.from_numpy, mg.as_tensor, typed, *lists):
        x = make(array)
        assert x.array.dtype == np.dtype(dtype) and x.array.dtype.isnative and np.array_equal(x.array, plain)
    assert np.shares_memory(mg.from_numpy(array).array, array) == (plain.itemsize == 1)
    assert mg.zeros(2, dtype=array.dtype).array.dtype.isnative
    assert mg.ones(2).to(array.dtype).array.dtype.isnative


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", "<f8"])
def test_an_operand_in_another_byte_order(dtype, name):
    x, array = mg.tensor(VALUES.astype(np.float32)) * 2 + 1, VALUES.astype(dtype)
    found, expected = OPERATIONS[name](x, array), OPERATIONS[name](x, array.astype(array.dtype.newbyteorder("=")))
    assert found.array.dtype.isnative and found.dtype == expected.dtype and np.array_equal(found.array, expected.array)


REFUSED = {
    "longdouble": (np.ones(3, np.longdouble), r"float\d+ data .*; use array\.astype\('float64'\)"),
    "a swapped longdouble": (np.ones(3, np.dtype(np.longdouble).newbyteorder()), r"float\d+ data .*; use array\.astype\('float64'\)"),
    "longdouble's scalar": (np.longdouble(1), r"float\d+ data .*; use array\.astype\('float64'\)"),
    "complex64": (np.ones(3, np.complex64), r"complex64 data .*; make one of array\.real and one of array\.imag"),
    "complex's scalar": (np.complex128(1j), r"complex128 data .*; make one of array\.real"),
    "object": (np.array([1, 2.0, True], object), r"object data .*; make it an array of numbers first"),
    "nothing of object": (np.array([], object), r"object data .*; make it an array of numbers first"),
    "texts": (np.array(["1", "2", "3"]), r"<U1 data .*; make numbers of texts first"),
    "bytes": (np.array([b"1", b"2", b"3"]), r"\|S1 data .*; make numbers of texts first"),
    "dates": (np.array(["2024-01-01"] * 3, "M8[D]"), r"datetime64\[D\] data .*; count the time in its units"),
    "spans of time": (np.array([1, 2, 3], "m8[s]"), r"timedelta64\[s\] data .*; count the time in its units"),
    "a date": (np.datetime64("2024-01-01"), r"datetime64\[D\] data .*; count the time in its units"),
    "records": (np.zeros(3, [("x", "f4"), ("n", "i8")]), r"'x'.* data .*; make one of each field, e\.g\. of array\['x'\]"),
    "a recarray": (np.zeros(3, [("x", "f4"), ("n", "i8")]).view(np.recarray), r"of array\['x'\]"),
    "raw memory": (np.zeros(3, "V4"), r"\|V4 data cannot be made a tensor; expected numbers or bools"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_dtypes_that_tensors_do_not_have_are_refused_everywhere(kind):
    if np.dtype(np.longdouble) == np.float64 and "longdouble" in kind:
        return  # on this platform it is no longer than a double
    array, message = REFUSED[kind]
    x = mg.ones(array.shape or 3)
    doors = [*DOORS, lambda a: x @ a, lambda a: x[a] if array.ndim else x + a]
    doors += [lambda a, f=f: f(x, a) for f in OPERATIONS.values()]
    for door in doors:
        with pytest.raises(TypeError, match=message):
            door(array)
    assert x.tolist() == mg.ones(array.shape or 3).tolist()


@pytest.mark.parametrize("dtype", ["longdouble", "complex64", object, "U3", "S2", "M8[s]", "V4", [("a", "f4")]])
def test_dtypes_that_tensors_do_not_have_are_refused_by_name(dtype):
    if np.dtype(dtype) == np.float64:
        return
    for door in (
        lambda: mg.zeros(2, dtype=dtype),
        lambda: mg.tensor([1.0], dtype=dtype),
        lambda: mg.tensor(np.ones(1), dtype=dtype),
        lambda: mg.ones(2).to(dtype=dtype),
        lambda: mg.ones(2).sum(dtype=dtype),
        lambda: mg.arange(3, dtype=dtype),
    ):
        with pytest.raises(TypeError, match=r"is not a dtype of tensors; use minigrad\.float32"):
            door()


@pytest.mark.parametrize("value", [None, "1", b"1", 1j, [None], ["1"], [1j], [[1, 2], [3, None]], {"a": 1}, object()])
def test_what_is_no_number_is_not_written_into_a_tensor(value):
    """Though NumPy makes NaN of None and numbers of texts."""
    for x in (mg.ones(2, 2), mg.ones(2, 2, requires_grad=True) * 1, mg.ones(2, 2, dtype=mg.int64)):
        with pytest.raises(TypeError, match=r"__setitem__: .* data cannot be made a tensor; expected numbers or bools"):
            x[:] = value
        assert x.tolist() == [[1, 1], [1, 1]]
    x = mg.zeros(2, 2)
    x[0], x[1] = [1, 2.5], mg.tensor([3, 4])
    assert x.tolist() == [[1, 2.5], [3, 4]]


def layouts():
    large = np.random.default_rng(3).standard_normal((300, 200))
    records = np.zeros(large.shape, [("byte", "u1"), ("x", "f8")])  # packed, so x is not aligned
    records["x"] = large
    shifted = np.frombuffer(bytearray(large.nbytes + 1), np.float64, large.size, offset=1).reshape(large.shape)
    shifted[:] = large
    fixed = large.copy()
    fixed.flags.writeable = False
    yield "a field of packed records", records["x"]
    yield "memory at an odd address", shifted
    yield "backwards", large.copy()[::-1, ::-1]
    yield "column by column", np.asfortranarray(large)
    yield "every second", np.repeat(large, 2, 1)[:, ::2]
    yield "read-only", fixed
    yield "one row repeated", np.broadcast_to(large[:1], large.shape)
    yield "swapped", large.astype(large.dtype.newbyteorder())


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize("name, array", list(layouts()), ids=[name for name, _ in layouts()])
def test_arrays_of_any_layout_compute_what_plain_ones_do(name, array):
    plain = np.array(array.astype(float), order="C")
    results = []
    for raw in (array, plain):
        x = mg.from_numpy(raw).requires_grad_()
        y = (x.tanh() * x + x.sigmoid()).sum() + x.log_softmax(1)[:, 0].mean() + (x @ mg.ones(200, 3, dtype=mg.float64)).abs().sum()
        y.backward()
        optimizer = mg.optim.Adam([p := mg.nn.Parameter(mg.tensor(raw))], lr=0.1)
        p.square().sum().backward()
        optimizer.step()
        results.append([y.item(), x.grad.array, x.sum(0).array, x.max(1).indices.array, x[[3, 1, 299]].array, p.detach().array])
    for found, expected in zip(*results):
        np.testing.assert_allclose(found, expected, 1e-12, 1e-12)
    assert np.array_equal(array, plain)  # nothing was written


def test_a_device_sums_and_refuses_as_the_host_does():
    strict = next(b for b in BACKENDS if b.name == "strict")
    with strict.active():
        x = mg.tensor(np.full((300, 40), 200, np.uint8)).cuda()
        assert [x.sum().item(), x.sum(dtype=mg.uint8).item(), x.mean(dtype=mg.float32).item()] == [2_400_000, 0, 200]
        assert x.sum(0).dtype == mg.int64 and x.sum(0).tolist() == [60_000] * 40
        with pytest.raises(TypeError, match="from_numpy: complex64 data cannot be made a tensor"):
            mg.from_numpy(x.array.astype(np.complex64))
        x[0] = [1] * 40
        with pytest.raises(TypeError, match="__setitem__: object data cannot be made a tensor"):
            x[0] = None
        assert x[:2, 0].tolist() == [1, 200]


def test_a_gradient_may_be_an_array_of_a_subclass(tmp_path):
    weights = np.memmap(tmp_path / "weights", np.float32, "w+", shape=(3,))
    weights[:] = 1, 2, 3
    for call in (lambda y, x: mg.autograd.grad(y, x, grad_outputs=weights), lambda y, x: mg.autograd.grad([y], x, grad_outputs=[weights])):
        x = mg.ones(3, requires_grad=True)
        g, = call(x * 2, x)
        assert type(g.numpy()) is np.ndarray and g.tolist() == [2, 4, 6]
    x = mg.ones(3, requires_grad=True)
    with pytest.raises(TypeError, match="mask"):
        (x * 2).backward(np.ma.array([1.0, 2, 3], mask=[0, 1, 0]))
