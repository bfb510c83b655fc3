"""docs/inspecting.md shows what its code prints: each block marked `text` is the output of the Python block before it."""

import contextlib
import io
import re
from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import minigrad as mg

PAGE = Path(__file__).parents[2] / "docs" / "inspecting.md"


def outputs():
    """Return [(code, what it printed, what the page shows)] of the Python blocks that are followed by their output."""
    text = PAGE.read_text(encoding="utf-8")
    shown = dict(re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    found = []
    for example in Sybil(parsers=[PythonCodeBlockParser()]).parse(PAGE).examples():
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            example.evaluate()
        if str(example.parsed) in shown:
            found.append((str(example.parsed), printed.getvalue(), shown[str(example.parsed)]))
    return found


def test_the_page_shows_what_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = outputs()
    assert len(found) >= 4
    for code, printed, shown in found:
        lines = re.sub(r"\binspecting\.md:\d+", "program.py", printed)
        assert re.sub(r"\bprogram\.py:\d+", "program.py", shown).splitlines() == lines.splitlines(), code


def test_the_readme_shows_a_step_of_its_example():
    text = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    (step,) = re.findall(r"^```text\n(2\. mul .*?)^```$", text, re.MULTILINE | re.DOTALL)
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = (x.tanh() * x).sum()
    assert step in mg.explain(y).text()
