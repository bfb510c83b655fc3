"""Saved state comes back bit for bit, in PyTorch too; a damaged file always raises CheckpointError."""

import hashlib
import io
import json
import os
import random
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

import minigrad as mg
from minigrad import nn, optim
from minigrad._tensor import Tensor
from minigrad.functions.creation import from_numpy
from minigrad.serialization import CheckpointError, load, save
from minigrad.serialization.tensor_file import (
    HEADER_DIGEST,
    MAX_HEADER_BYTES,
    TENSOR_DIGESTS,
    read_tensor_file,
)

MUTATIONS = 10_000 if os.environ.get("MINIGRAD_TEST_PROFILE") == "deep" else 2_000
DTYPES = ["float64", "float32", "int64", "uint8", "bool"]


def arrays_of_all_kinds():
    rng = np.random.default_rng(0)
    arrays = {dtype: (rng.random((3, 5)) * 3).astype(dtype) for dtype in DTYPES}
    return arrays | {
        "transposed": rng.random((4, 6)).T,
        "every second": np.arange(10, dtype=np.int64)[::2],
        "backwards": rng.random(7)[::-1],
        "broadcast": np.broadcast_to(rng.random(3), (2, 3)),
        "scalar": np.array(1.5),
        "empty": np.zeros((0, 4), np.float32),
        "extremes": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
        "ключ ü": np.ones(1),
    }


def optimizer_state():
    """Return a nested state like that of a run's checkpoint."""
    rng = np.random.default_rng(1)
    slot = {"step": from_numpy(np.array(3.0)), "exp_avg": from_numpy(rng.random((3, 2)))}
    return {
        "model": {"0.weight": from_numpy(rng.random((3, 2))), "0.bias": from_numpy(rng.random(3))},
        "optimizer": {
            "state": {0: slot, 1: {}},
            "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0, 1]}],
        },
        "generator": from_numpy(np.arange(16, dtype=np.uint8)),
        "metrics": [{"loss": float("nan"), "epoch": 1, "phase": "pretrain", "best": None, "done": False}],
    }


def assert_same(a, b):
    """Assert equality in type, nesting, order and bits."""
    assert type(a) is type(b)
    if isinstance(a, Tensor):
        assert a.array.dtype == b.array.dtype
        assert a.array.shape == b.array.shape
        assert a.array.tobytes() == b.array.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a == b or (a != a and b != b)


# What is stored comes back


def test_state_comes_back_to_the_bit(tmp_path):
    state = optimizer_state()
    save(state, tmp_path / "state")
    assert_same(load(tmp_path / "state"), state)


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_tensors_of_all_kinds_come_back_and_are_writable(tmp_path):
    state = {name: from_numpy(array) for name, array in arrays_of_all_kinds().items()}
    save(state, tmp_path / "state")
    loaded = load(tmp_path / "state")
    assert_same(loaded, state)
    assert all(tensor.array.flags.writeable and tensor.array.flags.aligned for tensor in loaded.values())


@pytest.mark.parametrize("value", [{}, [], (), None, 3, -0.0, "", {"a": {}}, {1: "one", "1": 1}, [[], ((),)]])
def test_state_without_tensors_comes_back(tmp_path, value):
    save(value, tmp_path / "state")
    assert_same(load(tmp_path / "state"), value)


