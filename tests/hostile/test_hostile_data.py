"""Unusual files: gzip files of several members, states of many tensors, the package in a zip file."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import minigrad.data.idx
from minigrad import nn, optim
from minigrad.data.idx import IdxError, read_idx
from minigrad.serialization import tensor_file
from minigrad.serialization.tensor_file import MAX_HEADER_BYTES, MAX_TENSORS, CheckpointError
from support.idx_files import header, idx, same

MB = 1024**2
IMAGES = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
RAW = idx(IMAGES)
EMPTY = gzip.compress(b"", mtime=0)  # the member with which bgzip ends a file


def members(content, size):
    """Return `content` in gzip members of `size` bytes each."""
    return [gzip.compress(content[i : i + size]) for i in range(0, len(content), size)]


# ---- gzip files of several members


@pytest.mark.parametrize("size", [1, 2, 3, 15, 16, 30, 75, 76])
@pytest.mark.parametrize("piece", [1, 2, 19, 20, 21, 16 * 1024])
def test_a_gzip_file_of_several_members_is_read_whole(write, monkeypatch, size, piece):
    monkeypatch.setattr(minigrad.data.idx, "PIECE", piece)
    assert same(read_idx(write(b"".join(members(RAW, size)))), IMAGES)
    assert same(read_idx(write(EMPTY + EMPTY.join(members(RAW, size)) + EMPTY)), IMAGES)


@pytest.mark.parametrize("zeros", [1, 2, 511, 100_000])
def test_zeros_after_a_gzip_member_are_ignored(write, zeros):
    """Tapes and tar pad files with zeros; Python's gzip skips them between members too."""
    content = bytes(zeros).join([*members(RAW, 40), b""])
    assert gzip.decompress(content) == RAW
    assert same(read_idx(write(content)), IMAGES)


@pytest.mark.parametrize(
    "end, message",
    [
        (b"x", "the end of the file, zeros or another gzip member after the gzip data, found 78"),
        (b"\0\0garbage", "zeros or another gzip member after the gzip data, found 6761"),
        (b"\x1f", "zeros or another gzip member after the gzip data, found 1f"),
        (b"\x1f\x8b", "expected more gzip data, found the end of the file; the file is truncated"),
        (EMPTY[:-1], "expected more gzip data, found the end of the file; the file is truncated"),
        (EMPTY[:-1] + b"x", "damaged gzip data"),
        (gzip.compress(b"y", mtime=0), "elements: expected 60 bytes, found more"),
        (gzip.compress(RAW, mtime=0), "elements: expected 60 bytes, found more"),
    ],
)
def test_what_is_no_gzip_member_after_the_last_is_an_error(write, end, message):
    for before in (b"", EMPTY, bytes(100)):
        with pytest.raises(IdxError, match=message):
            read_idx(write(gzip.compress(RAW) + before + end))


def test_a_truncated_member_is_an_error(write):
    """Wherever the file is cut; a cut between two members leaves too few elements."""
    content = b"".join(members(RAW, 20))
    for length in range(len(content)):
        with pytest.raises(IdxError, match=r"truncated|found 1f"):
            read_idx(write(content[:length]))


