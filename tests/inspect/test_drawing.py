"""`mg.inspect.draw`: a picture that is well-formed, complete and true, of random graphs and of odd ones."""

import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd.graph import Node
from minigrad.autograd.visits import nodes_before
from minigrad.inspect.backward_steps import Steps
from minigrad.inspect.drawing import _graph, boxes
from minigrad.inspect.drawing.frames import Frame, framed
from minigrad.inspect.drawing.heat_maps import heat_map
from minigrad.inspect.drawing.layout import laid_out
from minigrad.inspect.drawing.svg import size
from minigrad.inspect.drawing.texts import escaped, shortened, width
from minigrad.inspect.names import Names
from support.backends import BACKENDS, parameters
from support.random_graphs import Run, programs

nn = mg.nn
DEEP = settings.get_current_profile_name() == "deep"
SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture):
    return ET.fromstring(picture.svg)


def shown(picture):
    """Return the texts of a picture, one a line."""
    return "\n".join("".join([text.text or "", *[child.tail or "" for child in text]]) for text in parsed(picture).iter(SVG + "text"))


def groups(picture, kind):
    """Return the elements of the boxes of one kind."""
    return [g for g in parsed(picture).iter(SVG + "g") if kind in (g.get("class") or "").split() and g.find(SVG + "title") is not None]


def titles(picture):
    return "\n".join(title.text for title in parsed(picture).iter(SVG + "title"))


def arranged(loss, *, fold=True, limit=120, names=None, gradient=None):
    """Return (graph, frame that holds all, layout) of what is drawn."""
    graph = _graph(Steps(loss, gradient, names=names or Names()), fold, limit)
    frame = framed(graph)
    return graph, frame, laid_out(graph, frame, size)


def network(record=True, layers=2):
    mg.manual_seed(3)
    net = nn.Sequential(*[layer for i in range(layers) for layer in (nn.Linear(4, 4), nn.Tanh())])
    x = mg.randn(6, 4)
    if record:
        with mg.inspect.lines():
            return net, x, net(x).square().mean()
    return net, x, net(x).square().mean()


# ---- what is checked of any layout


def overlap(a, b):
    return a[0] < b[2] - 1e-6 and b[0] < a[2] - 1e-6 and a[1] < b[3] - 1e-6 and b[1] < a[3] - 1e-6


def inside(a, b):
    return a[0] >= b[0] - 1e-6 and a[1] >= b[1] - 1e-6 and a[2] <= b[2] + 1e-6 and a[3] <= b[3] + 1e-6


def places(layout):
    """Return {box or frame: (left, top, right, bottom)}."""
    found = {box: (x, y, x + size(box)[0], y + size(box)[1]) for box, (x, y) in layout.boxes.items()}
    return found | {frame: (x, y, x + w, y + h) for frame, (x, y, w, h, _) in layout.frames.items()}


def check_layout(graph, frame, layout):
    """Assert that nothing overlaps, that frames hold just their boxes, and that lines go from box to box through no other."""
    place = places(layout)
    assert set(layout.boxes) == set(graph.boxes)
    everything = list(place.items())
    for i, (a, at) in enumerate(everything):
        assert inside(at, (0, 0, layout.width, layout.height))
        for b, other in everything[i + 1:]:
            held = isinstance(b, Frame) and (a in b.boxes() or (isinstance(a, Frame) and set(a.boxes()) < set(b.boxes())))
            holds = isinstance(a, Frame) and (b in a.boxes() or (isinstance(b, Frame) and set(b.boxes()) < set(a.boxes())))
            assert inside(at, other) if held else inside(other, at) if holds else not overlap(at, other), (a, b)
    check_lines(graph, layout, place)


