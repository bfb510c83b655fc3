"""Losses at their edges behave like PyTorch's: probabilities of 0 and 1, extreme logits, what does not fit, options of the modules."""

import numpy as np
import pytest
import torch
from nn.test_layers import LIBRARIES, alike, numbers, refused

import minigrad

EDGES = [0.0, 1.0, 0.0, 1.0, 1e-20, 1 - 1e-9, 0.5, 1e-13], [0.0, 0.0, 1.0, 1.0, 1.0, 0.2, 0.5, 0.25]
LOGITS = [0.0, 800.0, -800.0, 50.0, -50.0, -0.0, 3.0, -1e4], [0.5, 1.0, 0.0, 0.25, 1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("name, values", [("binary_cross_entropy", EDGES), ("binary_cross_entropy_with_logits", LOGITS)])
def test_binary_cross_entropies_at_their_edges(name, values):
    def results(T):
        x, target = (T.tensor(v, dtype=T.float64, requires_grad=True) for v in values)
        losses = getattr(T.nn.functional, name)(x, target, reduction="none")
        losses.sum().backward()
        return [losses, x.grad, target.grad]

    alike(results)


def test_logits_need_no_sigmoid_in_half_precision():
    def results(T):
        x = T.tensor([-8.0, -1.0, 0.0, 2.0, 30.0]).half()
        return [T.nn.functional.binary_cross_entropy_with_logits(x, T.tensor([1.0, 0.0, 1.0, 1.0, 0.0]).half(), reduction="none")]

    alike(results, 1e-3)


def test_binary_cross_entropies_refuse_what_does_not_fit():
    half = lambda T, *shape: T.full(shape or (3,), 0.5)
    for wrong in (1.5, -0.5, float("nan")):
        refused(lambda T, w=wrong: T.nn.functional.binary_cross_entropy(half(T) * 0 + w, half(T)), RuntimeError, "elements of input")
        refused(lambda T, w=wrong: T.nn.functional.binary_cross_entropy(half(T), half(T) * 0 + w), RuntimeError, "elements of target")
    refused(lambda T: T.nn.BCELoss()(half(T), half(T).double()), RuntimeError, "target of float64")
    refused(lambda T: T.nn.BCELoss()(half(T), half(T).long()), RuntimeError, "target of int64")
    refused(lambda T: T.nn.BCEWithLogitsLoss()(half(T), half(T).long()), RuntimeError, "use target.float()")
    for name in ("BCELoss", "BCEWithLogitsLoss"):
        for T, kind in ((torch, ValueError), (minigrad, RuntimeError)):
            with pytest.raises(kind):
                getattr(T.nn, name)()(half(T, 3), half(T, 3, 1))


def test_other_losses_refuse_what_does_not_fit():
    x, classes = lambda T: numbers(T, 3, 4), lambda T, *given: T.tensor(given)
    F = "T.nn.functional"
    for kind, call in [
        (RuntimeError, "smooth_l1_loss(x, x, beta=-1)"), (RuntimeError, "huber_loss(x, x, delta=0)"),
        (ValueError, "kl_div(x, x, reduction='hm')"),
        (ValueError, "multi_margin_loss(x, classes(T, 0, 1, 2), p=3)"),
    ]:  # fmt: skip
        refused(lambda T, call=call: eval(f"{F}.{call}", {"T": T, "x": x(T), "classes": classes}), kind, call.partition("(")[0])
    refused(lambda T: T.nn.functional.multi_margin_loss([1.0], classes(T, 0)), TypeError, "multi_margin_loss(): argument 'input'")
    refused(lambda T: T.nn.functional.multi_margin_loss(x(T), classes(T, 0, 1, 4)), RuntimeError, "index 4 is out of range")
    with pytest.raises(RuntimeError, match="same shape"):
        minigrad.nn.HuberLoss()(minigrad.ones(3), minigrad.ones(3, 1))


@pytest.mark.parametrize("call", [
    "binary_cross_entropy(half, half, column)", "binary_cross_entropy_with_logits(half, half, column)",
    "binary_cross_entropy_with_logits(half, half, pos_weight=column)", "margin_ranking_loss(half, half, column)",
])  # fmt: skip
def test_a_factor_that_would_stretch_the_losses_is_refused(call):
    refused(lambda T: eval(f"T.nn.functional.{call}", {"T": T, "half": T.full((3,), 0.5), "column": T.ones(3, 1)}), RuntimeError,
            f"{call.partition('(')[0]}: a factor of shape (3, 1)")


def test_modules_pass_their_options_and_weights_on():
    def results(T):
        x, target, weight = numbers(T, 3, 4), (numbers(T, 3, 4, seed=1) > 0).double(), numbers(T, 4, seed=2).abs()
        plain, weighed = T.nn.BCEWithLogitsLoss(weight, reduction="sum"), T.nn.BCEWithLogitsLoss(pos_weight=weight)
        margin = T.nn.MultiMarginLoss(2, 0.5, weight)
        named = T.nn.SmoothL1Loss(beta=2.0)(target=target, input=x)
        return [plain(x, target), weighed(x, target), list(weighed.state_dict()), list(margin.state_dict()), named,
                margin(x, T.tensor([0, 3, 1])), T.nn.KLDivLoss(reduction="batchmean")(x, target), weighed.double().pos_weight]

    alike(results)


def test_old_arguments_decide_the_reduction():
    for T in LIBRARIES:
        with pytest.warns(UserWarning, match="reduction='sum'"):
            loss = T.nn.BCELoss(size_average=False)
        assert loss.reduction == "sum"
    assert np.isclose(minigrad.nn.BCELoss(reduction="sum")(minigrad.tensor([0.5]), minigrad.tensor([1.0])).item(), np.log(2))
