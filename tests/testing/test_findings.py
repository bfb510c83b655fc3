"""What a check reports: the line and the text of a finding, the text and the dict of a report, and the error."""

import json
import math
import pathlib
import pickle

import pytest

from minigrad.testing import BlindSpot, Finding, GradcheckError, Report
from minigrad.testing.findings import NOT_ACCUSING, VERDICTS

SOFT = Finding("soft", "diagonal", "too simple", 0, (0, 2), (0, 3), -0.132, 0.0, "x", "out")


# ---- one finding


def test_the_headline_names_the_derivative_its_two_numbers_and_the_mistake():
    assert SOFT.headline == "soft: d out[0,3]/d x[0,2]: analytic 0.0, numeric -0.132: the backward is diagonal"


@pytest.mark.parametrize("finding, headline", [
    (Finding("f", "nondeterministic", ""), "f: two runs differ"),
    (Finding("f", "count", "", 1), "f: d/d input 1: the backward returns another number of gradients than there are arguments"),
    (Finding("f", "vacuous", "", 1, argument_name="x['w']"), "f: d/d x['w']: this check could not have noticed a mistake"),
    (Finding("f", "sign", "", 0, (), (), 1.0, -1.0, "x", "out"), "f: d out/d x: analytic -1.0, numeric 1.0: the sign is wrong"),
    (Finding("f", "sign", "", 0, (3,), (), 1.0, -1.0, "", "out[1]"),
     "f: d out[1]/d input 0[3]: analytic -1.0, numeric 1.0: the sign is wrong"),
    (Finding("f", "wrong", "", 0, (3,), None, 1.0, 2.0, "x"), "f: d (Σ w·out)/d x[3]: analytic 2.0, numeric 1.0: the gradient is wrong"),
    (Finding("f", "wrong", "", 0, (3,), None, None, 2.0, "x"), "f: d (Σ w·out)/d x[3]: the gradient is wrong"),
    (Finding("f", "new", ""), "f: new"),
])
def test_the_headline_says_what_is_known(finding, headline):
    assert finding.headline == headline


@pytest.mark.parametrize("analytic, numeric, shown", [
    (2.0, 1.0, "analytic 2.0, numeric 1.0"),
    (0.123456789, 0.5, "analytic 0.123, numeric 0.5"),
    (1.00001, 1.0, "analytic 1.00001, numeric 1.0"),
    (1.0, 1 + 2**-52, "analytic 1.0, numeric 1.0000000000000002"),
    (1.0, 1.0, "analytic 1.0, numeric 1.0"),
    (1e-30, 2.0, "analytic 1e-30, numeric 2.0"),
    (math.nan, 2.0, "analytic nan, numeric 2.0"),
    (math.inf, 20000.0, "analytic inf, numeric 2e+04"),
    (-3.0, 3.0, "analytic -3.0, numeric 3.0"),
])
def test_the_numbers_have_the_digits_that_tell_them_apart(analytic, numeric, shown):
    assert f": {shown}: " in Finding("f", "wrong", "", 0, (0,), (0,), numeric, analytic, "x", "out").headline


def test_the_text_of_a_finding_has_the_verdict_and_all_digits():
    third = Finding("f", "sign", "turned", 0, (0,), (0,), 1 / 3, -1 / 3, "x", "out")
    assert str(third).splitlines() == [
        third.headline, "  verdict   sign: turned", "  numeric   0.3333333333333333", "  analytic  -0.3333333333333333", "  ratio     -1.0"]
    assert str(Finding("f", "sign", "turned")).splitlines() == ["f: the sign is wrong: turned", "  verdict   sign: turned"]


@pytest.mark.parametrize("numeric, analytic, ratio", [
    (None, None, None), (2.0, None, None), (None, 2.0, None), (4.0, 2.0, 0.5), (4.0, 0.0, 0.0), (0.0, 2.0, math.inf), (0.0, 0.0, math.nan),
])
def test_the_ratio_of_a_finding(numeric, analytic, ratio):
    assert repr(Finding("tanh", "wrong", "", numeric=numeric, analytic=analytic).ratio) == repr(ratio)


