"""The pytest plugin: the fixture and marker `gradcheck`, the options `--gradcheck-…`, and failures whose first line is the finding.

pytest loads it in every session where minigrad is installed, so nothing is imported before a test needs it. The next word tells pytest
that this module has no assertions to rewrite, and so may be imported before: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from minigrad.testing.findings import Report

__tracebackhide__ = True  # pytest shows none of this module's frames, so that a traceback ends at the caller's line
MARKER = ("gradcheck(**options): the default options of the fixture gradcheck in this test, such as rtol=1e-4 or audit=True; "
          "each test that uses the fixture carries this marker, so that -m gradcheck selects them")
OF_CHECK_VJP = ("cache", "grads")  # the options that only check_vjp has
ITEM = pytest.StashKey[pytest.Item]()  # in the config: the test that runs, or ran last
RESULTS = pytest.StashKey["Results"]()  # in a test: what its checks reported
SEED = pytest.StashKey[int]()  # in the config: the seed to restore


# ---- options, header and marker


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the three options."""
    group = parser.getgroup("gradcheck", "gradient checks (minigrad.testing)")
    group.addoption("--gradcheck-report", metavar="FILE.html",
                    help="write a page on all checks of the fixture gradcheck: verdicts, precision, time, blind spots, reproducers")
    group.addoption("--gradcheck-seed", type=int, default=0, metavar="N", help="seed of the directions that the checks draw (default: 0)")
    group.addoption("--gradcheck-audit", action="store_true",
                    help="plant mistakes in each gradient that the fixture gradcheck checks, and report those that would not be noticed")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, set the seed, and prepare the page."""
    config.addinivalue_line("markers", MARKER)
    if config.getoption("gradcheck_seed"):  # 0 is the default of the checks themselves, and needs no import
        from minigrad.testing import checking

        config.stash[SEED], checking.DIRECTIONS_SEED = checking.DIRECTIONS_SEED, config.getoption("gradcheck_seed")
    path = config.getoption("gradcheck_report")
    worker = hasattr(config, "workerinput")  # a process of pytest-xdist, which sends its reports to the main process
    if path is not None and not worker and not config.getoption("collectonly"):
        if Path(path).is_dir():
            raise pytest.UsageError(f"--gradcheck-report={path}: this is a folder; give the name of a file, such as gradients.html")
        config.pluginmanager.register(PageWriter(config, Path(path)), "gradcheck_page")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Restore the seed."""
    if SEED in config.stash:
        from minigrad.testing import checking

        checking.DIRECTIONS_SEED = config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Return the line with the seed."""
    audit = ", every check is audited" if config.getoption("gradcheck_audit") else ""
    return f"gradcheck: seed {config.getoption('gradcheck_seed')}{audit}"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark each test that uses the fixture, and shorten what Hypothesis does when it fails."""
    if "gradcheck" not in getattr(item, "fixturenames", ()):
        return
    if item.get_closest_marker("gradcheck") is None:
        item.add_marker("gradcheck")
    leave_out_explain_phase(getattr(item, "obj", None))


def leave_out_explain_phase(test: Any) -> None:
    """Leave the phase `explain` out of a Hypothesis test: it repeats a failure up to 500 times, and names lines of the check."""
    test = getattr(test, "__func__", test)
    settings = getattr(test, "_hypothesis_internal_use_settings", None)
    if settings is not None:
        phases = [phase for phase in settings.phases if phase.name != "explain"]
        test._hypothesis_internal_use_settings = type(settings)(parent=settings, phases=phases)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the fixture know which test runs, and refuse a marker with an option that does not exist."""
    item.config.stash[ITEM] = item
    __tracebackhide__ = False  # where all frames are hidden, pytest says so below the message
    if problem := marker_problem(item):
        pytest.fail(problem, pytrace=False)


def marker_problem(item: pytest.Item) -> str:
    """Return what is wrong with the test's markers, or an empty string."""
    for mark in item.iter_markers("gradcheck"):
        if mark.args:
            return f"@pytest.mark.gradcheck takes options by name, such as rtol=1e-4, not {mark.args[0]!r}"
        if mark.kwargs:
            from minigrad.testing.checking import complete

            try:
                complete({name: value for name, value in mark.kwargs.items() if name not in OF_CHECK_VJP}, "@pytest.mark.gradcheck")
            except TypeError as error:
                return str(error)
    return ""


# ---- the fixture


@pytest.fixture(scope="session")  # Hypothesis refuses function-scoped fixtures in its tests
def gradcheck(pytestconfig: pytest.Config) -> Gradcheck:
    """Return the gradient check: `gradcheck(function, *inputs, **options)`, `gradcheck.vjp(forward, backward, *arrays)`, `.torch`, `.jax`.

    The check raises GradcheckError if it finds something, and returns its Report otherwise. The marker `@pytest.mark.gradcheck(…)` gives
    default options. In a Hypothesis test, examples at which a function cannot be judged (kink, pole, noise …) are left out.
    """
    return Gradcheck(pytestconfig)


