"""Expressions for arrays of NumPy, CuPy, minigrad, PyTorch and JAX, with every bit of their elements."""

from __future__ import annotations

import base64
import sys
import zlib
from typing import Any

import numpy

from ... import backend
from ...autograd import graph

LARGE = 256  # elements above which an array is written as bytes
MOST = 1 << 25  # bytes of an array above which the program asks for it instead
SIMPLE = ("Linear", "Conv1d", "Conv2d", "BatchNorm1d", "BatchNorm2d", "LayerNorm", "Flatten", "Identity", "Tanh", "Sigmoid", "ReLU", "ELU",
          "LeakyReLU", "GELU", "SiLU", "Softplus", "Softmax", "LogSoftmax", "Dropout")  # PyTorch's modules that print as the call for them


def expression(program: Any, x: Any) -> str | None:
    """Return an expression for an array of any library, or None for anything else. The program gets the imports that it needs."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if isinstance(x, graph.Tensor):
        return minigrad_tensor(program, x)
    if type(x) is numpy.ndarray:
        return numpy_array(program, x)
    if backend.is_array(x) and not isinstance(x, numpy.ndarray) and backend.device_of(x) == "cuda":
        return f"{program.library('cupy')}.asarray({numpy_array(program, backend.to_numpy(x))})"
    if torch is not None and isinstance(x, torch.Tensor):
        return torch_tensor(program, x, torch)
    if jax is not None and isinstance(x, jax.Array):
        return jax_array(program, numpy.asarray(x))
    return None


def numpy_array(program, x):
    """Return an expression for a NumPy array."""
    np = program.library("numpy")
    numbers = listed(x, np)
    if numbers is None:
        return f"{buffer(program, x)}.copy()"
    dtype = "" if x.dtype in ("float64", "int64", "bool") else f", dtype={dtype_text(program, x.dtype)}"
    return f"{np}.array({numbers}{dtype})"


def minigrad_tensor(program, x):
    """Return an expression for a minigrad tensor on its device; a Parameter stays one."""
    mg, device, array = program.library("minigrad"), backend.device_of(x.array), backend.to_numpy(x.array)
    nn = sys.modules.get("minigrad.nn")
    is_parameter = nn is not None and isinstance(x, nn.Parameter)
    options = (f", device={device!r}" if device != "cpu" else "") + (", requires_grad=True" if x.requires_grad and not is_parameter else "")
    text = f"{mg}.tensor({contents(program, array, mg)}{options})"
    return f"{mg}.nn.Parameter({text}{'' if x.requires_grad else ', requires_grad=False'})" if is_parameter else text


def torch_tensor(program, x, torch):
    """Return an expression for a PyTorch tensor, or None for one of a subclass or a layout that has no plain elements."""
    if type(x) not in (torch.Tensor, torch.nn.Parameter) or x.layout != torch.strided or x.is_quantized or x.is_meta:
        return None
    name, plain = program.library("torch"), x.detach().resolve_conj().resolve_neg().cpu().contiguous()
    numbers = None if plain.is_complex() else listed((plain.double() if plain.is_floating_point() else plain).numpy(), name)
    dtype, device = f"dtype={name}.{str(x.dtype).partition('.')[2]}", "" if x.device.type == "cpu" else f", device={str(x.device)!r}"
    if numbers is not None:
        text = f"{name}.tensor({numbers}, {dtype}{device})"
    elif not plain.numel():
        text = f"{name}.empty({tuple(x.shape)}, {dtype}{device})"
    else:
        data = encoded(program, plain.reshape(-1).view(torch.uint8).numpy().tobytes())
        text = f"{name}.frombuffer(bytearray({data}), {dtype}).reshape({tuple(x.shape)})" + (f".to({str(x.device)!r})" if device else "")
    if type(x) is torch.Tensor:
        return text + (".requires_grad_()" if x.requires_grad else "")
    return f"{name}.nn.Parameter({text}{'' if x.requires_grad else ', requires_grad=False'})"


def torch_module(program: Any, x: Any, torch: Any) -> str | None:
    """Define a simple module of PyTorch, or a Sequential of these, by its printed form; None if that would not tell all of it."""
    library, is_sequence = f"{program.library('torch')}.nn", type(x) is torch.nn.Sequential
    layers, modules = list(x) if is_sequence else [x], list(x.modules())
    is_simple = all(type(m).__name__ in SIMPLE and type(m) is getattr(torch.nn, type(m).__name__) for m in layers)
    is_usual = len({m.training for m in modules}) == 1 and all(p.requires_grad for p in x.parameters())
    hooks = [hook for m in modules for key, hook in vars(m).items() if key.endswith("_hooks") and hook]
    if not is_simple or not is_usual or hooks or len(modules) != len(layers) + is_sequence:
        return None
    call = ", ".join(f"{library}.{m!r}" for m in layers)
    name = program.assign(x, type(x).__name__.lower(), f"{library}.Sequential({call})" if is_sequence else call)
    if state := dict(x.state_dict()):
        program.definitions.append(f"{name}.load_state_dict({program.value(state)}, assign=True)")
    if not x.training:
        program.definitions.append(f"{name}.eval()")
    for key, value in x.named_parameters():
        program.remember(value, f"{name}.get_parameter({key!r})")
    return name


def jax_array(program, array):
    """Return an expression for the JAX array with these elements."""
    jnp = program.library("jax.numpy")
    if array.dtype.itemsize >= 8:
        program.need(f'{program.library("jax")}.config.update("jax_enable_x64", True)')
    return f"{jnp}.array({contents(program, array, jnp)})"


def contents(program, array, library):
    """Return the arguments for the elements of an array: numbers and their dtype in a library, or a NumPy array."""
    numbers, name = listed(array, library), "bool_" if array.dtype.kind == "b" else array.dtype.name
    return buffer(program, array) if numbers is None else f"{numbers}, dtype={library}.{name}"


def listed(array, library):
    """Return the elements as nested lists, or None if there are none or many, or if they would be read as others.

    library: the name under which the program has a module with `nan` and `inf`.
    """
    is_real = array.dtype.kind == "f" or array.dtype.type.__module__ == "ml_dtypes"
    if not 0 < array.size <= LARGE or not (is_real or array.dtype.kind in "biu") or array.dtype.itemsize > 8:
        return None
    numbers = repr(array.astype("float64").tolist() if is_real else array.tolist())
    return numbers.replace("nan", f"{library}.nan").replace("inf", f"{library}.inf")


def buffer(program, array):
    """Return an expression for a NumPy array that is made of bytes and cannot be written to; raise ValueError for one of objects."""
    if array.dtype.hasobject or array.dtype.names is not None:
        raise ValueError("its elements are not plain")
    data = encoded(program, array.tobytes())
    return f"{program.library('numpy')}.frombuffer({data}, {dtype_text(program, array.dtype)}).reshape({tuple(array.shape)})"


def dtype_text(program, dtype):
    """Return an expression for a NumPy dtype as an argument."""
    if dtype.type.__module__ == "ml_dtypes":
        return f"{program.library('ml_dtypes')}.{dtype.name}"
    return repr(dtype.name if dtype.isnative and dtype.kind in "biufc" else dtype.str)


def encoded(program: Any, data: bytes) -> str:
    """Return an expression for bytes, compressed if that is shorter; raise ValueError for more bytes than a program should hold."""
    if len(data) > MOST:
        raise ValueError(f"{len(data)} bytes are too many for a program")
    packed = zlib.compress(data, 9)
    shorter = len(packed) < len(data)
    text = f"{program.library('base64')}.b85decode({base64.b85encode(packed if shorter else data).decode()!r})"
    return f"{program.library('zlib')}.decompress({text})" if shorter else text
