"""The program that shows a failed check again, and the file that holds it if it is large."""

import ast
import os
import re
import stat
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import GradcheckError, check_vjp, gradcheck
from minigrad.testing.program.writer import Writer
from minigrad.testing.reproducer import LARGE_PROGRAM, reproducer, save
from support.gradcheck_functions import factor
from support.subprocesses import run

# ---- the program


def test_the_program_defines_what_it_checks_and_checks_it():
    text = reproducer("gradcheck", factor, [mg.tensor([0.5]), 2.0], {"rtol": 1e-9, "allow_kinks": True})
    assert text.startswith("import minigrad as mg\nfrom minigrad.testing import gradcheck\n") and "\ndef factor(x):\n" in text
    assert text.endswith("\nx0 = mg.tensor([0.5], dtype=mg.float32)\nx1 = 2.0\n"
                         "gradcheck(factor, (x0, x1,), rtol=1e-09, allow_kinks=True)\n")


def forward(x):
    return x * 2


def backward(g, x):
    return g * 3


def test_the_program_of_each_check():
    array = np.ones(2)
    assert reproducer("check_vjp", (forward, backward), (array, array), {"names": ["a", "b"]}) == (
        "from minigrad.testing import check_vjp\nimport numpy as np\n\n"
        "def forward(x):\n    return x * 2\n\ndef backward(g, x):\n    return g * 3\n\n"
        "x0 = np.array([1.0, 1.0])\nx1 = x0\ncheck_vjp(forward, backward, x0, x1, names=['a', 'b'])\n")
    assert reproducer("check_torch", forward, (), {"order": 2}) == (
        "from minigrad.testing import check_torch\n\ndef forward(x):\n    return x * 2\n\ncheck_torch(forward, order=2)\n")
    assert reproducer("check_jax", forward, [{"w": (1.0, None)}], {}).endswith("\nx0 = {'w': (1.0, None)}\ncheck_jax(forward, x0)\n")
    assert reproducer("gradcheck", forward, [], {}).endswith("\ngradcheck(forward, ())\n")
    assert "\ncheck_vjp(forward, [backward, backward], x0)\n" in reproducer("check_vjp", (forward, [backward, backward]), [1.0], {})


x0 = 5.0
x1_of_user = np.ones(1)


def uses_the_name_of_an_input(x):
    return x * x0 * x1_of_user


def test_names_of_inputs_are_free():
    text = reproducer("check_vjp", (uses_the_name_of_an_input, backward), [x1_of_user, 2.0, [x1_of_user]], {"params": {"w": x1_of_user}})
    assert text.endswith("\nx0_1 = x1_of_user\nx1 = 2.0\nx2 = [x1_of_user]\n"
                         "check_vjp(uses_the_name_of_an_input, backward, x0_1, x1, x2, params={'w': x1_of_user})\n")
    assert "\nx0 = 5.0\n" in text


def test_a_program_that_asks_for_something_is_a_program():
    exec("def hidden(x): return x", space := {})
    text = reproducer("check_vjp", (space["hidden"], (value for value in ())), [object, iter([])], {"surrogate": space["hidden"]})
    ast.parse(text)
    assert "hidden = ...  # put your hidden here: its source was not found" in text and "surrogate=hidden" in text


@pytest.mark.parametrize("call, arguments", [("check_vjp", "forward, backward, *inputs"), ("gradcheck", "function, inputs")])
def test_whatever_goes_wrong_ends_in_a_program(call, arguments, monkeypatch):
    monkeypatch.setattr(Writer, "unique", refuse)
    text = reproducer(call, (forward, backward), [1.0], {})
    ast.parse(text)
    assert "inputs = ...  # put your inputs here: " in text and text.endswith(f"\n{call}({arguments})\n")
    assert reproducer("check_vjp", None, None, None).endswith("\ncheck_vjp(forward, backward, *inputs)\n")
    monkeypatch.setattr(Writer, "lines", lambda writer: ["return"])
    monkeypatch.setattr(Writer, "unique", lambda writer, name: name)
    assert reproducer(call, (forward, backward), [1.0], {}) == text


# ---- large programs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_GRADCHECK_DIR", str(tmp_path / "made" / "here"))
    return tmp_path / "made" / "here"


LONG = "# é\n" + "x = 1\n" * LARGE_PROGRAM


def test_a_short_program_is_not_written(folder):
    assert save("x" * LARGE_PROGRAM, "f") is None and not folder.exists()
    assert save("x" * (LARGE_PROGRAM + 1), "f").parent == folder


