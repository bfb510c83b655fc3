"""The page of --gradcheck-report: what it shows of each check, that nothing is left unescaped, that it needs no network."""

import html.parser
import re

import pytest

from minigrad.testing import page
from minigrad.testing.findings import BlindSpot, Finding, Report

VOID = {"meta", "br"}


def row(function="tanh", verdict="right", library="numpy", *, test="test_layers.py::test", checks=1, expected=False, **fields):
    """Return what the plugin gathers of a check."""
    findings = [] if verdict == "right" else [Finding(function, verdict, "why it is so", 0, (0, 2), (0, 3), -0.132, 0.0, "x", "out")]
    report = Report(function, library, findings, **{"precision": 2e-9, "derivatives": 144, "seconds": 0.012, **fields})
    return report.to_dict() | {"test": test, "checks": checks, "expected": expected or verdict == "right"}


class Reader(html.parser.HTMLParser):
    """Reads a page: the rows of its tables, its details, and whether each element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tables, self.details, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "details":
            self.details.append((dict(attributes), []))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data
        if "details" in self.open:
            self.details[-1][1].append(data)


def read(*rows, seed=0):
    return Reader(page.render(rows, seed=seed))


def test_the_table_of_checks():
    (table,) = read(row(), row("relu", library="torch", checks=93, seconds=0.0012), row("odd", precision=float("inf"))).tables
    assert table == [
        ["function", "verdict", "library", "test", "precision", "derivatives", "ms"],
        ["tanh", "✓ right", "numpy", "test_layers.py::test", "2e-09", "144", "12"],
        ["relu", "✓ right × 93", "torch", "test_layers.py::test", "2e-09", "144", "1.2"],
        ["odd", "✓ right", "numpy", "test_layers.py::test", "–", "144", "12"],
    ]


@pytest.mark.parametrize("verdict, sign, kind", [("diagonal", "✗", "wrong"), ("kink", "?", "unsure"), ("vacuous", "?", "unsure")])
def test_a_finding_is_shown_in_full(verdict, sign, kind):
    found = read(row("soft", verdict, notes=["x is small"], reproducer="import numpy as np\nprint(1 < 2)"))
    assert found.tables[0][1][1] == f"{sign} {verdict}"
    (attributes, parts), = found.details
    assert attributes == {"class": kind, "open": None}
    numbers = " analytic 0.0, numeric -0.132:" if kind == "wrong" else ""
    assert parts[0].startswith(f"soft: d out[0,3]/d x[0,2]:{numbers} ")
    assert {"test_layers.py::test", "why it is so".join((": ", "")), "-0.132", "0.0", "x is small"} <= set(parts)
    assert "".join(parts).endswith("import numpy as np\nprint(1 < 2)")


def test_other_findings_are_listed_after_the_worst():
    bad = row("soft", "diagonal")
    lines = [f"soft: d out[0]/d x[{i}]: analytic 1.0, numeric 2.0" for i in range(7)]
    bad["findings"] += [bad["findings"][0] | {"verdict": "", "headline": f"{line}: "} for line in lines]
    parts = read(bad).details[0][1]
    assert parts.index("also") < parts.index(lines[0]) < parts.index("and 3 more")


def test_failures_stand_above_what_tests_expect():
    found = read(row("a", "sign", expected=True), row("b", "kink"), row("c", "kink", expected=True, checks=3), row("d", "mask"))
    assert [(parts[0][0], "open" in attributes) for attributes, parts in found.details] == [
        ("d", True), ("b", True), ("a", False), ("c", False)]
    assert "the test passed, and so expects this" in found.details[2][1]
    assert {"the test passed without this check", "3 checks ended so; this is the last"} <= set(found.details[3][1])


def test_a_large_reproducer_is_named_not_shown():
    text = page.render([row("big", "wrong", reproducer="x" * 30_000, reproducer_file="programs/gradcheck_big.py")], seed=0)
    assert "python programs/gradcheck_big.py" in text and "xxx" not in text


def test_blind_spots_are_listed_for_each_argument():
    spots = [BlindSpot("sign", "x", True), BlindSpot("transposed", "x", False, "it is symmetric"), BlindSpot("one element", "x", False),
             BlindSpot("sign", "params['w']", True)]
    table = read(row(), row("audited", blind_spots=spots)).tables[1]
    assert table == [
        ["function", "argument", "noticed", "not noticed", "test"],
        ["audited", "x", "1 of 3", "transposed: it is symmetricone element", "test_layers.py::test"],
        ["audited", "params['w']", "1 of 1", "none", "test_layers.py::test"],
    ]


@pytest.mark.parametrize("rows, words", [
    ([], "0 checks"),
    ([row()], "1 check: 1 right"),
    ([row(checks=11), row("b", "sign"), row("c", "sign", expected=True), row("d", "pole", expected=True)],
     "14 checks: 11 right, 1 wrong, 1 wrong, as the test expects, 1 cannot be judged"),
])  # fmt: skip
def test_the_counts(rows, words):
    assert page.counts(rows) == words
    assert f"<title>Gradient checks: {words}</title>" in page.render(rows, seed=0)


def test_everything_is_escaped():
    evil = '<script>alert("1")</script>&amp;\x1b[31m\ud800'
    spots = [BlindSpot(evil, evil, False, evil)]
    bad = row(evil, "wrong", evil, test=evil, notes=[evil], reproducer=evil, blind_spots=spots, reproducer_file=evil)
    for finding in bad["findings"]:
        finding.update(detail=evil, headline=evil)
    text = page.render([bad, bad | {"verdict": evil}], seed=0)
    assert "<script" not in text and "\x1b" not in text
    shown = '<script>alert("1")</script>&amp;\\x1b[31m\\ud800'
    found = Reader(text)
    assert found.tables[0][1][0] == found.tables[1][1][1] == found.details[0][1][0] == shown
    text.encode()


def test_the_page_is_one_file_for_light_and_dark_and_small_screens(tmp_path):
    path = tmp_path / "new" / "page.html"
    page.write_page([row("soft", "diagonal")], path, seed=5)
    text = path.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text and "max-width: 46rem" in text and "width=device-width" in text
    assert "default-src 'none'" in text and not re.search(r"https?://|<script|<link|<img|url\(", text)
    assert "seed 5" in text


def test_a_session_without_checks():
    found = page.render([], seed=0)
    assert "No test used the fixture" in found and "<table" not in found
