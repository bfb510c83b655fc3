"""The comparison of gradient checkers: its planted bugs are bugs, its right functions are right, and each checker is asked properly."""

import json

import numpy as np
import pytest

from benchmarks.checkers import __main__ as command
from benchmarks.checkers import report
from benchmarks.checkers.adapters import CHECKERS
from benchmarks.checkers.cases import BUGS, RIGHT
from benchmarks.checkers.oracle import difference, parts, random_g
from benchmarks.checkers.outcomes import ACCEPTED, ACCUSED, CANNOT_TELL, FAILED, NO_ANSWER, Outcome, judge_bug, judge_right, outcome
from benchmarks.checkers.planted import CASES
from benchmarks.checkers.processes import CheckerProcess
from benchmarks.checkers.worker import run
from support.optional_tools import needs
from support.subprocesses import succeed

OWN = CHECKERS["minigrad"]
STEPS = {  # of differences, where not 1e-6: larger ones for values that are rounded coarsely
    "variance by cancellation": 1e-2,
    "sum and difference with 1e9": 1.0,
    "forward in float32": 1e-2,
    "both in float32": 1e-2,
    "fast oscillation": 1e-9,
}


# ---- the planted bugs and the right functions


def test_there_are_many():
    assert len(BUGS) >= 100 and len({case.mistake for case in BUGS.values()}) >= 30
    assert len(RIGHT) >= 40 and sum(case.hard for case in RIGHT.values()) >= 30
    assert all(case.about.endswith(".") for case in CASES.values())


@pytest.mark.parametrize("name", BUGS)
def test_planted_bug_differs_from_its_right_version(name):
    assert difference(BUGS[name]) > 1e-9


def moderate(case):
    """Return the inputs of a bug, and ordinary numbers in the shapes of a right function's inputs."""
    if case.name in BUGS:
        return case.arrays()
    rng = np.random.default_rng(1)
    return [rng.uniform(0.55, 0.85, size=x.shape) for x in case.arrays()]


@pytest.mark.parametrize("name", CASES)
def test_right_version_agrees_with_differences(name):
    """Along a random direction, for a random g, and without any of the checkers."""
    forward, backward = CASES[name].functions(wrong=False)
    arrays, step = moderate(CASES[name]), STEPS.get(name, 1e-6)
    rng = np.random.default_rng(2)
    directions = [rng.normal(size=x.shape) for x in arrays]

    def outputs(step):
        y = forward(*(x + step * v for x, v in zip(arrays, directions)))
        return y if isinstance(y, tuple) else (y,)

    gs = [random_g(part) for part in outputs(0)]
    numeric = sum((g * (up - down)).sum() for g, up, down in zip(gs, outputs(step), outputs(-step))) / (2 * step)
    found = parts(backward(tuple(gs) if len(gs) > 1 else gs[0], *arrays))
    rounding = 1e-7 + 1e-9 * max(float(np.abs(part).max()) for part in outputs(0))
    assert sum((dx * v).sum() for dx, v in zip(found, directions)) == pytest.approx(numeric, rel=2e-4, abs=rounding)


def test_each_check_gets_new_functions_and_equal_arrays():
    case = BUGS["cache of the first call"]
    assert case.functions(wrong=True)[1] is not case.functions(wrong=True)[1]
    first, second = case.arrays(), case.arrays()
    assert np.array_equal(first[0], second[0]) and not np.shares_memory(first[0], second[0])


# ---- minigrad's own checker


@pytest.mark.parametrize("name", BUGS)
def test_check_vjp_catches_each_planted_bug(name):
    found = run(OWN, BUGS[name], wrong=True)
    assert found.kind == ACCUSED, found


@pytest.mark.parametrize("name", CASES)
def test_check_vjp_accuses_no_right_function(name):
    found = run(OWN, CASES[name], wrong=False)
    assert found.kind in ((ACCEPTED, CANNOT_TELL) if report.is_hard(name) else (ACCEPTED,)), found


# ---- the other checkers


def mark(name):
    """Return the mark that skips a checker's tests if its library is missing."""
    checker = CHECKERS[name]
    if name == "chainer":
        return pytest.mark.skipif(not checker.installed(), reason="Chainer does not run with NumPy 2")
    return needs(checker.installed(), f"needs {checker.package}: {checker.install}")


