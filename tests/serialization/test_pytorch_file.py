"""Files that torch.save wrote are read number for number, and without running anything; whatever else is in a file is refused by name."""

import io
import os
import random
import struct
import sys
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.serialization import CheckpointError, load

MUTATIONS = 20_000 if os.environ.get("MINIGRAD_TEST_PROFILE") == "deep" else 1_500
DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "uint16", "uint32", "uint64"]


def saved(value, **options):
    """Return the bytes of the file that torch.save makes of a value."""
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def loaded(content):
    return load(io.BytesIO(content))


def assert_same(found, expected):
    """Assert that two values have the same structure and numbers, tensors with the same strides."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(found, mg.Tensor) and str(expected.dtype) == f"torch.{found.dtype}" and found.shape == expected.shape
        assert found.requires_grad == expected.requires_grad and (0 in found.shape or found.stride() == expected.stride())
        assert np.array_equal(found.detach().numpy(), expected.detach().numpy(), equal_nan=found.is_floating_point())
    elif isinstance(expected, dict):
        assert type(found) is dict and list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert type(found) is (list if isinstance(expected, list) else tuple) and len(found) == len(expected)
        for a, b in zip(found, expected):
            assert_same(a, b)
    else:
        assert type(found) is type(expected) and found == expected


# ---- what is read


def network(lib):
    return lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2))


def checkpoint():
    """Return a checkpoint as programs make it: of a network and of an optimizer after a step, with numbers and texts."""
    model = network(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model(torch.ones(5, 3)).sum().backward()
    optimizer.step()
    return {"epoch": 7, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "loss": [0.5, float("inf"), -1e-300],
            "name": "größer", "best": None, "done": True, "shape": torch.Size([2, 3]), "large": -(2**70), "nested": ({}, [], ((),))}


def test_a_checkpoint_of_pytorch_comes_back(tmp_path):
    state = checkpoint()
    torch.save(state, tmp_path / "checkpoint.pt")
    found = load(str(tmp_path / "checkpoint.pt"), map_location="cpu", weights_only=True)
    assert_same(found, state)
    model = network(mg)
    model.load_state_dict(found["model"])
    optimizer = mg.optim.Adam(model.parameters(), lr=0.5)
    optimizer.load_state_dict(found["optimizer"])
    twin = network(torch)
    twin.load_state_dict(state["model"])
    x = np.random.default_rng(0).random((6, 3), np.float32)
    assert np.allclose(model(mg.tensor(x)).detach().numpy(), twin(torch.tensor(x)).detach().numpy(), atol=1e-6)
    assert optimizer.param_groups[0]["lr"] == 0.01


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_of_each_dtype(dtype):
    x = torch.from_numpy((np.random.default_rng(0).random((3, 4)) * 3).astype(dtype))
    assert_same(loaded(saved([x, x.t(), x[1], x[0, 0], x[:0]])), [x, x.t(), x[1], x[0, 0], x[:0]])


@st.composite
def views(draw):
    """Return a tensor and views of it, of any offset and strides, also repeated and empty ones."""
    x = torch.arange(60.0).reshape(3, 4, 5)
    found = [x]
    for _ in range(draw(st.integers(0, 4))):
        view = draw(st.sampled_from(found))
        kinds = ["expand", "requires_grad"] + (["index", "slice", "transpose", "flip"] if view.ndim else [])
        kind, axis = draw(st.sampled_from(kinds)), draw(st.integers(0, max(view.ndim - 1, 0)))
        if kind == "expand":
            view = view.expand(2, *view.shape)
        elif kind == "requires_grad":
            view = view.detach().requires_grad_()
        elif kind == "transpose":
            view = view.transpose(0, axis)
        elif kind == "flip":
            view = view.flip(axis)
        elif kind == "index":
            view = view.select(axis, draw(st.integers(0, view.shape[axis] - 1))) if view.shape[axis] else view
        else:
            view = view[draw(st.integers(0, 3)):draw(st.integers(0, 4)):draw(st.integers(1, 3))]
        found.append(view)
    return found


@given(views())
def test_views_come_back_with_their_strides(tensors):
    assert_same(loaded(saved([x.detach().requires_grad_(x.requires_grad) for x in tensors])), tensors)


def test_tensors_that_share_a_storage_share_memory():
    x = torch.arange(6.0)
    a, b, other = loaded(saved([x, x.view(2, 3)[1], torch.ones(6)]))
    a[4] = 100
    assert b.tolist() == [3, 100, 5] and not np.shares_memory(a.numpy(), other.numpy())


def test_parameters_are_tensors_that_require_a_gradient():
    weight, frozen = loaded(saved([torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2), requires_grad=False)]))
    assert weight.requires_grad and not frozen.requires_grad and weight.is_leaf
    (weight * 3).sum().backward()
    assert weight.grad.tolist() == [3, 3]


def test_dtypes_come_back():
    assert loaded(saved({"dtype": torch.float16})) == {"dtype": mg.float16}


def test_a_device_for_each_tensor_and_its_errors():
    x = torch.ones(2)
    assert load(io.BytesIO(saved([x, 3])), lambda tensor, location: tensor * 2 if location == "cpu" else None)[0].tolist() == [2, 2]
    with pytest.raises(TypeError, match="nowhere"):  # which is no damage
        load(io.BytesIO(saved(x)), "nowhere")


def rewritten(content, change):
    """Return a zip file with the parts of another, each after `change(name, content)`."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w") as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    return file.getvalue()


