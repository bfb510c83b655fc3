"""Programs written for PyTorch run here with only their import lines changed, and print the same."""

import contextlib
import io
import math
import re
from pathlib import Path

import pytest
import torch

import minigrad

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
NUMBER = re.compile(r"(?<![A-Za-z_0-9.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+)", re.IGNORECASE)
IMPORTS = (
    (r"^import torch$", "import minigrad as torch"),
    (r"^import torch\.(\S+) as ", r"import minigrad.\1 as "),
    (r"^from torch import ", "from minigrad import "),
    (r"^from torch\.utils\.data import ", "from minigrad.data import "),
    (r"^from torch\.(\S+) import ", r"from minigrad.\1 import "),
)


def with_minigrad_imports(source):
    """Return `source` with its import lines changed, and nothing else."""
    for in_torch, in_minigrad in IMPORTS:
        source = re.sub(in_torch, in_minigrad, source, flags=re.MULTILINE)
    return source


def printed(library, source, name):
    """Return the lines that the program prints. Defaults that it may set are restored."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(source, name, "exec"), {"__name__": "__main__"})
    finally:
        library.set_default_dtype(library.float32)
        library.set_printoptions(profile="default")
    return out.getvalue().splitlines()


def close(a, b):
    x, y = float(a), float(b)
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)


def same_line(in_minigrad, in_torch):
    """Return whether text and numbers (to 1e-9) are the same; spaces do not count, as -0 and 0 shift columns."""
    texts, others = ([text.replace(" ", "") for text in NUMBER.split(line)] for line in (in_minigrad, in_torch))
    return texts == others and all(map(close, NUMBER.findall(in_minigrad), NUMBER.findall(in_torch)))


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_prints_what_it_prints_with_pytorch(path):
    source = path.read_text()
    in_torch = printed(torch, source, path.name)
    in_minigrad = printed(minigrad, with_minigrad_imports(source), path.name)
    wrong = [
        f"line {n}\n  minigrad {a}\n  PyTorch  {b}"
        for n, (a, b) in enumerate(zip(in_minigrad, in_torch), 1)
        if not same_line(a, b)
    ]
    assert not wrong, "\n".join(wrong)
    assert len(in_minigrad) == len(in_torch) > 5


def test_the_readme_says_how_many_programs_there_are():
    readme = Path(__file__).parents[1] / "README.md"
    assert f"has {len(PROGRAMS)} such programs" in readme.read_text(encoding="utf-8")


def test_no_program_asks_which_library_runs_it():
    for path in PROGRAMS:
        assert "minigrad" not in path.read_text(), path.name


@pytest.mark.parametrize(
    ("in_minigrad", "in_torch", "same"),
    [
        ("loss 0.123456789", "loss 0.1234567890001", True),
        ("loss 0.12345", "loss 0.12346", False),
        ("tensor([1., 2.])", "tensor([1, 2])", True),
        ("tensor([1., 2.])", "tensor([1., 2.], requires_grad=True)", False),
        ("1e-3 -2", "1e-03 -2.0", True),
        ("Linear2", "Linear3", False),
    ],
)
def test_the_comparison_of_lines(in_minigrad, in_torch, same):
    assert same_line(in_minigrad, in_torch) is same
