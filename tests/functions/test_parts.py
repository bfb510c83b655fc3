"""Parts of tensors: what shares memory, and what is a copy, as in PyTorch."""

import pytest
import torch

import minigrad

PARTS = """
x.select(1, 0); x.narrow(1, 1, 2); x.split(2, 1)[1]; x.split([1, 2], 1)[0]; x.chunk(2, 1)[0]; x.unbind(1)[2]; x.diagonal()
x.t().diagonal(1); x.movedim(0, 1); x.swapaxes(0, 1); x.unflatten(1, (3, 1)); x.ravel(); x.t().ravel(); T.broadcast_to(x, (2, 2, 3))
x.expand(4, 2, 3); T.meshgrid(x[0], x[1], indexing="ij")[0]; T.meshgrid(x[0], x[1], indexing="xy")[1]; x.flip(0); x.tril(); x.triu(-5)
x.repeat(1, 1); x.tile(1); x.diag(); x[0].diag(); x.roll(0, 0); x.gather(1, T.tensor([[0], [1]])); x.masked_fill(x > 100, 0.0)
x.sort().values; x.cumsum(0); x.prod(0); x[:1].prod(0); x[:1].cumprod(0); x[:1].norm(1, 0); T.einsum("ij->ji", x)
T.einsum("ii->i", x[:, :2]); T.hstack([x]); x.narrow(0, 0, 2); x.var(0); x[0, 0].cumprod(0); x[0, 0].prod()
"""


@pytest.mark.parametrize("code", [code for line in PARTS.strip().split("\n") for code in line.split("; ")])
def test_the_same_results_show_a_change_of_the_tensor(code):
    shown = []
    for T in (torch, minigrad):
        x = T.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]], dtype=T.float64)
        part = eval(code, {"T": T, "x": x})
        x.mul_(10)
        shown.append(part.tolist())
    assert shown[1] == shown[0]


def test_a_recorded_change_of_a_part_is_seen_in_the_other_parts():
    for T in (torch, minigrad):
        w = T.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        y = w * 1
        corner, column = y.diagonal(), y.select(1, 1)
        corner.mul_(3)
        assert column.tolist() == [2.0, 12.0]
        column.sum().backward()
        assert w.grad.tolist() == [[0.0, 1.0], [0.0, 3.0]]