def test_the_byte_order_is_that_of_the_file():
    def swapped(name, content):
        if name.endswith("byteorder"):
            return b"big" if content == b"little" else b"little"
        return np.frombuffer(content, np.float32).byteswap().tobytes() if "/data/" in name else content

    assert_same(loaded(rewritten(saved(torch.arange(5.0)), swapped)), torch.arange(5.0))


def test_files_before_the_byte_order_was_written_are_read():
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved({"a": torch.arange(3)}))) as before, zipfile.ZipFile(file, "w") as after:
        for name in ("archive/data.pkl", "archive/data/0"):
            after.writestr(name, before.read(name))
    assert loaded(file.getvalue())["a"].tolist() == [0, 1, 2]


# ---- what is refused, by name


class Harmful:
    def __reduce__(self):
        return os.system, ("touch harm",)


REFUSED = {
    "a layer": (torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear"),
    "bfloat16": (torch.ones(2, dtype=torch.bfloat16), "torch.BFloat16Storage"),
    "complex numbers": (torch.ones(2, dtype=torch.complex64), "torch.ComplexFloatStorage"),
    "float8": (torch.ones(2, dtype=torch.float8_e5m2), "torch.float8_e5m2"),
    "a sparse tensor": (torch.eye(2).to_sparse(), "torch._utils._rebuild_sparse_tensor"),
    "a set": ({1, 2}, "__builtin__.set"),
    "bytes": (b"x", "_codecs.encode"),
    "an array": (np.ones(2), "numpy._core.multiarray._reconstruct"),
    "a device": (torch.device("cpu"), "torch.device"),
    "a function": (print, "__builtin__.print"),
    "a key": ({(1, 2): 3}, r"keys that are texts or whole numbers of 64 bits, found \(1, 2\)"),
    "a long key": ({1 << 64: 3}, "whole numbers of 64 bits"),
    "harm": (Harmful(), "posix.system|nt.system"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_anything_else_is_refused_by_its_name(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    value, name = REFUSED[kind]
    for content in (saved(value), saved({"a": [value, torch.ones(2)]})):
        with pytest.raises(CheckpointError, match=rf"the file object: expected .*({name})"):
            loaded(content)
    assert os.listdir() == []


def test_the_format_before_version_1_6_is_refused(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"old\.pt: .* from version 1\.6 on, found one of an older PyTorch; load it with"):
        load(tmp_path / "old.pt")


def with_pickle(content):
    """Return a file with one tensor's storage and this pickle."""
    return rewritten(saved(torch.arange(6.0)), lambda name, part: content if name.endswith("data.pkl") else part)


def tensor_pickle(offset, size, stride, key=b"0", length=6, kind=b"FloatStorage"):
    """Return a pickle of one tensor with any numbers, each of 64 bits."""
    def number(n):
        return b"\x8a\x09" + n.to_bytes(9, "little", signed=True)

    storage = b"(X\7\0\0\0storagectorch\n" + kind + b"\nX\1\0\0\0" + key + b"X\3\0\0\0cpu" + number(length) + b"tQ"
    sizes = b"".join(b"(" + b"".join(map(number, numbers)) + b"t" for numbers in (size, stride))
    return b"\x80\2ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + sizes + b"\x89}tR."


def test_the_forger_can_make_a_sound_file():
    assert loaded(with_pickle(tensor_pickle(1, (2, 2), (3, 1)))).tolist() == [[1, 2], [4, 5]]


EMPTY = tensor_pickle(0, (1000, 0), (1, 1))
HUGE = tensor_pickle(0, (1 << 40,), (0,))  # one element repeated, which takes no memory; going through it would take for ever
FORGED = {
    "beyond the end": tensor_pickle(1, (6,), (1,)),
    "beyond the end by strides": tensor_pickle(0, (2, 2), (5, 1)),
    "before the beginning": tensor_pickle(-1, (6,), (1,)),
    "a negative size": tensor_pickle(0, (-1,), (1,)),
    "a negative stride": tensor_pickle(5, (2,), (-1,)),
    "2^124 elements": tensor_pickle(0, (1 << 62, 1 << 62), (0, 0)),
    "a stride that wraps around": tensor_pickle(0, (3,), (1 << 63,)),
    "a size of 2^64": tensor_pickle(0, (1 << 64,), (0,)),
    "fewer strides": tensor_pickle(0, (2, 2), (1,)),
    "100 axes": tensor_pickle(0, (1,) * 100, (1,) * 100),
    "another length": tensor_pickle(0, (2,), (1,), length=7),
    "another dtype": tensor_pickle(0, (2,), (1,), kind=b"DoubleStorage"),
    "bools that are neither": tensor_pickle(0, (2,), (1,), length=24, kind=b"BoolStorage"),
    "no such storage": tensor_pickle(0, (2,), (1,), key=b"7"),
    "an unknown storage": tensor_pickle(0, (2,), (1,), kind=b"QInt8Storage"),
    "no pickle": b"",
    "an empty stack": b"\x80\2.",
    "no end": b"\x80\2]",
    "a memo that takes 64 GB": b"\x80\2r\xff\xff\xff\xff.",
    "a text of 4 GB": b"\x80\2X\xff\xff\xff\xffab.",
    "bytes of 2^60": b"\x80\5\x96" + (1 << 60).to_bytes(8, "little") + b".",
    "a list in itself": b"\x80\2]q\0h\0a.",
    "a dict in itself": b"\x80\2}q\0X\1\0\0\0ah\0s.",
    "1,000 levels": b"\x80\2)" + b"\x85" * 1_000 + b".",
    "100,000 levels as a key": b"\x80\2})" + b"\x85" * 100_000 + b"K\1s.",
    "5^40 values": b"\x80\2]q\0" + b"".join(b"](" + b"h%c" % i * 5 + b"eq%c" % (i + 1) for i in range(40)) + b".",
    "an extension": b"\x80\2\x82\1.",
    "an instance": b"\x80\2(ibuiltins\nlist\n.",
    "an object": b"\x80\2ccollections\nOrderedDict\n)\x81.",
    "eval": b"\x80\2cbuiltins\neval\nX\4\0\0\x001+1\x85R.",
    "eval by a later protocol": b"\x80\4\x8c\x08builtins\x8c\4eval\x93.",
    "a text that is called": b"\x80\2X\4\0\0\0eval)R.",
    "a dict that is called": b"\x80\2})R.",
    "a function as a value": b"\x80\2ctorch\nSize\n.",
    "a storage as a value": b"\x80\2(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK\6tQ.",
    "a tensor as a storage": tensor_pickle(0, (2,), (1,))[:-1] + b"0.",
    "a list as a dict": b"\x80\2]K\1K\2s.",
    "a dict as a list": b"\x80\2}K\1a.",
    "a text that Python warns of": b"\x80\2S'\\z'\n.",
    "a storage called 3": b"\x80\2K\3Q.",
    "a tensor in place of a storage":
        EMPTY[:-1] + b"q\0ctorch._utils\n_rebuild_tensor_v2\n(h\0ctorch\nfloat32\n\x86K\0(M\xe8\3t(K\1t\x89}tR.",
    "arguments in a tensor": b"\x80\2ctorch\nSize\n" + HUGE[2:-1] + b"R.",
    "a size in a tensor": b"\x80\2ctorch\nSize\n" + HUGE[2:-1] + b"\x85R.",
    "a storage in a tensor": HUGE[:-1] + b"Q.",
    "sizes in a tensor": HUGE[:-1] + b"q\0" + tensor_pickle(0, (2,), (1,))[2:].replace(b"(\x8a\x09\2" + bytes(8) + b"t", b"h\0"),
}


@pytest.mark.parametrize("kind", FORGED)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_forged_pickles_are_refused(kind):
    with pytest.raises(CheckpointError, match="the file object: "):
        loaded(with_pickle(FORGED[kind]))


def zip_of(parts, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return file.getvalue()


def claiming(content, size):
    """Return a zip file whose directory claims another size of the storage."""
    at = content.index(b"archive/data/0", content.index(b"PK\1\2")) - 46
    return content[:at + 20] + struct.pack("<II", size, size) + content[at + 28:]


SOUND = saved(torch.arange(6.0))
PARTS = [(name, zipfile.ZipFile(io.BytesIO(SOUND)).read(name)) for name in ("archive/data.pkl", "archive/data/0")]
ZIPS = {
    "another zip": zip_of([("x", b"y")]),
    "an empty zip": b"PK\5\6" + bytes(18),
    "only a beginning": b"PK\3\4",
    "compressed": zip_of(PARTS, compression=zipfile.ZIP_DEFLATED),
    "a bomb": zip_of([PARTS[0], ("archive/data/0", bytes(1 << 24))], compression=zipfile.ZIP_DEFLATED),
    "4 GB claimed": claiming(SOUND, 0xFFFF_FFF0),
    "a storage of another size": zip_of([PARTS[0], ("archive/data/0", bytes(20))]),
    "a part outside": zip_of([("../data.pkl", PARTS[0][1])]),
}


@pytest.mark.parametrize("kind", ZIPS)
def test_other_and_damaged_zip_files_are_refused(kind):
    with pytest.raises(CheckpointError, match="the file object: "):
        loaded(ZIPS[kind])


def test_a_file_of_too_many_parts_is_refused(monkeypatch):
    monkeypatch.setattr("minigrad.serialization.pytorch_file.MAX_TENSORS", 1)
    with pytest.raises(CheckpointError, match="expected at most 1 parts"):
        loaded(SOUND)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_files_are_refused_or_harmless():
    """Bits of zip files and of the pickles in them are changed, cut, repeated: each file is read, or raises the one error."""
    rng, content = random.Random(0), saved(checkpoint())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inner = archive.read("archive/data.pkl")
    refused = 0
    for i in range(MUTATIONS):
        data = bytearray(content if i % 2 else inner)
        for _ in range(rng.choice((1, 1, 3))):
            at = rng.randrange(len(data))
            change = rng.randrange(4)
            if change == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif change == 1:
                data[at:at + rng.choice((1, 4, 16))] = rng.randbytes(rng.choice((0, 1, 4)))
            elif change == 2:
                data[at:at] = data[at:at + 16]
            elif rng.random() < 0.2:
                del data[at + 1:]
        try:
            loaded(bytes(data) if i % 2 else zip_of([("archive/data.pkl", bytes(data)), *PARTS[1:]]))
        except CheckpointError:
            refused += 1
    assert refused > MUTATIONS // 3


def test_reading_imports_nothing_and_leaves_no_trace():
    """Python's own unpickler would look the names up."""
    before = set(sys.modules)
    module = b"\x80\2cthis\ns\n."
    with pytest.raises(CheckpointError, match=r"found this.s; nothing of the file was run"):
        loaded(with_pickle(module))
    assert "this" not in set(sys.modules) - before