def check_lines(graph, layout, place):
    pieces = {edge: [] for edge in graph.edges}
    for line in layout.lines:
        for edge in line.edges:
            pieces[edge].append(line)
        assert line.y0 <= line.bend <= line.bend_end <= line.y1 or line.y0 == line.y1
        for box, (left, top, right, bottom) in place.items():
            if isinstance(box, Frame) or box is line.source or box is line.edges[0].target:
                continue
            for x, y0, y1 in ((line.x0, line.y0, line.bend), (line.x1, line.bend_end, line.y1)):
                assert not (left < x < right and y0 < bottom - 1e-6 and y1 > top + 1e-6)
            if top < line.bend_end - 1e-6 and line.bend + 1e-6 < bottom:
                assert not (left < max(line.x0, line.x1) and min(line.x0, line.x1) < right)
    for edge, lines in pieces.items():
        lines.sort(key=lambda line: line.y0)
        first, last = lines[0], lines[-1]
        source, target = place[edge.source], place[edge.target]
        assert last.last and not any(line.last for line in lines[:-1])
        if first.y0 == first.y1:
            assert len(lines) == 1 and {first.x0, first.x1} <= {source[0], source[2], target[0], target[2]}
        else:
            assert first.y0 == pytest.approx(source[3]) and source[0] < first.x0 < source[2]
            assert last.y1 == pytest.approx(target[1]) and target[0] < last.x1 < target[2]
        for a, b in pairwise(lines):
            assert (a.x1, a.y1) == pytest.approx((b.x0, b.y0))


def check_complete(graph, loss):
    """Assert that each node and leaf stands in one box, and each argument that needs a gradient is an edge."""
    nodes = nodes_before([loss.node])
    leaves = {id(p): p for node in nodes for p in node.parents if p is not None and not isinstance(p, Node)}
    things = [thing for box in graph.boxes if box.kind != "constant" for thing in box.things]
    assert sorted(map(id, things)) == sorted(map(id, [*nodes, *leaves.values()]))
    box_of = {id(thing): box for box in graph.boxes for thing in box.things}
    expected = [(box_of[id(p)], box_of[id(node)]) for node in nodes for p in node.parents if p is not None]
    found = [(e.source, e.target) for e in graph.edges if e.source.kind != "constant"]
    pairs = [pair for pair in expected if pair[0] is not pair[1]]
    assert sorted(pairs, key=lambda p: (id(p[0]), id(p[1]))) == sorted(found, key=lambda p: (id(p[0]), id(p[1])))


# ---- random graphs


@settings(max_examples=400 if DEEP else 12)
@given(program=programs, seed=st.integers(0, 2**32 - 1), fold=st.booleans(), record=st.booleans())
def test_random_graphs_are_drawn_whole_and_their_gradients_are_those_of_backward(program, seed, fold, record):
    with mg.inspect.lines() if record else mg.enable_grad():
        run = Run(mg, program, seed)
        root = run.values[-1]
        if not root.requires_grad:
            return
        loss = root.sum()
    graph, frame, layout = arranged(loss, fold=fold, limit=2_000)
    check_complete(graph, loss)
    check_layout(graph, frame, layout)
    picture = mg.inspect.draw(loss, fold=fold, limit=2_000)
    assert fold or len(groups(picture, "node")) == graph.nodes == sum(box.computed for box in graph.boxes)
    assert len(groups(picture, "leaf")) == graph.leaves
    assert all(leaf.grad is None for leaf in run.leaves)
    loss.backward()
    found = {id(box.things[0]): box for box in graph.boxes if box.kind == "leaf"}
    for leaf in run.leaves:
        if leaf.grad is not None and id(leaf) in found:
            assert found[id(leaf)].gradient.norm == pytest.approx(np.linalg.norm(leaf.grad.array), rel=1e-12)
            assert found[id(leaf)].value.norm == pytest.approx(np.linalg.norm(leaf.array), rel=1e-12)


