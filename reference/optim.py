"""The optimizers: PyTorch's own, Adam and AdamW in one fused loop, and what a step of each computes, written out.

`sgd_step`, `adam_step`, `rmsprop_step` and `adagrad_step` are to be compared with minigrad's optimizers; the lectures use the classes.
"""

import functools
import math
from typing import Any

import torch
from torch import Tensor
from torch.optim import LBFGS, SGD, Adagrad, Optimizer, RMSprop, lr_scheduler

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "adagrad_step", "adam_step", "lr_scheduler", "rmsprop_step",
           "sgd_step"]

Adam = functools.partial(torch.optim.Adam, fused=True)
AdamW = functools.partial(torch.optim.AdamW, fused=True)


@torch.no_grad()
def sgd_step(
    p: Tensor,
    g: Tensor,
    state: dict[str, Any],
    *,
    lr: float,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
) -> None:
    """Do one step of gradient descent on `p`, whose gradient is `g`. `state` is {} before the first step."""
    g = g + weight_decay * p
    if momentum:
        if "momentum_buffer" in state:
            state["momentum_buffer"] = momentum * state["momentum_buffer"] + (1 - dampening) * g
        else:
            state["momentum_buffer"] = g.clone()  # the first step is not dampened
        g = g + momentum * state["momentum_buffer"] if nesterov else state["momentum_buffer"]
    p -= lr * g


@torch.no_grad()
def adam_step(
    p: Tensor,
    g: Tensor,
    state: dict[str, Any],
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    amsgrad: bool = False,
    decoupled_weight_decay: bool = False,
) -> None:
    """Do one step of Adam, or with decoupled_weight_decay of AdamW, on `p`, whose gradient is `g`. `state` is {} before the first step."""
    if not state:
        state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["max_exp_avg_sq"] = torch.zeros_like(p)
    beta1, beta2 = betas
    if decoupled_weight_decay:
        p *= 1 - lr * weight_decay
    else:
        g = g + weight_decay * p
    state["step"] += 1
    step_size, root = lr / (1 - beta1 ** state["step"]), math.sqrt(1 - beta2 ** state["step"])
    m, v = state["exp_avg"], state["exp_avg_sq"]
    m += (1 - beta1) * (g - m)
    v *= beta2
    v += (1 - beta2) * g * g
    if amsgrad:  # the largest v so far, before its bias is corrected
        v = state["max_exp_avg_sq"] = torch.maximum(state["max_exp_avg_sq"], v)
    p -= step_size * m / (v.sqrt() / root + eps)


@torch.no_grad()
def rmsprop_step(
    p: Tensor,
    g: Tensor,
    state: dict[str, Any],
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum: float = 0,
    centered: bool = False,
) -> None:
    """Do one step of RMSprop on `p`, whose gradient is `g`. `state` is {} before the first step."""
    if not state:
        state.update({name: torch.zeros_like(p) for name in ("square_avg", "momentum_buffer", "grad_avg")})
    g = g + weight_decay * p
    state["square_avg"] = v = alpha * state["square_avg"] + (1 - alpha) * g * g
    state["grad_avg"] = m = alpha * state["grad_avg"] + (1 - alpha) * g
    g = g / ((v - m * m if centered else v).sqrt() + eps)
    state["momentum_buffer"] = momentum * state["momentum_buffer"] + g
    p -= lr * state["momentum_buffer"]


@torch.no_grad()
def adagrad_step(
    p: Tensor,
    g: Tensor,
    state: dict[str, Any],
    *,
    lr: float = 1e-2,
    lr_decay: float = 0,
    weight_decay: float = 0,
    initial_accumulator_value: float = 0,
    eps: float = 1e-10,
) -> None:
    """Do one step of Adagrad on `p`, whose gradient is `g`. `state` is {} before the first step."""
    if not state:
        state.update(step=0, sum=torch.full_like(p, initial_accumulator_value))
    g = g + weight_decay * p
    state["sum"] = state["sum"] + g * g
    p -= lr / (1 + state["step"] * lr_decay) * g / (state["sum"].sqrt() + eps)
    state["step"] += 1
