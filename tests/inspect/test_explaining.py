"""`explain` says in words what happened; it fits any width, any encoding and a notebook."""

import html.parser
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.inspect.wording import has_colours, norm, numbers, printable
from support.random_graphs import Run, programs, some


def a_small_graph():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]])
    w = mg.tensor([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], requires_grad=True)
    b = mg.tensor([0.1, 0.2, -0.1], requires_grad=True)
    with mg.inspect.lines():
        h = (x @ w + b).tanh()
        y = h * h
        loss = y.sum() * 40
    return mg.inspect.explain(loss)


def test_what_is_said():
    text = re.sub(r"py:\d+", "py:24", a_small_graph().text())
    for line in ("   test_explaining.py:24: y = h * h",
        "1. loss = mul(sum #2, 40)", "       grows by 40", "3. y = mul(h, h)",
        "       summed over axis 0 of (3, 3): it was broadcast", "6. matmul #6 = matmul(x, w)", "What backward() adds to .grad",
    ):
        assert line in text.splitlines(), line
    assert re.search(r"^       added: use 2 of h, the sum is -\d+\.\d+ … \d+\.\d+, norm \d+\.\d$", text, re.MULTILINE)
    for step in a_small_graph().steps:
        assert step.formula and " ".join(step.formula.replace("`", "").split()) in " ".join(text.split())


def test_zeros_infinities_and_hooks_are_said():
    x = mg.tensor([4.0, 0.0, 9.0], requires_grad=True)
    r = x.sqrt()
    r.register_hook(lambda g: g * 1.5)
    safe = mg.where(x > 0, r, 0 * r).sum()
    text = str(mg.inspect.explain(safe))
    assert "       all zero from here on" in text and "       a hook changed it" in text
    assert "       not finite from here on: 1 × nan of 3 elements" in text
    dead = mg.relu(mg.full((3,), -1.0, requires_grad=True)).sum()
    assert str(mg.inspect.explain(dead)).count("all zero from here on") == 1


def test_a_function_that_no_gradient_reaches():
    class Half(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g, None

    x, y = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    text = str(mg.inspect.explain(Half.apply(x, Half.apply(y, y)).sum()))
    assert "no gradient: the backward of this Function returned None" in text and "none: no gradient reaches this value" in text


@some
@given(program=programs, seed=st.integers(0, 2**32 - 1), width=st.integers(40, 120))
def test_every_graph_fits_every_width(program, seed, width):
    run = Run(mg, program, seed)
    roots = [value for value in run.values if value.node is not None]
    if not roots:
        return
    root = roots[-1]
    found = mg.inspect.explain(root, mg.ones_like(root), limit=5)
    assert all(len(line) <= width for line in found.text(width).splitlines())
    assert len(found.steps) == min(5, found.total) and ("more step" in found.text()) == (found.total > 5)
    assert_well_formed(found._repr_html_())


def assert_well_formed(text):
    """Assert that every tag of an HTML text is closed, in order."""
    open_tags = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Parser().feed(text)
    assert open_tags == []


def test_html_escapes_what_comes_from_the_program():
    given = {"x<b>": mg.ones(2, requires_grad=True)}
    out = eval("(given['x<b>'] * 2).sum()", {"given": given})
    text = mg.inspect.explain(out)._repr_html_()
    assert "x<b>" not in text and "given[&#x27;x&lt;b&gt;&#x27;]" in text


def test_colours_only_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    found = a_small_graph()
    assert has_colours(Terminal()) and not has_colours(io.StringIO()) and "\033" not in str(found)
    coloured = found.text(colour=True)
    assert "\033[1m1. loss = mul(sum #2, 40)\033[0m" in coloured and re.sub("\033\\[\\dm", "", coloured) == found.text()
    monkeypatch.setattr("sys.stdout", Terminal())
    assert "\033[1m" in str(found)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in str(found)


def test_an_output_that_shows_ascii_only():
    text = printable("→ h  (1 - y²) Σ x · y ≤ ☃", "ascii")
    assert text == "-> h  (1 - y^2) sum  x * y <= \\u2603" and printable("→", "utf-8") == "→"


@pytest.mark.parametrize("values, said", [
    ([], "empty"), ([1.5], "[1.5]"), ([1.0] * 9, "all 1, norm 3"), (range(9), "0 … 8, norm 14.28"),
    ([float("nan"), float("inf"), *range(7)], "1 × nan and 1 × inf of 9 elements, the others 0 … 6"),
    ([float("nan")] * 7, "7 × nan of 7 elements"), ([1e300] * 9, "all 1e+300, norm 3e+300"),
])
def test_numbers(values, said):
    assert numbers(mg.tensor(list(values), dtype=mg.float64)) == said


def test_numbers_of_integers_and_norms():
    assert numbers(mg.arange(9)) == "0 … 8" and numbers(mg.tensor(7)) == "7" and norm(mg.zeros(0)) == 0
    assert norm(mg.full((4,), 1e200, dtype=mg.float64)) == 2e200 and norm(mg.tensor([6e4, 6e4], dtype=mg.float16)) > 8e4


def test_a_long_chain_is_shortened():
    x = mg.ones(1, requires_grad=True)
    for _ in range(250):
        x = x * 1
    found = mg.inspect.explain(x)
    assert len(found.steps) == 100 and "… and 150 more steps; explain(loss, limit=None) shows all" in str(found)
    assert len(mg.inspect.explain(x, limit=None).steps) == 250


def test_parameters_have_their_paths():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    out = net(mg.ones(4, 2)).mean()
    text = str(mg.inspect.explain(out))
    assert "→ net.0.weight" in text and "linear(relu #3, net.2.weight, net.2.bias)" in text


def test_explain_of_what_has_no_graph():
    with pytest.raises(RuntimeError, match=r"explain: the tensor of shape \(\) does not require a gradient"):
        mg.inspect.explain(mg.ones(()))
