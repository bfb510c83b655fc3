"""Turn the tests of other files into plain functions, for the mutation run, except tests with fixtures that FIXTURES lacks."""

import functools
import importlib.util
import inspect
import itertools
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from support.backends import BACKENDS

TESTS = Path(__file__).parents[1]


@contextmanager
def folder_of_its_own():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def strict_device():
    (backend,) = [b for b in BACKENDS if b.name == "strict"]
    with backend.active():
        yield backend


FIXTURES = {"tmp_path": folder_of_its_own, "device": strict_device, "strict": strict_device}


def tests(*modules, examples):
    """Return {name: function without arguments}; Hypothesis draws `examples` examples."""
    found = {}
    for module_name in modules:
        module = file_as_module(module_name)
        for name, function in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(function) and function.__module__ == module_name:
                found.update({f"{module_name}.{name}{label}": f for label, f in cases(function, examples)})
    return found


def file_as_module(name):
    """Import the file of tests/ with this dotted name, also if a package is installed under the name of its folder (autograd)."""
    spec = importlib.util.spec_from_file_location(name, path_of(name))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def path_of(name):
    """Return the path of the file of tests/ with this dotted name."""
    return TESTS.joinpath(*name.split(".")).with_suffix(".py")


def cases(function, examples):
    """Yield (label, function without arguments) for each set of parameters."""
    marks = getattr(function, "pytestmark", [])
    if any(mark.name in ("gpu", "slow", "skipif", "skip") for mark in marks):
        return
    if hasattr(function, "hypothesis"):
        function = with_examples(function, examples)
    tables = [table(mark) for mark in marks if mark.name == "parametrize"]
    for i, rows in enumerate(itertools.product(*tables)):
        arguments = {k: v for row in rows for k, v in row.items()}
        fixtures = [k for k, p in inspect.signature(function).parameters.items() if k not in arguments and p.default is p.empty]
        if not set(fixtures) <= set(FIXTURES):
            return
        yield f"[{i}]" if tables else "", functools.partial(with_fixtures, function, fixtures, arguments)


def with_fixtures(function, names, arguments):
    with ExitStack() as stack:
        return function(**arguments, **{name: stack.enter_context(FIXTURES[name]()) for name in names})


def table(mark):
    """Return the rows of a parametrize mark as dicts."""
    names, rows = mark.args[:2]
    names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    plain = [row.values if isinstance(row, type(pytest.param(0))) else (row,) if len(names) == 1 else row for row in rows]
    return [dict(zip(names, row)) for row in plain]


def with_examples(function, examples):
    """Return a test of Hypothesis with settings that make it quick and the same each time."""
    quick = settings(function._hypothesis_internal_use_settings, max_examples=examples, derandomize=True, database=None, deadline=None,
                     suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False)
    function._hypothesis_internal_use_settings = quick
    return function