@settings(max_examples=400 if DEEP else 25)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40), modules=st.integers(1, 6))
def test_frames_hold_their_boxes_for_any_graph_and_any_modules(seed, count, modules):
    rng = np.random.default_rng(seed)
    made = []
    for i in range(count):
        path = [str(k) for k in rng.integers(0, modules, rng.integers(0, 4))]
        home = tuple((".".join(path[:k + 1]), "module " + ".".join(path[:k + 1])) for k in range(len(path)))
        leaf = i == 0 or rng.random() < 0.3
        home = [home, (), None][rng.integers(0, 3)] if leaf else home
        made.append(boxes.Box("leaf" if leaf else "node", f"box {i}", "", (i,), (2, 3)[:rng.integers(0, 3)], None, None, [], home))
    edges = [boxes.Edge(made[rng.integers(0, i)], box, rng.choice(["", "broadcast"]), "", "") for i, box in enumerate(made)
             if box.kind == "node" for _ in range(rng.integers(1, 4))]
    graph = boxes.Graph(made, edges, count, 0)
    frame = framed(graph)
    check_layout(graph, frame, laid_out(graph, frame, size))


# ---- values and gradients


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (5,), (1, 1), (1, 7), (30,), (2, 3), (9, 13), (100, 100), (2, 3, 4),
                                   (3, 1, 2, 20)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool"])
def test_a_heat_map_says_what_numpy_says(shape, dtype):
    x = (np.random.default_rng(0).normal(0, 3, shape) * 10).astype(dtype)
    found = heat_map(x)
    assert (found.shape, found.dtype, found.size) == (shape, dtype, x.size)
    assert found.norm == pytest.approx(np.linalg.norm(x.astype(float)), rel=1e-6)
    if x.size:
        assert (found.low, found.high) == (x.min(), x.max())
    table = x.astype(float).reshape(-1, shape[-1] if shape else 1) if x.size else np.zeros((0, 0))
    assert len(found.cells) == min(8, len(table)) and all(len(row) == min(12, table.shape[1]) for row in found.cells)
    for i, row in enumerate(found.cells):
        for j, cell in enumerate(row):
            (a, b), (c, d) = found.row_edges[i:i + 2], found.column_edges[j:j + 2]
            assert cell == pytest.approx(table[a:b, c:d].mean(), rel=1e-6, abs=1e-12)
            if len(shape) in (1, 2):
                assert eval("x" + found.place(i, j)).size == (b - a) * (d - c)


@pytest.mark.parametrize(("numbers", "norm"), [
    ([1e200, 1e200], 1e200 * math.sqrt(2)), ([1e-200, 0], 1e-200), ([1e307] * 200, 1e307 * math.sqrt(200)),
    ([np.nan, 1], np.nan), ([np.inf, 1], np.inf), ([np.inf, -np.inf, np.nan], np.nan)])
def test_extreme_numbers(numbers, norm):
    found = heat_map(np.array(numbers))
    assert found.norm == pytest.approx(norm, nan_ok=True)
    assert found.not_finite == np.count_nonzero(~np.isfinite(numbers))
    assert found.not_finite or all(math.isfinite(cell) for row in found.cells for cell in row)


@pytest.mark.parametrize("largest", [1e308, 1e-310, 3e38])
def test_extreme_numbers_are_drawn(largest):
    x = mg.tensor([largest, -largest / 2, 0.0], dtype=mg.float64, requires_grad=True)
    text = shown(mg.inspect.draw((x * 1).sum()))
    assert f"±{largest:.3g}".replace("e+", "e") in text.replace(".00e", "e")
    ET.fromstring(mg.inspect.draw(x * 1, mg.full((3,), largest, dtype=mg.float64)).svg)