def test_a_tensor_alone_and_names_that_collide(tmp_path):
    one, two = from_numpy(np.ones(2)), from_numpy(np.zeros(3))
    for state in (one, {"a.b": one, "a": {"b": two}, "__metadata__": one}, {"": one, "tensor": two}):
        save(state, tmp_path / "state")
        assert_same(load(tmp_path / "state"), state)


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for name in "ab":
        save(optimizer_state(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_saving_does_not_touch_or_share_the_tensors(tmp_path):
    array = np.arange(4.0)
    save({"x": from_numpy(array)}, tmp_path / "state")
    load(tmp_path / "state")["x"].array[:] = 7
    assert array.tolist() == [0, 1, 2, 3]


# File objects, and where the tensors go


def test_a_file_object_is_written_and_read_from_where_it_stands(tmp_path):
    state = optimizer_state()
    save(state, tmp_path / "state")
    memory = io.BytesIO(b"before")
    memory.seek(6)
    save(state, memory)
    assert memory.getvalue() == b"before" + (tmp_path / "state").read_bytes()
    memory.seek(6)
    assert_same(load(memory), state)
    with open(tmp_path / "state", "wb") as file:
        save(state, f=file)
    with open(tmp_path / "state", "rb") as file:
        assert_same(load(f=file, weights_only=False, pickle_module=None), state)
    damaged = (tmp_path / "state").read_bytes()[:-1]
    with pytest.raises(CheckpointError, match="the file object: expected"):
        load(io.BytesIO(damaged))


def test_what_is_no_file_for_bytes_is_refused(tmp_path):
    with pytest.raises(TypeError, match="save: expected a path or a file opened with mode 'wb', found StringIO"):
        save({}, io.StringIO())
    with open(tmp_path / "text", "w+") as file, pytest.raises(TypeError, match=r"load: expected .* mode 'rb', found TextIOWrapper"):
        load(file)
    for wrong in (3, None):
        with pytest.raises(TypeError, match="expected a path or a file"):
            save({}, wrong)
        with pytest.raises(TypeError, match="expected a path or a file"):
            load(wrong)


@pytest.mark.parametrize("place", [None, "cpu", "a device", {"cuda:0": "cpu"}, {"cpu": "cpu"}, lambda storage, location: storage,
                                   lambda storage, location: None])
def test_every_kind_of_map_location_that_leads_to_the_cpu(tmp_path, place):
    state = optimizer_state()
    save(state, tmp_path / "state")
    assert_same(load(tmp_path / "state", map_location=mg.device("cpu") if place == "a device" else place), state)


def test_map_location_decides_where_each_tensor_goes(tmp_path):
    save({"a": from_numpy(np.ones(2)), "b": 3}, tmp_path / "state")
    doubled = load(tmp_path / "state", lambda tensor, location: tensor * 2 if location == "cpu" else None)
    assert doubled["a"].tolist() == [2, 2] and doubled["b"] == 3
    for place in ("nowhere", {"cpu": "nowhere"}):
        with pytest.raises(TypeError, match="nowhere"):
            load(tmp_path / "state", place)


def test_a_model_or_an_optimizer_is_not_saved_whole(tmp_path):
    model = nn.Linear(2, 1)
    for whole in (model, {"model": model}, [optim.SGD(model.parameters(), lr=1)]):
        with pytest.raises(TypeError, match=r"save: state.*found (Linear|SGD); save its state_dict\(\)"):
            save(whole, tmp_path / "state")


# PyTorch's safetensors


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_safetensors_reads_minigrads_file(tmp_path):
    arrays = arrays_of_all_kinds()
    save({name: from_numpy(array) for name, array in arrays.items()}, tmp_path / "by-minigrad")
    loaded = safetensors.torch.load_file(tmp_path / "by-minigrad")
    assert set(loaded) == set(arrays)
    for name, array in arrays.items():
        assert loaded[name].numpy().tobytes() == array.tobytes()
        assert loaded[name].shape == array.shape
        assert str(loaded[name].dtype) == f"torch.{array.dtype}"


def test_every_tensor_is_aligned_in_the_file(tmp_path):
    """As readers that map the file into memory need it."""
    save({dtype: from_numpy(np.zeros(3, dtype)) for dtype in reversed(DTYPES)}, tmp_path / "by-minigrad")
    content = (tmp_path / "by-minigrad").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert (8 + length) % 8 == 0
    for dtype in DTYPES:
        assert header[dtype]["data_offsets"][0] % np.dtype(dtype).itemsize == 0


def test_minigrad_reads_safetensors_file(tmp_path):
    arrays = {name: np.array(array, order="C") for name, array in arrays_of_all_kinds().items()}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    for metadata in (None, {"format": "pt"}):
        safetensors.torch.save_file(tensors, tmp_path / "by-safetensors", metadata)
        loaded = load(tmp_path / "by-safetensors")
        assert set(loaded) == set(arrays)
        for name, array in arrays.items():
            assert_same(loaded[name], from_numpy(array))


def test_a_dtype_that_numpy_lacks_is_refused_by_name(tmp_path):
    safetensors.torch.save_file({"half": torch.zeros(2, dtype=torch.bfloat16)}, tmp_path / "by-safetensors")
    with pytest.raises(CheckpointError, match=r"'half': dtype: expected one of F64, .*, found 'BF16'"):
        load(tmp_path / "by-safetensors")


# What cannot be stored


def test_save_names_what_it_cannot_store(tmp_path):
    path = tmp_path / "state"
    with pytest.raises(TypeError, match=r"state\['a'\]\[1\]: expected a tensor, .*, found set"):
        save({"a": [1, {2}]}, path)
    with pytest.raises(TypeError, match=r"found ndarray; wrap it with minigrad.from_numpy"):
        save({"a": np.ones(2)}, path)
    with pytest.raises(TypeError, match=r"keys of type str or int, found \(1, 2\)"):
        save({(1, 2): 3}, path)
    with pytest.raises(ValueError, match="store long lists of numbers as tensors"):
        save(list(range(300_000)), path)
    with pytest.raises(ValueError, match="does it contain itself"):
        loop = {}
        loop["loop"] = loop
        save(loop, path)
    assert os.listdir(tmp_path) == []


def test_a_failed_save_leaves_the_old_file(tmp_path):
    save([1], tmp_path / "state")
    with pytest.raises(TypeError):
        save([object()], tmp_path / "state")
    assert load(tmp_path / "state") == [1]


# Damaged files


def mutated(content, rng):
    """Return `content` with one random damage of the kinds that disks, networks and programs do."""
    size = len(content)
    at, length = rng.randrange(size), rng.choice([1, 2, 8, 64, 512])
    if rng.random() < 0.5:  # the header is short, but damaged half of the time
        at = rng.randrange(8 + int.from_bytes(content[:8], "little"))
    before, after = content[:at], content[at:]
    kind = rng.randrange(8)
    if kind <= 2:
        return before + bytes([after[0] ^ 1 << rng.randrange(8)]) + after[1:]
    if kind == 3:
        return before  # the file is truncated
    if kind == 4:
        return before + after[length:]
    if kind == 5:
        return before + rng.randbytes(length) + after
    if kind == 6:
        other = [bytes(length), rng.randbytes(length), after[length : 2 * length]]
        return before + rng.choice(other) + after[length:]
    return content + rng.randbytes(length)


def test_no_damage_goes_unnoticed(tmp_path):
    path = tmp_path / "state"
    save(optimizer_state(), path)
    content = path.read_bytes()
    seed = random.randrange(1 << 32)  # pytest-randomly seeds `random`
    rng = random.Random(seed)
    for number in range(MUTATIONS):
        damaged = mutated(content, rng)
        if damaged == content:
            continue
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"expected .*, found ") as caught:
            print(f"mutation {number} of seed {seed} loads:", load(path))
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 1_000


def test_every_single_flipped_bit_of_a_small_file_is_noticed(tmp_path):
    path = tmp_path / "state"
    save({"w": from_numpy(np.array([1.0, 2.0]))}, path)
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        with pytest.raises(CheckpointError):
            load(path)


def test_mutated_foreign_files_are_read_as_safetensors_reads_them_or_refused(tmp_path):
    """Without digests a changed bit in the data is not noticed; but minigrad accepts only what safetensors accepts."""
    tensors = {"a": np.arange(3.0), "b": np.arange(4, dtype=np.int64).reshape(2, 2), "c": np.array([True])}
    content = safetensors.numpy.save(tensors, {"format": "pt"})
    path = tmp_path / "by-safetensors"
    rng = random.Random(random.randrange(1 << 32))
    refused = 0
    for _ in range(MUTATIONS // 4):
        path.write_bytes(mutated(content, rng))
        try:
            loaded = load(path)
        except CheckpointError:
            refused += 1
            continue
        expected = safetensors.numpy.load_file(path)
        assert {name: tensor.array.tobytes() for name, tensor in loaded.items()} == {
            name: array.tobytes() for name, array in expected.items()
        }
    assert refused > MUTATIONS // 10


def forged(entries, data, metadata=None, *, digests=None, structure=None):
    """Return a file whose digests are right, whatever else is wrong."""
    names = [name for name in entries if isinstance(entries[name], dict)]
    structure = structure or {"dict": [[name, {"tensor": name}] for name in names]}
    if digests is None:
        digests = {}
        for name in names:
            begin, end = entries[name]["data_offsets"]
            digests[name] = hashlib.sha256(data[begin:end]).hexdigest()
    own = {"minigrad.structure": json.dumps(structure), TENSOR_DIGESTS: json.dumps(digests)}
    metadata = own | {HEADER_DIGEST: "0" * 64} | (metadata or {})
    metadata = {key: value for key, value in metadata.items() if value is not None}
    header = json.dumps({"__metadata__": metadata} | entries).encode()
    header = header.replace(b"0" * 64, hashlib.sha256(header).hexdigest().encode())
    return len(header).to_bytes(8, "little") + header + data


def entry(dtype="F64", shape=(2,), offsets=(0, 16)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


DATA = np.arange(2.0).tobytes()
A_B = {"a": entry(), "b": entry("I64", (1,), (16, 24))}
FORGED = {
    "claims 2^31 elements": (
        forged({"a": entry(shape=(1 << 31, 28, 28))}, DATA),
        "13469017440256 bytes, found 16",
    ),
    "claims 2^80 elements": (forged({"a": entry(shape=(1 << 40, 1 << 40))}, DATA), "less than 2\\^63 bytes"),
    "an empty monster": (forged({"a": entry(shape=(0, 1 << 62, 1 << 62), offsets=(0, 0))}, b""), "2\\^63"),
    "100 dimensions": (forged({"a": entry(shape=(1,) * 100, offsets=(0, 8))}, DATA[:8]), "at most 64 sizes"),
    "a negative size": (forged({"a": entry(shape=(-2, -1))}, DATA), "sizes, found \\[-2, -1\\]"),
    "a fractional size": (forged({"a": entry(shape=(2.0,))}, DATA), "sizes, found \\[2.0\\]"),
    "a true size": (forged({"a": entry(shape=(True, 2))}, DATA), "sizes, found \\[True, 2\\]"),
    "another dtype": (forged({"a": entry("F32")}, DATA), "F32 of shape \\[2\\]: expected 8 bytes, found 16"),
    "no dtype": (forged({"a": entry("F99")}, DATA), "found 'F99'"),
    "a list as dtype": (forged({"a": entry([])}, DATA), "found \\[\\]"),
    "a gap": (forged({"a": entry(shape=(1,), offsets=(8, 16))}, DATA), "its data at 0, found 8"),
    "an overlap": (
        forged({"a": entry(), "b": entry(shape=(1,), offsets=(8, 16))}, DATA),
        "data at 16, found 8",
    ),
    "data after the end": (forged({"a": entry()}, DATA + b"x"), "16 bytes of data, found 17"),
    "data missing": (forged({"a": entry()}, DATA[:-1]), "16 bytes of data, found 15"),
    "offsets reversed": (forged({"a": entry(offsets=(16, 0))}, DATA), "\\[begin, end\\], found \\[16, 0\\]"),
    "three offsets": (forged({"a": entry(offsets=(0, 8, 16))}, DATA, digests={}), "\\[begin, end\\]"),
    "an entry too long": (forged({"a": entry() | {"x": 1}}, DATA), "dtype, shape and data_offsets"),
    "an entry that is none": (forged({"a": entry(), "b": 3}, DATA), "dtype, shape and data_offsets, found 3"),
    "truth that is neither": (
        forged({"a": entry("BOOL", (2,), (0, 2))}, b"\1\2"),
        "0 and 1 for BOOL, found 2",
    ),
    "an extra tensor": (forged(A_B, DATA + DATA[:8], structure={"tensor": "a"}), "none of \\['b'\\]"),
    "a missing tensor": (
        forged({"a": entry()}, DATA, structure={"list": [{"tensor": "b"}]}),
        "'tensor': 'b'",
    ),
    "a tensor used twice": (
        forged({"a": entry()}, DATA, structure={"list": [{"tensor": "a"}] * 2}),
        "here once",
    ),
    "a digest missing": (forged({"a": entry()}, DATA, digests={}), "expected \\['a'\\], found \\{\\}"),
    "a wrong digest": (forged({"a": entry()}, DATA, digests={"a": "0"}), "SHA-256 of its data: expected '0'"),
    "a digest that is none": (
        forged({"a": entry()}, DATA, digests={"a": 5}),
        "SHA-256 of its data: expected 5",
    ),
    "digests that are none": (forged({"a": entry()}, DATA, digests=["a"]), "found \\['a'\\]"),
    "a key twice": (forged({}, b"", structure={"dict": [["k", 1], ["k", 2]]}), "expected a value"),
    "a key that is none": (forged({}, b"", structure={"dict": [[[], 1]]}), "expected a value"),
    "an unknown kind": (forged({}, b"", structure={"set": []}), "expected a value, .*'set'"),
    "a structure too deep": (
        forged({}, b"", structure=json.loads('{"list":[' * 99 + "]}" * 99)),
        "expected a value",
    ),
    "no structure": (
        forged({"a": entry()}, DATA, {"minigrad.structure": None}),
        "metadata: expected 'minigrad.structure', found",
    ),
    "no digests": (
        forged({"a": entry()}, DATA, {TENSOR_DIGESTS: None}),
        f"metadata: expected '{TENSOR_DIGESTS}', found",
    ),
    "metadata that is no text": (forged({}, b"", {"x": 3}), "texts by name"),
    "structure that is no JSON": (forged({}, b"", {"minigrad.structure": "{"}), "expected JSON, found '\\{'"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_files_with_right_digests_are_refused(tmp_path, name):
    content, message = FORGED[name]
    (tmp_path / "forged").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path / "forged")


def test_the_forger_can_make_a_sound_file(tmp_path):
    (tmp_path / "forged").write_bytes(forged(A_B, DATA + DATA[:8]))
    sound = {"a": from_numpy(np.arange(2.0)), "b": from_numpy(np.zeros(1, np.int64))}
    assert_same(load(tmp_path / "forged"), sound)


def raw(header):
    return len(header).to_bytes(8, "little") + header


ENTRY = b'{"dtype":"F64","shape":[0],"data_offsets":[0,0]}'
LIMIT = 1 << 20
HEADERS = {
    "nothing": b"",
    "a list": raw(b"[]"),
    "white space first": raw(b" {}"),
    "a tensor twice": raw(b'{"a":%s,"a":%s}' % (ENTRY, ENTRY)),
    "metadata twice": raw(b'{"__metadata__":{},"__metadata__":{}}'),
    "no UTF-8": raw(b'{"\xff":1}'),
    "a lone surrogate": raw(b'{"__metadata__":{"minigrad.header_sha256":"\\ud800"}}'),
    "a lone surrogate as a digest": raw(
        b'{"__metadata__":{"minigrad.header_sha256":"\\ud800","minigrad.tensor_sha256":"{}"}}'
    ),
    "an empty digest": raw(b'{"__metadata__":{"minigrad.header_sha256":"","minigrad.tensor_sha256":"{}"}}'),
    "one key of minigrad's": raw(b'{"__metadata__":{"minigrad.structure":"3"}}'),
    "a number of a million digits": raw(b'{"a":' + b"9" * 1_000_000 + b"}"),
    "a header length of 2^64 - 1": b"\xff" * 8 + b"{}",
    "a header larger than the limit": (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{}",
    "brackets": raw(b'{"a":' + b"[" * (LIMIT - 10)),
    "empty lists": raw(b'{"a":[' + b"[]," * (LIMIT // 3 - 10) + b"[]]}"),
    "empty objects": raw(b'{"a":[' + b"{}," * (LIMIT // 3 - 10) + b"{}]}"),
    "empty names": raw(b'{"a":{' + b'"":0,' * (LIMIT // 5 - 10) + b'"":0}}'),
    "many names": raw(("{" + ",".join(f'"{n:x}":0' for n in range(100_000)) + "}").encode()[:LIMIT]),
    "many sizes": raw(b'{"a":{"dtype":"F64","data_offsets":[0,0],"shape":[' + b"0," * 400_000 + b"0]}}"),
    "wide letters": raw(('{"a":"' + "\U0001f600" + "a" * (LIMIT - 50) + '"}').encode()),
}


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_headers_are_refused_in_little_memory(tmp_path, name):
    (tmp_path / "hostile").write_bytes(HEADERS[name])
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"hostile.*: expected .*, found "):
            load(tmp_path / "hostile")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64e6


def test_reading_takes_the_honest_size_and_little_more(tmp_path):
    save({"x": from_numpy(np.zeros(4_000_000))}, tmp_path / "state")
    tracemalloc.start()
    state = load(tmp_path / "state")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert state["x"].array.nbytes == 32e6
    assert peak < 32e6 + 8e6


def test_a_model_is_not_half_loaded(tmp_path):
    """After an attempt with another network's state, or a damaged file, the model's bytes are as before."""
    model, other = (
        nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)),
        nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4)),
    )
    before = {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}
    save(other.state_dict(), tmp_path / "state")
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.weight"):
        model.load_state_dict(load(tmp_path / "state"))
    state = other.state_dict()
    del state["1.weight"], state["1.bias"]
    save(state, tmp_path / "state")
    with pytest.raises(RuntimeError, match="Missing key"):
        model.load_state_dict(load(tmp_path / "state"))
    content = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(content[:-1])
    with pytest.raises(CheckpointError):
        model.load_state_dict(load(tmp_path / "state"))
    assert {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()} == before
    save(model.state_dict(), tmp_path / "state")
    twin = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    twin.load_state_dict(load(tmp_path / "state"))
    assert {name: tensor.numpy().tobytes() for name, tensor in twin.state_dict().items()} == before


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="expected a file, found a folder"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a named pipe")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="expected a file, found a device or pipe"):
        load(tmp_path / "pipe")


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path, monkeypatch):
    save({"x": from_numpy(np.zeros(1000))}, tmp_path / "state")
    size = (tmp_path / "state").stat().st_size
    real = os.fstat

    def before_it_shrank(descriptor):
        result = real(descriptor)
        os.truncate(tmp_path / "state", size - 100)
        return result

    monkeypatch.setattr("minigrad.serialization.tensor_file.os.fstat", before_it_shrank)
    with pytest.raises(CheckpointError, match="'x': expected 8000 bytes, found 7900; the file is truncated"):
        read_tensor_file(tmp_path / "state")
