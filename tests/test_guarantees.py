"""Each sentence of docs/guarantees.md names a test that exists."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "guarantees.md").read_text()


def test_each_guarantee_names_tests_that_exist():
    existing = {name for path in TESTS.rglob("test_*.py") for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40 and named <= existing, named - existing


def test_each_guarantee_names_a_test():
    promises, _ = PAGE.split("## Not tried")
    without = [promise for promise in re.split(r"^- ", promises, flags=re.MULTILINE)[1:] if "`test_" not in promise]
    assert [promise.split(" may ")[0] for promise in without] == ["A step that an interrupt cuts short"]