def test_five_verdicts_accuse_nobody():
    accusing = {verdict for verdict in VERDICTS if Finding("f", verdict, "").accuses}
    assert set(VERDICTS) - accusing == {"kink", "pole", "noise", "unsure", "vacuous"} == set(NOT_ACCUSING)


# ---- the report


def test_a_report_without_findings_is_right():
    report = Report("f", "numpy", precision=2e-7, derivatives=48)
    assert report and report.verdict == "right" and report.finding is None and not report.accuses
    assert str(report).splitlines() == [
        "f: right in 48 derivatives", "  precision 2e-07: a mistake of this relative size would have been noticed at these inputs"]


@pytest.mark.parametrize("verdict, accuses", [("sign", True), ("kink", False)])
def test_a_report_is_that_of_its_first_finding(verdict, accuses):
    report = Report("f", "torch", [Finding("f", verdict, "first"), Finding("f", "wrong", "second")])
    assert not report and report.verdict == verdict and report.finding.detail == "first" and report.accuses is accuses


def test_a_report_tells_notes_blind_spots_and_the_reproducer():
    spots = [BlindSpot("zero", "x", True), BlindSpot("factor 2", "x", False, "too small"), BlindSpot("transposed", "w", False)]
    report = Report("f", "jax", [SOFT], blind_spots=spots, notes=["one thing", "another"], reproducer="print(1)")
    assert str(report) == "\n".join([
        str(SOFT), "  note      one thing", "  note      another", "  noticed   zero of x", "  UNNOTICED factor 2 of x: too small",
        "  UNNOTICED transposed of w", "to reproduce:", "", "print(1)"])
    report.reproducer_file = pathlib.Path("folder") / "f.py"
    assert str(report).endswith(f"\nto reproduce: python {report.reproducer_file}") and "print(1)" not in str(report)


def test_a_report_as_a_dict_is_json():
    report = Report("f", "numpy", [SOFT, Finding("f", "vacuous", "")], 1e-6, 12, 0.5, 7, [BlindSpot("zero", "x", False, "same")],
                    ["a note"], "print(1)", pathlib.Path("f.py"))
    found = json.loads(json.dumps(report.to_dict()))
    assert found | {"findings": None} == {
        "function": "f", "library": "numpy", "verdict": "diagonal", "accuses": True, "findings": None, "precision": 1e-6, "derivatives": 12,
        "seconds": 0.5, "seed": 7, "notes": ["a note"], "reproducer": "print(1)", "reproducer_file": "f.py",
        "blind_spots": [{"mistake": "zero", "argument": "x", "noticed": False, "detail": "same"}]}
    first, second = found["findings"]
    assert first["headline"] == SOFT.headline and first["ratio"] == 0.0 and second["ratio"] is None
    assert [first[name] for name in ("op", "verdict", "detail", "argument", "index", "output", "numeric", "analytic", "argument_name",
                                     "output_name")] == ["soft", "diagonal", "too simple", 0, [0, 2], [0, 3], -0.132, 0.0, "x", "out"]
    found = Report("f", "numpy").to_dict()
    assert (found["verdict"], found["accuses"], found["findings"], found["reproducer_file"]) == ("right", False, [], None)


# ---- the error


def test_the_error_has_the_fields_of_the_worst_finding():
    report = Report("f", "numpy", [SOFT, Finding("f", "wrong", "")], reproducer="print(1)")
    error = GradcheckError(report)
    assert isinstance(error, RuntimeError) and error.report is report and error.reproducer == "print(1)"
    assert (error.op, error.verdict, error.argument, error.index, error.output) == ("soft", "diagonal", 0, (0, 2), (0, 3))
    assert (error.numeric, error.analytic, error.ratio) == (-0.132, 0.0, 0.0)
    assert str(error) == str(report) and str(error).startswith(SOFT.headline + "\n")


def test_the_error_pickles():
    """pytest-xdist and multiprocessing send it to another process."""
    error = GradcheckError(Report("f", "numpy", [SOFT], reproducer="print(1)"))
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is GradcheckError and back.report == error.report and str(back) == str(error) and back.ratio == error.ratio