def test_numbers_in_the_picture():
    x = mg.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    y = x * x
    loss = y.sum()
    text = shown(mg.inspect.draw(loss))
    assert "loss = 30: 2 nodes and 1 leaf" in text and "v = 30" in text and "g = 1" in text
    assert f"|v| {math.sqrt(30):.3g}" in text and f"|g| {2 * math.sqrt(30):.3g}" in text and "±4" in text and "±8" in text
    assert "mul(x, x)" in text and "sum(y)" in text
    assert "[1, 0] 3" in titles(mg.inspect.draw(loss)) and "[0, 1] -4" in titles(mg.inspect.draw(loss))
    assert "±1" in shown(mg.inspect.draw(y, mg.ones(2, 2)))
    assert x.grad is None and x.requires_grad and loss.node.vjps is not None


def test_broadcasting_is_told_and_a_sum_of_uses_is_visible():
    x, b = mg.randn(4, 3, requires_grad=True), mg.randn(3, requires_grad=True)
    loss = (x + b + b).sum()
    picture = mg.inspect.draw(loss)
    assert shown(picture).count("broadcast") == 2
    found = titles(picture).count("it was broadcast, so its gradient is summed over axis 0")
    assert found == 5  # on two labels, on the ends of two lines, and on a trunk
    assert len([p for p in parsed(picture).iter(SVG + "path") if (p.get("class") or "").startswith("tip")]) == 5


def test_what_is_not_finite_is_red_and_what_is_zero_grey():
    x = mg.tensor([0.0, 1.0, 2.0], requires_grad=True)
    dead = mg.tensor([-1.0, -2.0], requires_grad=True)
    loss = (x.log() * 0).sum() + dead.relu().sum()
    picture = mg.inspect.draw(loss)
    bad = {g.find(SVG + "title").text.split("\n")[0] for g in groups(picture, "bad")}
    assert "x" in bad and "loss" in bad and "dead" not in bad
    assert [g.find(SVG + "title").text.split("\n")[0] for g in groups(picture, "zero")] == ["dead"]
    assert "1 nan/inf" in shown(picture) and "all zero" in shown(picture)
    assert "[0] nan" in titles(picture) and "1 of 3 elements NaN or infinite" in titles(picture)
    crosses = [p for p in parsed(picture).iter(SVG + "path") if p.get("class") == "cross"]
    assert len(crosses) == 1 + 3  # of the legend; of the log, its product and x's gradient


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
@pytest.mark.parametrize("shape", [(0,), (1,), (1, 1), (2, 0, 3), (2, 1)])
def test_sizes_of_0_and_1(dtype, shape):
    x = mg.zeros(*shape, dtype=dtype, requires_grad=True)
    picture = mg.inspect.draw((x * 2).sum())
    assert ("v: empty" in shown(picture)) == (0 in shape)
    assert str(dtype) in titles(picture)


def test_constants_differ_from_leaves():
    weight, target = mg.randn(3, 2, requires_grad=True), mg.tensor([0, 1, 1])
    loss = nn.functional.nll_loss(weight.log_softmax(1), target) * 0.5
    picture = mg.inspect.draw(loss)
    (box,) = groups(picture, "constant")
    assert box.find(SVG + "title").text.startswith("target\na constant") and "int64" in box.find(SVG + "title").text
    assert len(groups(picture, "leaf")) == 1 and "0.5" in shown(picture)


class Gate(mg.autograd.Function):
    """x, with a gradient for its first argument only."""

    @staticmethod
    def forward(ctx, x, y):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g * 2, None


def test_functions_and_values_that_are_not_known():
    x, y = mg.randn(2, 3, requires_grad=True), mg.randn(2, 3, requires_grad=True)
    loss = Gate.apply(x, y * 1).tanh().sum()
    picture = mg.inspect.draw(loss)
    assert "value not known" in shown(picture) and "no gradient" in shown(picture)
    assert any("backward returned None" in title for title in titles(picture).split("\n"))
    kept = Gate.apply(x, y)
    assert "value not known" not in shown(mg.inspect.draw(kept.sum()))


