"""docs/gradcheck.md: each verdict has its section with an example that gets it, and all that the page shows is printed as it is shown.

The blocks marked `python` run one after the other, those marked `py` are test files, and those marked `text` are output.
"""

import contextlib
import importlib.util
import io
import pathlib
import re

import numpy as np
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import minigrad as mg
from minigrad.testing import checking
from minigrad.testing.findings import NOT_ACCUSING, VERDICTS
from support.optional_tools import needs

pytest_plugins = "pytester"
ROOT = pathlib.Path(mg.__file__).parents[1]
PAGE = ROOT / "docs" / "gradcheck.md"
TEXT = PAGE.read_text(encoding="utf-8")
VERDICT_SECTIONS = TEXT[TEXT.index("\n## The verdicts\n"):].partition("\n## Compared with other checkers\n")[0]
BLOCKS = re.compile(r"^```(python|py|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_JAX = "import jax"


def run_page():
    """Run the page; return [(heading, output, report's verdict, the text that the page shows as output or None)] of its Python blocks."""
    examples = list(Sybil(parsers=[PythonCodeBlockParser()]).parse(PAGE).examples())
    found = []
    for kind, block in BLOCKS.findall(TEXT):
        if kind == "text":
            if not block.startswith(OF_JAX):
                heading, output, verdict, shown = found.pop()
                found.append((heading, output, verdict, (shown or "") + block))
            continue
        if kind == "py":
            continue
        example = examples.pop(0)
        assert str(example.parsed) == block
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            example.evaluate()
        heading = re.findall(r"^##+ (.*)$", TEXT[: TEXT.index(block)], re.MULTILINE)[-1]
        report = example.namespace.get("report")
        found.append((heading, printed.getvalue() + str(report), getattr(report, "verdict", None), None))
    assert examples == []
    return found


@pytest.fixture(scope="module")
def blocks():
    return run_page()


def test_each_verdict_has_a_section_and_nothing_else_has():
    assert re.findall(r"^### (.*)$", VERDICT_SECTIONS, re.MULTILINE) == list(VERDICTS)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_example_of_a_verdict_gets_it_and_is_shown_with_its_message(verdict, blocks):
    (found,) = [block for block in blocks if block[0] == verdict]
    assert found[2] == verdict and found[3] is not None and f"  verdict   {verdict}: " in found[3]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_section_of_a_verdict_says_the_cause_and_the_cure(verdict):
    section = re.search(rf"^### {verdict}\n(.*?)(?=^### |\Z)", VERDICT_SECTIONS, re.MULTILINE | re.DOTALL)[1]
    assert re.search(r"\bCure:\s", section) and re.search(r"\bUsual\s+causes?:\s", section)


def without_figures(text):
    """Return a text without indices and numbers: which element is the worst may depend on the processor's rounding."""
    text = re.sub(r"\((?:every element|\d+ of \d+ elements)\)", "(#)", text)
    return re.sub(r"(?<!\w)-?(?:\d[\d.]*(?:e[+-]?\d+)?|inf)(?!\w)", "#", re.sub(r"\[[\d,]+\]", "[#]", text))


def test_what_is_shown_is_printed(blocks):
    """But for the figures; … stands for anything."""
    shown = [(output, text) for _, output, _, text in blocks if text is not None]
    assert len(shown) > len(VERDICTS)
    for output, text in shown:
        pattern = ".*?".join(re.escape(part) for part in without_figures(text.strip("\n")).split("…"))
        assert re.search(pattern, without_figures(output), re.DOTALL), f"shown:\n{text}\nprinted:\n{output}"


def test_verdicts_that_do_not_accuse_are_named_as_such():
    introduction = VERDICT_SECTIONS.partition("\n### ")[0]
    assert re.findall(r"\[(\w+)\]", introduction) == list(NOT_ACCUSING) == list(VERDICTS)[-len(NOT_ACCUSING):]


def test_each_option_is_explained():
    options = TEXT[TEXT.index("\n## Options\n"):TEXT.index("\n## How the error is measured\n")] + TEXT[:TEXT.index("\n## Options\n")]
    assert [name for name in checking.DEFAULTS if not re.search(rf"`{name}\b", options)] == []


@pytest.mark.parametrize("block", [block for kind, block in BLOCKS.findall(TEXT) if kind == "py"])
def test_the_tests_on_the_page_pass(block, pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(test_on_page=block)
    plugins = [option for name in ("no:minigrad", "minigrad.testing.plugin", "no:benchmark") for option in ("-p", name)]
    result = pytester.runpytest_inprocess(*plugins, "-W", "error", "--strict-markers", "--gradcheck-report=gradients.html")
    result.assert_outcomes(passed=block.count("\ndef test_"))
    assert "</html>" in (pytester.path / "gradients.html").read_text(encoding="utf-8")


@needs(importlib.util.find_spec("jax"), "needs JAX, from the extra peers")
def test_the_example_of_jax_runs():
    (block,) = [block for kind, block in BLOCKS.findall(TEXT) if block.startswith(OF_JAX)]
    exec(block, {"np": np, "x": np.random.default_rng(0).standard_normal((3, 4))})