class Gradcheck:
    """The value of the fixture `gradcheck`: checks that know the options of the running test and collect what they report."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __repr__(self) -> str:
        return "<the gradient check of minigrad.testing>"

    def __call__(self, function: Callable[..., Any], *inputs: Any, **options: Any) -> Report:
        """Check the gradients of `function(*inputs)` with the check that fits the inputs.

        inputs: the arguments of `function`, with minigrad tensors, PyTorch tensors or JAX arrays in them, also inside lists, dicts and
            dataclasses. NumPy and CuPy arrays have no backward pass of their own: check those with `gradcheck.vjp`.
        options: those of `minigrad.testing.gradcheck`, `check_torch` or `check_jax`.
        """
        library = library_of(function, inputs, options)
        if library == "minigrad":
            return self._run("gradcheck", options, function, inputs)
        return self._run(f"check_{library}", options, function, *inputs)

    def vjp(self, forward: Callable[..., Any], backward: Any, *arrays: Any, **options: Any) -> Report:
        """Check a hand-written `backward(g, *arrays)` of `forward(*arrays)`, as `minigrad.testing.check_vjp` does."""
        return self._run("check_vjp", options, forward, backward, *arrays)

    def torch(self, function: Callable[..., Any], *tensors: Any, **options: Any) -> Report:
        """Check a PyTorch function or Function class, as `minigrad.testing.check_torch` does."""
        return self._run("check_torch", options, function, *tensors)

    def jax(self, function: Callable[..., Any], *trees: Any, **options: Any) -> Report:
        """Check a JAX function, as `minigrad.testing.check_jax` does."""
        return self._run("check_jax", options, function, *trees)

    def _run(self, check: str, given: dict[str, Any], *arguments: Any) -> Report:
        """Run one check, note what it reports, and raise if something was found."""
        import minigrad.testing
        from minigrad.testing.findings import GradcheckError

        item = self._config.stash[ITEM]
        options = self._defaults(item) | given
        raises = options.pop("raise_exception", True)
        report: Report = getattr(minigrad.testing, check)(*arguments, **options, raise_exception=False)
        if self._config.getoption("gradcheck_report") is not None:
            item.stash.setdefault(RESULTS, Results()).add(report)
        if report or not raises:
            return report
        if not report.accuses:
            leave_out_hypothesis_example()
        raise GradcheckError(report)

    def _defaults(self, item: pytest.Item) -> dict[str, Any]:
        """Return the options that the markers and the command line give; the marker nearest to the test counts."""
        options: dict[str, Any] = {}
        for mark in reversed(list(item.iter_markers("gradcheck"))):
            options |= mark.kwargs
        return options | {"audit": True} if self._config.getoption("gradcheck_audit") else options


def leave_out_hypothesis_example() -> None:
    """Tell Hypothesis to draw another example; do nothing if this is not one."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is not None and hypothesis.currently_in_test_context():
        hypothesis.assume(False)


# ---- the library that a call belongs to