@pytest.mark.parametrize("backend", parameters([b for b in BACKENDS if b.name in ("strict", "cupy")]))
def test_on_a_device_the_picture_is_that_of_the_cpu(backend):
    def drawn(device):
        x, w = (mg.arange(float(n), dtype=mg.float64).reshape(-1, m) / 9 for n, m in ((6, 3), (12, 4)))
        target = mg.tensor([3, 0])
        x, w, target = x.to(device), w.to(device).requires_grad_(), target.to(device)
        h = (x @ w).tanh()
        with mg.inspect.lines():
            loss = nn.functional.nll_loss((h * h).log_softmax(1), target)
        return mg.inspect.draw(loss)

    with backend.active():
        there = shown(drawn(backend.device))
    assert there == shown(drawn("cpu")) and "target" in there


def test_a_leaf_and_a_tensor_without_a_graph():
    x = mg.randn(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"draw: the tensor of shape \(2,\) is a leaf"):
        mg.inspect.draw(x, mg.ones(2))
    with pytest.raises(TypeError, match="draw: expected a Tensor that requires a gradient, such as a loss, not float"):
        mg.inspect.draw(2.0)
    with pytest.raises(RuntimeError, match=r"draw: the tensor of shape \(1,\) does not require a gradient"):
        mg.inspect.draw(mg.ones(1))
    with pytest.raises(RuntimeError, match="draw: a gradient can be left out only for a tensor of one element"):
        mg.inspect.draw(x * 1)
    with pytest.raises(ValueError, match="limit must be at least 1"):
        mg.inspect.draw(x.sum(), limit=0)


# ---- modules


def test_layers_are_framed_by_module_and_tooltips_tell_lines():
    net, x, loss = network()
    picture = mg.inspect.draw(loss)
    text = shown(picture)
    for label in ("net (Sequential)", "net.0 (Linear)", "net.2 (Linear)", "net.1 (Tanh)", "net.2.weight"):
        assert label in text
    assert "test_drawing.py:" in titles(picture) and "return net, x, net(x).square().mean()" in titles(picture)
    graph, frame, layout = arranged(loss, names=Names(given={"net": net, "x": x}))
    check_layout(graph, frame, layout)
    held = {found.label: {box.title for box in found.boxes()} for found in layout.frames}
    assert {"net.0.weight", "net.0.bias"} < held["net.0 (Linear)"] < held["net (Sequential)"] and len(held["net.0 (Linear)"]) == 3
    assert "x" not in held["net (Sequential)"] and len(held) == 3


def test_without_lines_the_paths_of_parameters_make_frames():
    net, x, loss = network(record=False)
    assert net.training and x.shape == (6, 4)
    text = shown(mg.inspect.draw(loss))
    assert "net.0" in text.split("\n") and "net.2" in text.split("\n") and "Linear" not in text and "\nx\n" in text


def test_a_network_without_a_name_is_framed_by_its_types():
    with mg.inspect.lines():
        loss = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 2), nn.Tanh()))(mg.ones(1, 3)).sum()
    text = shown(mg.inspect.draw(loss))
    assert "Sequential" in text.split("\n") and "0 (Linear)" in text and "1.0.weight" in text


def test_a_module_that_is_used_again_and_again_does_not_hold_what_stands_between():
    cell = nn.Linear(3, 3)
    with mg.inspect.lines():
        h = mg.ones(2, 3)
        for _ in range(4):
            h = cell(h).tanh() * 2
        loss = h.sum()
    graph, frame, layout = arranged(loss, names=Names(given={"cell": cell}))
    check_layout(graph, frame, layout)
    assert not layout.frames and shown(mg.inspect.draw(loss)).count("cell (Linear)") == 4


def test_inputs_stand_outside_unless_they_are_many():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.input, self.state = nn.Linear(3, 2), nn.Linear(2, 2)

        def forward(self, x, h):
            return (self.input(x) + self.state(h)).tanh()

    for steps in (3, 4):
        cell, h, xs = Cell(), mg.zeros(1, 2), [mg.randn(1, 3) for _ in range(steps)]
        with mg.inspect.lines():
            for i in range(steps):
                h = cell(xs[i], h)
        graph, frame, layout = arranged(h.sum(), names=Names(given={"cell": cell, "xs": xs}))
        check_layout(graph, frame, layout)
        (cells,) = layout.frames
        inside = [box.title for box in cells.boxes() if box.title.startswith("xs")]
        assert cells.label == "cell (Cell)" and len(inside) == (4 if steps == 4 else 0)


