"""A stranger's suite: examples/layers, which has nothing to do with minigrad but its test file, passes, and fails with the right findings.

It runs as a stranger runs it, with `python -m pytest` in a copy of the folder. Each planted mistake changes one line of the copy.
"""

import html
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "layers"
LAYERS = ("linear", "tanh", "relu", "conv1d", "batch_norm", "layer_norm", "softmax_cross_entropy")
OBJECTS = ("Linear", "LayerNorm", "Tanh", "ReLU", "Sequential")

MISTAKES = [  # layer, right, wrong, verdict
    ("linear", "dbias = dout.sum(axis=0)", "dbias = dout[0]", "a sum over a broadcast axis is missing"),
    ("tanh", "return out, out", "return out, x", "the backward uses the input where it needs the output"),
    ("relu", "return dout * (x > 0)", "dout[x <= 0] = 0; return dout", "an array was overwritten"),
    ("conv1d", "dbias = dout.sum(axis=(0, 2))", "dbias = -dout.sum(axis=(0, 2))", "the sign is wrong"),
    ("batch_norm", "return dx, dgamma, dbeta", "return dx, dbeta, dgamma", "the gradients of two arguments are exchanged"),
    ("layer_norm", "axis=1, keepdims=True", "axis=0", "the backward works along the wrong axis"),
    ("softmax_cross_entropy", "return dout * dlogits", "return dlogits", "the gradient does not depend on g"),
]
OTHERS = [
    ("linear", "dweight = x.T @ dout", "dweight = dout.T @ x", "the gradient is transposed"),
    ("tanh", "dout * (1 - out**2)", "dout**2 * (1 - out**2)", "the gradient is not linear in g"),
    ("relu", "(x > 0)", "(x <= 0)", "the mask is inverted"),
    ("conv1d", 'dweight = np.einsum("nfl,nclk->fck", dout, windows)', "dweight = np.zeros_like(weight)", "the gradient is missing"),
    ("batch_norm", "dnormalized - dnormalized.mean(axis=0) - normalized * (dnormalized * normalized).mean(axis=0)", "dnormalized",
     "the backward is diagonal"),
    ("layer_norm", "return dx, dgamma, dbeta", "return dx, dgamma",
     "the backward returns another number of gradients than there are arguments"),
    ("softmax_cross_entropy", " / len(targets)", "", "a constant factor is wrong"),
]


@pytest.fixture
def folder(tmp_path):
    """A copy of the example."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "layers", ignore=shutil.ignore_patterns("__pycache__", ".*")))


def run_suite(folder, *options):
    """Run the copy's tests in a process of its own; return (exit status, what was printed, the page's text without its tags)."""
    installed = any(point.value == "minigrad.testing.plugin" for point in importlib.metadata.entry_points(group="pytest11"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HYPOTHESIS_"))}
    environment |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "MINIGRAD_GRADCHECK_DIR": str(folder / "programs")}
    plugin = [] if installed else ["-p", "minigrad.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:benchmark", *plugin, "--gradcheck-report=report.html", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert not done.stderr, done.stderr
    page = (folder / "report.html").read_text(encoding="utf-8")
    return done.returncode, done.stdout, html.unescape(re.sub(r"<[^>]*>", " ", page))


def plant(folder, layer, right, wrong):
    """Change one layer's backward in the copy's source, or its forward if the place is there."""
    path = folder / "tinylayers" / "functions.py"
    parts = re.split(r"(?m)^(?=def )", path.read_text(encoding="utf-8"))
    changed = parts
    for half in ("backward", "forward"):
        if changed == parts:
            changed = [part.replace(right, wrong) if part.startswith(f"def {layer}_{half}(") else part for part in parts]
    assert changed != parts
    path.write_text("".join(changed), encoding="utf-8")


def verdicts(page):
    """Return {function: set of its verdicts} of the page's table of checks."""
    found = {}
    for name, verdict in re.findall(r"(?m)^ *([\w.]+) +[✓✗?] (\w[\w ]*?)  ", page):
        found.setdefault(name, set()).add(verdict)
    return found


def first_lines(printed):
    """Return {test: the first line below the title of its failure}."""
    return dict(re.findall(r"(?m)^_+ (test_\S+) _+\n\n*(.*)$", printed))


def test_the_example_knows_minigrad_in_its_tests_alone():
    assert [path.name for path in EXAMPLE.rglob("*.py") if "minigrad" in path.read_text(encoding="utf-8")] == ["test_layers.py"]
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == ["numpy>=2"] and {"pytest>=8.3", "minigrad>=0.1"} <= set(project["optional-dependencies"]["test"])


def test_the_suite_passes_and_the_page_names_each_layer(folder):
    status, printed, page = run_suite(folder)
    assert status == 0, printed
    assert "gradcheck: seed 0" in printed and re.search(r"gradcheck: \d+ checks: \d+ right.*; the report is .*report\.html", printed)
    found = verdicts(page)
    names = {*[f"{name}_forward" for name in LAYERS], *[f"{name}.forward" for name in OBJECTS]}
    assert {name for name, kinds in found.items() if "right" in kinds} == names
    assert set().union(*found.values()) <= {"right", "vacuous"}  # vacuous: relu, where Hypothesis drew no positive number


@pytest.mark.parametrize("mistakes", [MISTAKES, OTHERS], ids=["first", "others"])
def test_each_planted_mistake_is_the_first_line_of_its_failure(folder, mistakes):
    for layer, right, wrong, _ in mistakes:
        plant(folder, layer, right, wrong)
    status, printed, page = run_suite(folder)
    assert status == 1, printed
    first, found = first_lines(printed), verdicts(page)
    for layer, _, _, headline in mistakes:
        assert first[f"test_{layer}"].startswith(f"{layer}_forward:"), printed
        assert re.search(rf"(?m)^FAILED tests/test_layers.py::test_{layer} - {layer}_forward:", printed)
        if layer != "relu":
            assert f": {headline}" in first[f"test_{layer}"], printed
            assert "right" not in found[f"{layer}_forward"]
            continue
        # Hypothesis shows its simplest example, [[1.]], where an inverted mask is a gradient that is missing
        assert first["test_layers[ReLU]"].startswith("ReLU.forward:") and f": {headline}" in first["test_layers[ReLU]"], printed
        assert "right" not in found["ReLU.forward"]