def library_of(function: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> str:
    """Return "minigrad", "torch" or "jax", by the arrays in the inputs; raise TypeError if there are none of a single one of these."""
    name = getattr(function, "__name__", type(function).__name__)
    if not callable(function):
        raise TypeError(f"gradcheck(function, *inputs): the function comes first, not {type(function).__name__}")
    if len(inputs) == 1 and isinstance(inputs[0], tuple | list) and not accepts(function, 1) and accepts(function, len(inputs[0])):
        kind = type(inputs[0]).__name__
        raise TypeError(f"gradcheck({name}, …): give the inputs one by one, as in gradcheck({name}, x, y), not as a {kind}")
    kinds = {kind for leaf in leaves((inputs, options.get("params"))) if (kind := kind_of(leaf))}
    found = sorted(kinds & {"minigrad", "torch", "jax"})
    if not found and type(function).__module__.partition(".")[0] in ("jax", "jaxlib"):  # made by jit, custom_vjp …; it takes NumPy's arrays
        return "jax"
    if len(found) == 1:
        return found[0]
    if found:
        raise TypeError(f"gradcheck({name}, …): the inputs belong to several libraries, {' and '.join(found)}; give those of one")
    what = " and ".join(sorted(kinds)) + " arrays alone have" if kinds else "these inputs have no arrays, and so"
    raise TypeError(f"gradcheck({name}, …): {what} no backward pass; check a hand-written one with "
                    f"gradcheck.vjp({name}, backward, *arrays), a function of JAX with gradcheck.jax({name}, *arrays)")


def accepts(function: Any, count: int) -> bool:
    """Return whether `count` positional arguments fit the function's signature; True for a class and where the signature is not known."""
    if isinstance(function, type):
        return True
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the values inside nested tuples, lists, dicts, dataclasses and pytrees of JAX; the parameters of a module."""
    if isinstance(tree, tuple | list):
        parts: Iterable[Any] = tree
    elif isinstance(tree, dict):
        parts = tree.values()
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        parts = [getattr(tree, field.name) for field in dataclasses.fields(tree)]
    elif kind_of(tree) == "" and callable(getattr(tree, "parameters", None)):
        parts = tree.parameters()
    elif kind_of(tree) == "" and "jax" in sys.modules:
        parts = [leaf for leaf in sys.modules["jax"].tree_util.tree_leaves(tree) if leaf is not tree]
    else:
        parts = []
        yield tree
    for part in parts:
        yield from leaves(part)


def kind_of(value: Any) -> str:
    """Return "minigrad", "torch", "jax", "NumPy" or "CuPy" for an array of that library, else an empty string; import nothing."""
    for module, names, kind in (("minigrad", "Tensor", "minigrad"), ("torch", "Tensor", "torch"), ("jax", "Array", "jax"),
                                ("numpy", "ndarray", "NumPy"), ("cupy", "ndarray", "CuPy")):
        found = getattr(sys.modules.get(module), names, None)
        if isinstance(found, type) and isinstance(value, found):
            return kind
    return ""


# ---- what the checks reported, and the page


class Results:
    """The reports of one test as dicts, one for each function and verdict; the many examples of a Hypothesis test are counted together."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], dict[str, Any]] = {}

    def add(self, report: Report) -> None:
        """Add a report to its row, which shows the last one, as Hypothesis ends with its smallest example."""
        row = report.to_dict() | {"checks": 1}
        key = (row["library"], row["function"], row["verdict"])
        if (before := self.rows.get(key)) is not None:
            row["precision"] = max(before["precision"], row["precision"])
            for name in ("checks", "derivatives", "seconds"):
                row[name] += before[name]
            # one example in which a mistake is noticed is enough
            spots = sorted(before["blind_spots"] + row["blind_spots"], key=lambda spot: spot["noticed"])
            row["blind_spots"] = list({(spot["argument"], spot["mistake"]): spot for spot in spots}.values())
        self.rows[key] = row


@pytest.hookimpl(hookwrapper=True)  # wrapper=True is not known to every pytest that may load this
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Put the finding on the first line of a failure, and what the checks reported into the report, as JSON for pytest-xdist."""
    if call.excinfo is not None:
        for name, module in list(sys.modules.items()):
            if name.startswith("minigrad.testing."):  # a traceback goes from the test to the function that raised, if it was not the check
                vars(module)["__tracebackhide__"] = True
    report: pytest.TestReport = (yield).get_result()
    findings = sys.modules.get("minigrad.testing.findings")  # not loaded: no check was made
    if call.excinfo is not None and findings is not None and isinstance(call.excinfo.value, findings.GradcheckError):
        show_finding_first(report.longrepr, str(call.excinfo.value))
    if (results := item.stash.get(RESULTS, None)) is not None:
        del item.stash[RESULTS]
        vars(report)["gradcheck"] = json.dumps(list(results.rows.values()))


def show_finding_first(shown: Any, text: str) -> None:
    """Write the first line of the error above the test's source, and without the name of the class into pytest's summary."""
    first = text.split("\n", 1)[0]
    if getattr(shown, "reprcrash", None) is not None:
        shown.reprcrash.message = text
    entries: list[Any] = getattr(getattr(shown, "reprtraceback", None), "reprentries", [])
    if entries and getattr(entries[0], "style", "") == "long":
        top = copy.copy(entries[0])
        top.lines, top.style, top.reprfuncargs, top.reprlocals, top.reprfileloc = ["", first], "value", None, None, None
        shown.reprtraceback.reprentries = [top, *entries]


class PageWriter:
    """The plugin, registered with `--gradcheck-report` alone, that gathers the results of all processes and writes the page."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self.path = config.invocation_params.dir / path
        self.seed: int = config.getoption("gradcheck_seed")
        self.rows: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for row in json.loads(getattr(report, "gradcheck", "[]")):
            self.rows.append(row | {"test": report.nodeid, "expected": report.outcome != "failed"})

    def pytest_sessionfinish(self) -> None:
        from minigrad.testing.page import write_page

        self.rows.sort(key=lambda row: row["test"])  # pytest-xdist and pytest-randomly bring them in any order
        write_page(self.rows, self.path, seed=self.seed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from minigrad.testing.page import counts

        terminalreporter.write_line(f"gradcheck: {counts(self.rows)}; the report is {self.path}")