# ---- large graphs


def chained(n, x):
    for _ in range(n):
        x = (x * 1.1).tanh()
    return x


def test_long_chains_fold():
    x = mg.randn(3, requires_grad=True)
    loss = chained(12, x).sum()
    graph, frame, layout = arranged(loss)
    check_complete(graph, loss)
    check_layout(graph, frame, layout)
    picture = mg.inspect.draw(loss)
    (box,) = groups(picture, "fold")
    assert "12 × (mul, tanh)" in shown(picture) and "24 operations" in shown(picture)
    assert box.find(SVG + "title").text.count("|g|") == 24
    norms = re.search(r"\|g\| (\S+) → (\S+) at the first", shown(picture)).groups()
    x.grad = None
    loss.backward(retain_graph=True)
    assert float(norms[1]) * 1.1 == pytest.approx(np.linalg.norm(x.grad.array), rel=1e-2)
    assert float(norms[0]) == pytest.approx(3**0.5, rel=1e-2)
    assert len(groups(mg.inspect.draw(loss, fold=False), "node")) == 25


def test_a_small_graph_is_not_folded_and_names_end_a_chain():
    x = mg.randn(3, requires_grad=True)
    assert not groups(mg.inspect.draw(chained(5, x).sum()), "fold")
    a = chained(4, x)
    b = chained(4, a)
    folds = groups(mg.inspect.draw(b.sum()), "fold")
    assert [g.find(SVG + "text").text for g in folds] == ["a", "b"]
    values = [x := x * 1.0 for _ in range(30)]
    assert len(groups(mg.inspect.draw(values[-1].sum(), limit=20), "fold")) == 1
    assert len(groups(mg.inspect.draw(values[-1].sum(), limit=40), "fold")) == 0


def test_70_nodes_are_all_drawn():
    wx, wh = mg.randn(3, 3, requires_grad=True), mg.randn(3, 3, requires_grad=True)
    h = mg.zeros(2, 3)
    for _ in range(17):
        h = (mg.randn(2, 3) @ wx + h @ wh).tanh()
    loss = h.mean()
    graph, frame, layout = arranged(loss)
    assert len([box for box in graph.boxes if box.computed]) == 69 and graph.nodes == 69
    check_complete(graph, loss)
    check_layout(graph, frame, layout)


def test_of_a_larger_graph_the_newest_nodes_are_drawn():
    w = mg.randn(3, 3, requires_grad=True)
    h = mg.ones(1, 3)
    for _ in range(60):
        h = (h @ w).tanh()
    loss = h.sum()
    graph, frame, layout = arranged(loss, limit=10)
    check_layout(graph, frame, layout)
    picture = mg.inspect.draw(loss, limit=10)
    assert "111 older nodes" in shown(picture) and "121 nodes" in shown(picture) and "limit=" in titles(picture)
    assert len(groups(picture, "node")) == 10 and len(groups(picture, "older")) == 1
    loss.backward()
    assert f"|g| {np.linalg.norm(w.grad.array):.3g}" in shown(picture)


def test_a_very_large_graph_is_not_gone_through(monkeypatch):
    monkeypatch.setattr(boxes, "LOOKED_AT", 20)
    monkeypatch.setattr(boxes, "MOST_NODES", 40)
    w = mg.randn(3, requires_grad=True)
    h, seen = w, []
    for i in range(50):
        h = h * w
        h.register_hook(lambda g, i=i: seen.append(i))
    picture = mg.inspect.draw(h.sum())
    assert len(seen) == 19 and "31 older nodes" in shown(picture) and "not computed" in shown(picture) and "51 nodes" in shown(picture)
    assert "leaves" not in shown(picture)


