"""Pairs of functions: a forward, which returns its output and a cache, and a backward, which turns dL/d(output) into dL/d(inputs)."""

import numpy as np


def linear_forward(x, weight, bias):
    """Affine map of each row.

    Parameters
    ----------
    x : (N, D) array
    weight : (D, H) array
    bias : (H,) array

    Returns
    -------
    (N, H) array, and the cache for `linear_backward`
    """
    return x @ weight + bias, (x, weight)


def linear_backward(dout, cache):
    """Gradients of x, weight and bias."""
    x, weight = cache
    dx = dout @ weight.T
    dweight = x.T @ dout
    dbias = dout.sum(axis=0)
    return dx, dweight, dbias


def tanh_forward(x):
    """Hyperbolic tangent of each element; the cache is the output."""
    out = np.tanh(x)
    return out, out


def tanh_backward(dout, out):
    """Gradient of x."""
    return dout * (1 - out**2)


def relu_forward(x):
    """Positive part of each element; the cache is the input."""
    return np.maximum(x, 0), x


def relu_backward(dout, x):
    """Gradient of x."""
    return dout * (x > 0)


def conv1d_forward(x, weight, bias):
    """Cross-correlation along the last axis, without padding.

    Parameters
    ----------
    x : (N, C, L) array
    weight : (F, C, K) array
    bias : (F,) array

    Returns
    -------
    (N, F, L - K + 1) array, and the cache for `conv1d_backward`
    """
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2], axis=2)
    out = np.einsum("nclk,fck->nfl", windows, weight) + bias[:, None]
    return out, (x, windows, weight)


def conv1d_backward(dout, cache):
    """Gradients of x, weight and bias."""
    x, windows, weight = cache
    length = dout.shape[2]
    dx = np.zeros_like(x)
    for k in range(weight.shape[2]):
        dx[:, :, k:k + length] += np.einsum("nfl,fc->ncl", dout, weight[:, :, k])
    dweight = np.einsum("nfl,nclk->fck", dout, windows)
    dbias = dout.sum(axis=(0, 2))
    return dx, dweight, dbias


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    """Normalize each column over the batch, then scale and shift it.

    Parameters
    ----------
    x : (N, D) array
    gamma, beta : (D,) arrays

    Returns
    -------
    (N, D) array, and the cache for `batch_norm_backward`
    """
    std = np.sqrt(x.var(axis=0) + eps)
    normalized = (x - x.mean(axis=0)) / std
    return gamma * normalized + beta, (normalized, std, gamma)


def batch_norm_backward(dout, cache):
    """Gradients of x, gamma and beta."""
    normalized, std, gamma = cache
    dgamma = (dout * normalized).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dnormalized = dout * gamma
    dx = (dnormalized - dnormalized.mean(axis=0) - normalized * (dnormalized * normalized).mean(axis=0)) / std
    return dx, dgamma, dbeta


def layer_norm_forward(x, gamma, beta, eps=1e-5):
    """Normalize each row, then scale and shift its columns; shapes as in `batch_norm_forward`."""
    std = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    normalized = (x - x.mean(axis=1, keepdims=True)) / std
    return gamma * normalized + beta, (normalized, std, gamma)


def layer_norm_backward(dout, cache):
    """Gradients of x, gamma and beta."""
    normalized, std, gamma = cache
    dgamma = (dout * normalized).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dnormalized = dout * gamma
    mean = dnormalized.mean(axis=1, keepdims=True)
    dx = (dnormalized - mean - normalized * (dnormalized * normalized).mean(axis=1, keepdims=True)) / std
    return dx, dgamma, dbeta


def softmax_cross_entropy_forward(logits, targets):
    """Mean over the batch of -log softmax(logits)[target].

    Parameters
    ----------
    logits : (N, C) array
    targets : (N,) array of int, the right classes

    Returns
    -------
    float, and the cache for `softmax_cross_entropy_backward`
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(targets))
    return -log_probs[rows, targets].mean(), (log_probs, targets)


def softmax_cross_entropy_backward(dout, cache):
    """Gradient of logits."""
    log_probs, targets = cache
    dlogits = np.exp(log_probs)
    dlogits[np.arange(len(targets)), targets] -= 1
    return dout * dlogits / len(targets)
