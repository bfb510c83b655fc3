"""Replacing a file: whichever call fails, and wherever the process dies, the file is the old one or the new one."""

import errno
import itertools
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from minigrad.serialization import atomic

CALLS = ("open", "write", "fsync", "replace", "close", "unlink", "listdir")
OLD, NEW = b"old " * 100, b"new content, longer than the old one " * 100


class FaultyDisk:
    """The os module, whose n-th file call fails, and all later ones if `forever`, as in a crash."""

    def __init__(self, n, *, forever=False, error=errno.EIO, short_writes=False):
        self.n, self.forever, self.error, self.short_writes = n, forever, error, short_writes
        self.count = 0

    def __getattr__(self, name):
        function = getattr(os, name)
        return self._guarded(name, function) if name in CALLS else function

    def _guarded(self, name, function):
        def call(*args, **kwargs):
            self.count += 1
            if self.count == self.n or (self.forever and self.count > self.n):
                if name == "write":  # half of the bytes are written
                    function(args[0], args[1][: len(args[1]) // 2])
                raise OSError(self.error, os.strerror(self.error))
            if name == "write" and self.short_writes:
                return function(args[0], args[1][:7])
            return function(*args, **kwargs)

        return call


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    return path


def test_replaces_the_content_and_leaves_nothing_else(target):
    atomic.replace_file(target, [NEW[:10], memoryview(NEW[10:]), b""])
    assert target.read_bytes() == NEW
    assert os.listdir(target.parent) == ["file"]


def test_writes_a_file_that_was_not_there(tmp_path):
    atomic.replace_text(tmp_path / "new", "grüße")
    assert (tmp_path / "new").read_text(encoding="utf-8") == "grüße"
    assert not (tmp_path / "new").stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def test_short_writes_are_continued(target, monkeypatch):
    monkeypatch.setattr(atomic, "os", FaultyDisk(-1, short_writes=True))
    atomic.replace_file(target, [NEW])
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("forever", [False, True], ids=["one call fails", "all later calls fail too"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_whatever_call_fails_the_file_is_whole(target, monkeypatch, error, forever):
    failures = 0
    for n in itertools.count(1):
        target.write_bytes(OLD)
        disk = FaultyDisk(n, forever=forever, error=error)
        with monkeypatch.context() as patched:
            patched.setattr(atomic, "os", disk)
            try:
                atomic.replace_file(target, [NEW[:100], NEW[100:]])
            except OSError as failure:
                assert failure.errno == error
                failures += 1
        renamed = target.read_bytes() == NEW
        assert renamed or target.read_bytes() == OLD
        if disk.count < n:  # nothing failed, so every call has been tried
            assert renamed
            break
    assert failures == n - 1 >= 9  # list, open, two writes, fsync, close, rename, and the folder's three
    atomic.replace_file(target, [NEW])
    assert os.listdir(target.parent) == ["file"]  # this save removed what the failures left behind


def test_before_the_rename_a_failure_leaves_the_old_file(target, monkeypatch):
    class NoRename(FaultyDisk):
        def replace(self, *args):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic, "os", NoRename(-1))
    with pytest.raises(OSError, match="No space left"):
        atomic.replace_file(target, [NEW])
    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == ["file"]


def test_data_reaches_the_disk_before_the_name_does(target, monkeypatch):
    calls = []

    class Recorder:
        def __getattr__(self, name):
            function = getattr(os, name)
            if name not in CALLS:
                return function
            return lambda *args, **kwargs: (calls.append(name), function(*args, **kwargs))[1]

    monkeypatch.setattr(atomic, "os", Recorder())
    atomic.replace_file(target, [NEW])
    assert calls == ["listdir", "open", "write", "fsync", "close", "replace", "open", "fsync", "close"]


def test_only_its_own_stale_files_are_removed(target):
    stale = target.with_name(".file.0123456789abcdef.tmp")
    others = [
        ".file.notes.tmp",
        ".file.abc.tmp",
        ".file.tmp",
        ".other.0123456789abcdef.tmp",
        "file.0123456789abcdef.tmp",
    ]
    for name in [stale.name, *others]:
        target.with_name(name).write_bytes(b"")
    atomic.replace_file(target, [NEW])
    assert sorted(os.listdir(target.parent)) == sorted(["file", *others])


@pytest.mark.skipif(os.name != "posix", reason="makes a symbolic link")
def test_a_link_stays_a_link(target):
    link = target.with_name("link")
    link.symlink_to(target)
    atomic.replace_file(link, [NEW])
    assert link.is_symlink()
    assert target.read_bytes() == NEW


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        atomic.replace_file(tmp_path / "missing" / "file", [NEW])


WRITER = """
import itertools, sys
from minigrad.serialization.atomic import replace_file
for n in itertools.count():
    replace_file(sys.argv[1], [bytes([n % 256]) * 100_000] * 5)
    print("saved", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_killed_writers_never_tear_the_file(tmp_path):
    target = tmp_path / "file"
    for trial in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, target], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(0.003 * trial)
            writer.send_signal(signal.SIGKILL)
        content = target.read_bytes()
        assert len(content) == 500_000
        assert len(set(content)) == 1
    atomic.replace_file(target, [NEW])
    assert os.listdir(tmp_path) == ["file"]