# ---- the file


def test_the_same_graph_gives_the_same_bytes_and_pictures_keep_to_themselves():
    first, second = (mg.inspect.draw(network()[2]) for _ in range(2))
    assert first.svg == second.svg
    other = mg.inspect.draw(network(layers=1)[2])
    a, b = parsed(first).get("class"), parsed(other).get("class")
    assert a != b and re.fullmatch(r"minigrad-[0-9a-f]{10}", a)
    rules = re.sub(r"@media[^{]*\{", "", re.search("<style>(.*?)</style>", first.svg, re.DOTALL)[1])
    for selectors in re.findall(r"([^{}]+)\{", rules):
        for selector in re.sub(r":is\([^)]*\)", "", selectors).split(","):
            assert selector.strip().startswith("." + a + " ")
    assert {element.get("id") for element in parsed(first).iter()} == {None, f"{a}-title", f"{a}-text"}


def test_it_needs_nothing_else_and_says_what_it_shows():
    svg = mg.inspect.draw(network()[2]).svg
    assert not re.search(r"<script|<foreignObject|href|url\(|@import|on\w+=", svg)
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme:dark" in svg and 'role="img"' in svg
    root = ET.fromstring(svg)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.find(SVG + "title").text.startswith("mean #1 = ") and "tanh" in root.find(SVG + "desc").text


def test_save_and_notebooks(tmp_path):
    x = mg.randn(3, requires_grad=True)
    picture = mg.inspect.draw(x.sum())
    picture.save(tmp_path / "graph.svg")
    picture.save(str(tmp_path / "graph.html"))
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == picture.svg == picture._repr_svg_()
    page = (tmp_path / "graph.html").read_text(encoding="utf-8")
    assert picture._repr_html_() in page and "overflow-x:auto" in page and "viewport" in page and page.startswith("<!doctype html>")
    assert len(repr(picture)) < 100 and "1 node and 1 leaf" in str(picture) and "save" in str(picture)
    with pytest.raises(ValueError, match=r"\.svg or \.html, not as \.png"):
        picture.save(tmp_path / "graph.png")


def test_what_the_user_names_is_escaped():
    evil = '</title></svg><script>alert("&")</script>\x00\x1b\ud800'
    things = {evil: mg.randn(2, requires_grad=True)}
    kind = type("Evil<b>&\x01", (nn.Module,), {"forward": lambda self, x: (x * 2).tanh()})
    net = kind()
    with mg.inspect.lines():
        loss = net(things[evil]).sum()  # <b>&"']]>
    picture = mg.inspect.draw(loss)
    assert "<script" not in picture.svg and "<b>" not in picture.svg and "Evil<b>&\ufffd" in shown(picture)
    assert "# <b>&\"']]>" in titles(picture)
    picture.svg.encode("utf-8")
    assert escaped("a<\x0b\ufffe") == "a&lt;\ufffd\ufffd"


def test_long_names_are_shortened_in_the_middle():
    long = {"a_name_that_is_longer_than_any_box_could_ever_be_wide": [mg.randn(2, requires_grad=True)]}
    picture = mg.inspect.draw(next(iter(long.values()))[0].sum())
    (box,) = groups(picture, "leaf")
    name = box.find(SVG + "text").text
    assert name.startswith("long") and "…" in name and name.endswith("[0]") and width(name, 13, bold=True) <= 180
    assert "a_name_that_is_longer_than_any_box_could_ever_be_wide" in box.find(SVG + "title").text
    assert shortened("abcdefghij", 40, 12) in ("ab…hij", "ab…ij", "a…ij") and shortened("abcdefghij", 40, 12, at_end=True).endswith("…")
    assert len(shortened("abc", 0, 12)) == 2 and shortened("", 0, 12) == ""