PEERS = [pytest.param(name, marks=mark(name)) for name in CHECKERS if name != "minigrad"]
OBVIOUS = ["multiply exchanged", "tanh without g", "softmax diagonal", "matmul transposed", "attention scale", "one gradient too few"]


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("case", OBVIOUS)
def test_peer_tells_an_obvious_bug_from_its_right_version(name, case):
    right, wrong = (run(CHECKERS[name], BUGS[case], wrong) for wrong in (False, True))
    assert right.kind == ACCEPTED, right
    assert judge_bug(wrong.kind, right.kind, repaired=False) == "caught", wrong


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("case", ["affine", "inner product", "numbers without axes", "several outputs", "gradient as a view"])
def test_peer_accepts_right_functions(name, case):
    found = run(CHECKERS[name], RIGHT[case], wrong=False)
    expected = FAILED if (name, case) == ("mygrad", "several outputs") else ACCEPTED  # MyGrad's operations have one output
    assert found.kind == expected, found


def test_no_library_is_imported_before_its_checker_runs():
    program = "import sys, benchmarks.checkers.__main__; print(*{'torch', 'jax', 'autograd', 'mygrad', 'numdifftools'} & set(sys.modules))"
    assert succeed(program) == ""


# ---- what an outcome counts as


def fail(error):
    raise error


@pytest.mark.parametrize(
    "check, kind",
    [
        (lambda: True, ACCEPTED),
        (lambda: False, ACCUSED),
        (lambda: fail(AssertionError("no")), ACCUSED),
        (lambda: fail(ValueError("no")), FAILED),
    ],
)
def test_outcome(check, kind):
    assert outcome(check).kind == kind


def test_an_error_counts_if_the_right_version_is_accepted():
    assert judge_bug(FAILED, ACCEPTED, False) == "caught"
    assert judge_bug(FAILED, FAILED, False) == judge_right(FAILED) == "cannot run"
    assert judge_bug(NO_ANSWER, ACCEPTED, False) == judge_right(NO_ANSWER) == "cannot run"
    assert judge_bug(ACCEPTED, ACCEPTED, False) == "missed"
    assert judge_bug(ACCEPTED, ACCEPTED, True) == "harmless"
    assert judge_bug(CANNOT_TELL, ACCEPTED, False) == judge_right(CANNOT_TELL) == "cannot tell"
    assert judge_bug(ACCUSED, ACCUSED, False) == "caught" and judge_right(ACCUSED) == "false alarm"


def test_summary_counts_plain_and_hard_right_functions_apart():
    kinds = {("cos sign", True): ACCUSED, ("cos sign", False): ACCEPTED, ("sine", False): ACCUSED, ("relu at 0", False): ACCUSED}
    found = report.summary("torch", "1", {key: Outcome(kind, "", 0.002) for key, kind in kinds.items()})
    assert (found["caught"], found["bugs"], found["plain"], found["hard"]) == (1, 1, 2, 1)
    assert (found["false_alarms"], found["hard_false_alarms"]) == (["sine"], ["relu at 0"])
    assert report.row(found)[2:] == ["1 of 1", "0", "0", "1 of 2", "1 of 1", "0", "2"]


# ---- the command


def test_command_prints_tables_and_writes_figures(tmp_path, capsys):
    out = tmp_path / "figures.json"
    asked = ["--checkers", "minigrad", "chainer", "--only", "cos sign", "sine", "--details", "--out", str(out)]
    assert command.main(asked) == 0
    text, kept = capsys.readouterr().out, json.loads(out.read_text())
    (figures,) = kept["checkers"]
    assert (figures["caught"], figures["bugs"], figures["plain"], figures["false_alarms"]) == (1, 1, 2, [])
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert [line[2] for line in lines if line[0] == OWN.title] == ["1 of 1"]
    assert ["cos sign: The derivative of cos has lost its minus sign.", "yes"] in lines
    assert "chainer is not installed (not with NumPy 2" in text and set(kept["not_run"]) == {"chainer"}


def test_command_says_which_checkers_there_are(capsys):
    for wrong in (["--checkers", "x"], ["--python", "x=python"], ["--only", "no such function"]):
        with pytest.raises(SystemExit) as stopped:
            command.main(wrong)
        assert stopped.value.code == 2
    assert "no function's name contains 'no such function'" in capsys.readouterr().err


def test_checker_that_cannot_be_started_is_named():
    assert "does not run it" in CheckerProcess("minigrad", "/no/such/python", 60).missing()


def test_slow_check_is_ended_and_the_next_one_runs():
    process = CheckerProcess("minigrad", None, 0.001)
    try:
        assert process.missing() == ""
        slow = process.ask("cos sign", True)
        assert (slow.kind, slow.text) == (NO_ANSWER, "took longer than 0.001 s")
        process.limit = 60
        assert process.ask("cos sign", True).kind == ACCUSED
    finally:
        process.end()
