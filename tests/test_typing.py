"""The package is typed for its users: mypy and Pyright accept good programs, and report each wrong line."""

import importlib.util
import inspect
import pathlib
import re
import runpy
import sys

import pytest

import minigrad as mg
from minigrad import nn, optim
from support.optional_tools import needs
from support.type_checkers import check_types, find_pyright

FOLDER = pathlib.Path(__file__).parent / "typed"
checkers = needs(importlib.util.find_spec("mypy") is not None and find_pyright() is not None, "needs mypy and basedpyright")


@checkers
def test_a_typed_program_is_accepted():
    assert check_types([FOLDER / "client.py"]) == []


def test_the_typed_program_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["client.py", str(tmp_path)])
    runpy.run_path(str(FOLDER / "client.py"), run_name="__main__")


@checkers
def test_each_wrong_line_is_reported_by_both_and_no_other_line():
    lines = (FOLDER / "wrong.py").read_text().split("\n")
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    found = {"mypy": set(), "pyright": set()}
    for problem in check_types([FOLDER / "wrong.py"]):
        found[problem.checker].add(problem.line)
    for checker, reported in found.items():
        assert {lines[n - 1] for n in wrong - reported} == set(), f"not reported by {checker}"
        assert {lines[n - 1] for n in reported - wrong} == set(), f"reported by {checker}, though right"


def test_a_misspelled_name_is_an_error():
    for module, name in ((mg, "tanhh"), (mg.autograd, "gradd"), (mg.data, "Loader")):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(module, name)


# ---- every public name

PLACES = {
    "mg": mg, "mg.Tensor": mg.Tensor, "mg.Generator": mg.Generator, "mg.autograd": mg.autograd,
    "mg.autograd.functional": mg.autograd.functional, "mg.cuda": mg.cuda, "mg.nn": nn,
    "mg.nn.functional": nn.functional, "mg.nn.init": nn.init, "mg.nn.Module": nn.Module, "mg.optim": optim,
    "mg.optim.Optimizer": optim.Optimizer, "mg.optim.lr_scheduler": optim.lr_scheduler, "mg.data": mg.data,
}  # fmt: skip
NO_DOCSTRING = (int, float, str, bool, type(None), mg.dtype)  # constants, and NumPy's dtypes


def public_names():
    """Yield (name, object) for all that minigrad shows its users."""
    for place, home in PLACES.items():
        for name in getattr(home, "__all__", None) or [name for name in dir(home) if not name.startswith("_")]:
            found = inspect.getattr_static(home, name) if inspect.isclass(home) else getattr(home, name)
            if not isinstance(found, NO_DOCSTRING) and found is not mg.dtype and not inspect.ismemberdescriptor(found):
                yield f"{place}.{name}", found


PUBLIC = list(public_names())
FUNCTIONS = [(name, found) for name, found in PUBLIC if inspect.isfunction(found)]


@pytest.mark.parametrize("name, found", PUBLIC, ids=[name for name, _ in PUBLIC])
def test_every_public_name_has_a_docstring_of_a_sentence(name, found):
    text = inspect.getdoc(found) or ""
    first = text.split("\n\n")[0]
    assert re.search(r"[a-z]{3}", first) and first[-1] in ".:", f"{name}: {text!r}"
    if inspect.isroutine(found):
        assert re.match(r"[A-Z][a-z]+ ", text), f"{name}: says what is returned or done, a verb first, not {first!r}"


@pytest.mark.parametrize("name, found", FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_every_public_function_is_annotated(name, found):
    signature = inspect.signature(found)
    untyped = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    assert untyped == [] and signature.return_annotation is not signature.empty


def test_each_public_function_is_written_once():
    both = [name for name in mg.__all__ if inspect.isfunction(getattr(mg, name)) and inspect.isfunction(getattr(mg.Tensor, name, None))]
    assert len(both) > 50
    assert [name for name in both if getattr(mg, name) is not getattr(mg.Tensor, name)] == []