def test_a_large_program_is_written_once(folder):
    path = save(LONG, "soft")
    assert path.read_text(encoding="utf-8") == LONG and re.fullmatch(r"soft_[0-9a-f]{12}\.py", path.name)
    inode = path.stat().st_ino
    assert save(LONG, "soft") == path and path.stat().st_ino == inode and os.listdir(folder) == [path.name]
    other = save(LONG + "\n", "soft")
    assert other != path and sorted(os.listdir(folder)) == sorted([path.name, other.name])


def test_a_file_is_never_overwritten(folder):
    path = save(LONG, "soft")
    path.write_text("changed by its reader")
    second = save(LONG, "soft")
    assert second.name == path.stem + "_2.py" and path.read_text() == "changed by its reader" and second.read_text(encoding="utf-8") == LONG
    second.unlink()
    second.mkdir()
    assert save(LONG, "soft").name == path.stem + "_3.py"


@pytest.mark.parametrize("name, start", [("<lambda>", "lambda_"), ("../../etc/x", "etc_x_"), ("", "function_"), ("é", "function_"),
                                         ("x" * 300, "x" * 60 + "_"), ("a.b[0]", "a_b_0_")])
def test_names_of_files(folder, name, start):
    path = save(LONG, name)
    assert path.parent == folder and path.name.startswith(start) and len(path.name) < 90


def test_texts_that_utf_8_does_not_have_are_written(folder):
    assert b"\\udc80" in save(f"# \udc80{LONG}", "f").read_bytes()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("MINIGRAD_GRADCHECK_DIR", str(file / "below"))
    assert save(LONG, "f") is None
    monkeypatch.setenv("MINIGRAD_GRADCHECK_DIR", str(tmp_path))
    monkeypatch.setattr(os, "link", refuse)
    assert save(LONG, "f") is None and os.listdir(tmp_path) == ["file"]


def refuse(*arguments):
    raise PermissionError


def test_the_folder_among_the_temporary_files_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.delenv("MINIGRAD_GRADCHECK_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = save(LONG, "f")
    assert path.parent == tmp_path / "minigrad-gradcheck" and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    monkeypatch.setattr(os, "getuid", lambda: -1)
    assert save(LONG + "\n", "f") is None


def test_a_relative_folder_gives_an_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_GRADCHECK_DIR", "here")
    assert save(LONG, "f").is_absolute() and (tmp_path / "here").is_dir()


# ---- programs that are run


def failure(text, folder):
    """Return the first line of the GradcheckError that ends a program, which runs in a process of its own."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    done = run(path, MINIGRAD_GRADCHECK_DIR=folder)
    assert done.returncode == 1 and "GradcheckError: " in done.stderr, done.stderr
    return done.stderr.partition("GradcheckError: ")[2].splitlines()[0]


def first_line(error):
    return str(error.value).splitlines()[0]


class Dense:
    """A layer that forgets to sum over the batch."""

    def __init__(self, n):
        self.weight = np.linspace(-1, 1, n * n).reshape(n, n)
        self.grad = np.zeros((n, n))

    def forward(self, x):
        self.x = x
        return np.tanh(x @ self.weight)

    def backward(self, g):
        g = g * (1 - np.tanh(self.x @ self.weight) ** 2)
        self.grad = self.x.T @ g * 1.01
        return g @ self.weight.T


def test_a_failed_check_of_a_layer_is_repeated(tmp_path):
    layer = Dense(3)
    with pytest.raises(GradcheckError) as error:
        check_vjp(layer.forward, layer.backward, np.linspace(0, 1, 6).reshape(2, 3),
                  params={"W": layer.weight}, grads=lambda: {"W": layer.grad})
    report = error.value.report
    assert report.reproducer_file is None and "params={'W': dense.weight}" in report.reproducer
    assert failure(report.reproducer, tmp_path) == first_line(error)


def test_a_failed_check_of_a_large_array_is_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_GRADCHECK_DIR", str(tmp_path))
    with pytest.raises(GradcheckError) as error:
        check_vjp(forward, backward, np.random.default_rng(0).standard_normal((100, 100)))
    path = error.value.report.reproducer_file
    assert isinstance(path, Path) and str(path) in str(error.value) and len(str(error.value)) < 2000
    assert failure(path.read_text(encoding="utf-8"), tmp_path) == first_line(error)


def test_a_failed_gradcheck_is_repeated(tmp_path):
    with pytest.raises(GradcheckError) as error:
        gradcheck(factor, mg.tensor([0.5, 1.0], dtype=mg.float64, requires_grad=True))
    assert failure(error.value.reproducer, tmp_path) == first_line(error)