def test_a_bomb_of_many_members_takes_no_memory(write):
    """The number of elements that a file may claim depends on its size alone; 100,000 empty members take no time either."""
    block = gzip.compress(bytes(8 * MB), 9)
    claims_400_mb = gzip.compress(header("uint8", (400 * MB,))) + block * 50
    claims_1000_bytes = gzip.compress(header("uint8", (1000,))) + EMPTY * 100_000 + block * 50
    for content, message in ((claims_400_mb, "a gzip bomb"), (claims_1000_bytes, "expected 1,000 bytes, found more")):
        path = write(content)
        tracemalloc.start()
        try:
            with pytest.raises(IdxError, match=message):
                read_idx(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < MB


# ---- states of many tensors


def layers(seed):
    """Return 600 small layers, and Adam for all of them."""
    mg.manual_seed(seed)
    net = nn.ModuleList([nn.Linear(2, 3) for _ in range(600)])
    return net, optim.Adam(net.parameters(), lr=1e-2)


def step(net, optimizer):
    optimizer.zero_grad()
    x = mg.tensor([[0.5, -1.0], [2.0, 0.25]])
    mg.stack([(layer(x) - 1).square().sum() for layer in net]).sum().backward()
    optimizer.step()


def test_adam_of_600_layers_goes_on_from_a_file(tmp_path):
    net, optimizer = layers(1)
    step(net, optimizer)
    mg.save({"model": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state")
    assert int.from_bytes((tmp_path / "state").read_bytes()[:8], "little") > 1 << 20  # the header takes more than 1 MB
    state = mg.load(tmp_path / "state")
    other, its_optimizer = layers(2)
    other.load_state_dict(state["model"])
    its_optimizer.load_state_dict(state["optimizer"])
    step(net, optimizer)
    step(other, its_optimizer)
    for (name, one), (_, two) in zip(net.state_dict().items(), other.state_dict().items()):
        assert one.numpy().tobytes() == two.numpy().tobytes(), name


def seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def flat(n):
    return {f"layer.{i}": mg.ones(1) for i in range(n)}


def colliding(n):
    """Return n tensors in nested dicts whose paths are all a.a.a…: {"a": {"a": x}, "a.a": y}, and so on."""
    found = {"a": mg.ones(1)}
    for _ in range(n.bit_length() - 1):
        found = {"a": found, **{f"a.{key}": value for key, value in found.items()}}
    return found


@pytest.mark.parametrize("state", [flat, colliding])
def test_saving_many_tensors_takes_time_in_proportion(tmp_path, state):
    few, many = state(512), state(4096)
    shortest = [min(seconds(lambda: mg.save(s, tmp_path / "state")) for _ in range(2)) for s in (few, many)]  # noqa: B023
    assert shortest[1] < 20 * shortest[0]  # for eight times as many tensors
    assert len(str(mg.load(tmp_path / "state"))) == len(str(many))


ENTRY = '{"dtype":"F64","shape":[0],"data_offsets":[0,0]}'
OFFSETS = ",".join(['"data_offsets"'] * 20_000)  # each name may stand before 32 values
HOSTILE = {
    "a length beyond the file": ("9" * 2000, "header length: expected 2 to "),
    "brackets": ('{"a":' + "[" * 8 * MB, "header: expected at most 262,144 values, found 8,388,609"),
    "empty lists": ('{"a":[' + "[]," * 3 * MB + "[]]}", "header: expected at most 262,144 values, found 6,291,459"),
    "empty objects": ('{"a":[' + "{}," * 3 * MB + "{}]}", "header: expected at most 262,144 values"),
    "zeros": ('{"a":[' + "0," * 4 * MB + "0]}", "header: expected at most 262,144 values"),
    "names of nothing": ('{"a":{' + '"":0,' * 2 * MB + '"":0}}', "header: expected at most 262,144 values"),
    "tiny tensors": ("{" + ",".join(f'"{i:x}":{ENTRY}' for i in range(MAX_TENSORS + 1)) + "}", "at most 262,144 tensors, found 262,145"),
    "values for tensors that are none": (f'{{"a":[{OFFSETS},' + "{}," * 400_000 + "0]}", "tensor 'a': expected dtype, shape"),
    "a long name": ('{"' + "a" * 8 * MB + '":0}', "expected dtype, shape and data_offsets, found 0"),
    "spaces": ("{" + " " * 8 * MB, "header: expected JSON"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_large_hostile_headers_are_refused_in_memory_in_proportion(write, kind):
    """Memory stays in proportion to the file: empty lists and objects would take 24 times its size, so they are counted first."""
    text, message = HOSTILE[kind]
    length = 10**15 if kind == "a length beyond the file" else len(text)
    path = write(length.to_bytes(8, "little") + text.encode())
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=message):
            mg.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64e6 + 4 * len(text)


def test_a_header_above_the_limit_is_not_read(write):
    path = write((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{}")
    os.truncate(path, 2 * MAX_HEADER_BYTES)  # this makes a sparse file
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="header length: expected 2 to 100000000 bytes, found 100000001"):
            mg.load(path)
        assert tracemalloc.get_traced_memory()[1] < MB
    finally:
        tracemalloc.stop()


def test_what_cannot_be_loaded_is_not_saved(tmp_path, monkeypatch):
    path = tmp_path / "state"
    with pytest.raises(ValueError, match="values, expected at most 262,144; store long lists of numbers as tensors"):
        mg.save(list(range(300_000)), path)
    monkeypatch.setattr(tensor_file, "MAX_HEADER_BYTES", 10_000)
    monkeypatch.setattr(tensor_file, "MAX_TENSORS", 100)
    with pytest.raises(ValueError, match="bytes, expected at most 10,000; store"):
        mg.save("a" * 10_000, path)
    with pytest.raises(ValueError, match=r"at most 100 tensors, found 101; join small ones with minigrad\.cat"):
        mg.save([mg.ones(())] * 101, path)
    with pytest.raises(TypeError, match="found 9223372036854775808, which has more than 64 bits"):
        mg.save({1 << 63: 0}, path)
    assert not path.exists()


def test_numbers_of_one_hash_as_keys_take_no_time(tmp_path):
    """hash(n) is n modulo 2^61 - 1, and a dict of 40,000 keys with one hash takes a quarter of a minute."""
    pairs = ",".join(f"[{(2**61 - 1) * i}, 0]" for i in range(1, 40_000))
    mg.save({}, tmp_path / "state")
    head = json.loads((tmp_path / "state").read_bytes()[8:])
    head["__metadata__"] |= {"minigrad.structure": f'{{"dict": [{pairs}]}}', "minigrad.header_sha256": "0" * 64}
    text = json.dumps(head).encode()
    text = text.replace(b"0" * 64, hashlib.sha256(text).hexdigest().encode())
    (tmp_path / "state").write_bytes(len(text).to_bytes(8, "little") + text)

    def load():
        with pytest.raises(CheckpointError, match="expected a value"):
            mg.load(tmp_path / "state")

    assert seconds(load) < 2


# ---- the package in a zip file


FROM_ZIP = """
import minigrad
assert ".zip" in minigrad.__file__, minigrad.__file__
from minigrad.data import MNIST, FashionMNIST, IdxError, load_mnist
from minigrad.data.mnist import bundled
digits = MNIST(train=False)
assert len(digits) == 10_000 and digits[0][1] == 7 and digits[0][0].sum() == 18_454
assert load_mnist()[1][:5].tolist() == [5, 0, 4, 1, 9]
assert (bundled() / "NOTICE").is_file()
try:
    FashionMNIST()
except IdxError:
    print("done")
"""


def zipped_package(path, leave_out=""):
    root = Path(minigrad.__file__).parent
    with zipfile.ZipFile(path, "w") as file:
        for found in sorted(root.rglob("*")):
            if found.is_file() and "__pycache__" not in found.parts and not (leave_out and leave_out in found.parts):
                file.write(found, found.relative_to(root.parent))


def run(program, path, folder):
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(path), "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_bundled_mnist_is_found_in_a_zip_file(tmp_path):
    zipped_package(tmp_path / "package.zip")
    done = run(FROM_ZIP, tmp_path / "package.zip", tmp_path / "temporary")
    assert done.stdout == "done\n", done.stderr
    assert list((tmp_path / "temporary").iterdir()) == []  # unpacked files are removed


def test_a_zip_file_without_the_bundled_mnist_says_so(tmp_path):
    zipped_package(tmp_path / "package.zip", leave_out="bundled")
    done = run("from minigrad.data import MNIST; MNIST()", tmp_path / "package.zip", tmp_path / "temporary")
    assert "IdxError" in done.stderr and "expected a folder with train-images-idx3-ubyte.gz or train-images-idx3-ubyte" in done.stderr
