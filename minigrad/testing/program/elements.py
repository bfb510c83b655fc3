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


def expression(program: Any, x: Any) -> str | None:
    """Return an expression for an array of any library; None for anything else. The program gets the imports that it needs."""
    if isinstance(x, graph.Tensor):
        return minigrad_tensor(program, x)
    if type(x) in (numpy.ndarray, numpy.memmap) and (x.dtype.kind in "biufcmMSUO" or is_real(x)):
        return numpy_array(program, x)
    if backend.is_array(x) and type(x) is not numpy.ndarray and backend.device_of(x) == "cuda":
        return f"{program.library('cupy')}.asarray({numpy_array(program, backend.to_numpy(x))})"
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None and isinstance(x, torch.Tensor):
        return torch_tensor(program, x, torch)
    if jax is not None and isinstance(x, jax.Array):
        return jax_array(program, x, jax)
    return None


def numpy_array(program, x):
    """Return an expression for a NumPy array, in Fortran's order if it is in that order."""
    numbers = listed(x)
    np = program.library("numpy")
    if x.dtype == object:
        elements = f"{np}.fromiter({program.value(x.reshape(-1).tolist())}, dtype=object).reshape({x.shape})"
    elif numbers is None:
        elements = f"{buffer(program, x)}.copy()"
    else:
        read = numpy.array(x.tolist()).dtype if x.dtype.kind in "US" else "float64"  # the dtype if none is given
        is_default = x.dtype in (read, "int64", "bool", "complex128")
        dtype = "" if is_default else f", dtype={dtype_text(program, x.dtype)}"
        elements = f"{np}.array({numbers.replace('nan', f'{np}.nan').replace('inf', f'{np}.inf') if is_real(x) else numbers}{dtype})"
    return f"{np}.asfortranarray({elements})" if x.flags.f_contiguous and not x.flags.c_contiguous else elements


def minigrad_tensor(program, x):
    """Return an expression for a minigrad tensor on its device; a Parameter stays one."""
    mg, device, array = program.library("minigrad"), backend.device_of(x.array), backend.to_numpy(x.array)
    nn = sys.modules.get("minigrad.nn")
    is_parameter = nn is not None and isinstance(x, nn.Parameter)
    options = (f", device={device!r}" if device != "cpu" else "") + (", requires_grad=True" if x.requires_grad and not is_parameter else "")
    numbers = listed(array)
    if numbers is None:
        text = f"{mg}.tensor({buffer(program, array)}{options})"
    else:
        numbers = numbers.replace("nan", f"{mg}.nan").replace("inf", f"{mg}.inf")
        text = f"{mg}.tensor({numbers}, dtype={mg}.{array.dtype.name if array.dtype != bool else 'bool_'}{options})"
    return f"{mg}.nn.Parameter({text}{'' if x.requires_grad else ', requires_grad=False'})" if is_parameter else text


def torch_tensor(program, x, torch):
    """Return an expression for a PyTorch tensor, or None for one of a subclass or a layout that has no plain elements."""
    if type(x) not in (torch.Tensor, torch.nn.Parameter) or x.layout != torch.strided or x.is_quantized or x.is_meta:
        return None
    name, plain = program.library("torch"), x.detach().resolve_conj().resolve_neg().cpu().contiguous()
    numbers = None if plain.dtype in (torch.complex32, torch.complex64, torch.complex128) else \
        listed(plain.double().numpy() if plain.dtype.is_floating_point else plain.numpy())
    dtype, device = f"dtype={name}.{str(x.dtype).partition('.')[2]}", "" if x.device.type == "cpu" else f", device={str(x.device)!r}"
    wanted = ", requires_grad=True" if x.requires_grad and type(x) is torch.Tensor else ""
    if numbers is not None:
        numbers = numbers.replace("nan", f"{name}.nan").replace("inf", f"{name}.inf")
        text = f"{name}.tensor({numbers}, {dtype}{device}{wanted})"
    elif not plain.numel():
        text = f"{name}.empty({tuple(x.shape)}, {dtype}{device}{wanted})"
    else:
        check_size(plain.numel() * plain.element_size())
        data = encoded(program, plain.reshape(-1).view(torch.uint8).numpy().tobytes())
        text = f"{name}.frombuffer(bytearray({data}), {dtype}).reshape({tuple(x.shape)})"
        text += (f".to({str(x.device)!r})" if device else "") + (".requires_grad_()" if wanted else "")
    if type(x) is torch.Tensor:
        return text
    return f"{name}.nn.Parameter({text}{'' if x.requires_grad else ', requires_grad=False'})"


def jax_array(program, x, jax):
    """Return an expression for a JAX array or a key of random numbers."""
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        return f"{program.library('jax')}.random.wrap_key_data({jax_array(program, jax.random.key_data(x), jax)})"
    array = numpy.asarray(x)
    jnp, numbers = program.library("jax.numpy"), listed(array)
    if numbers is None:
        return f"{jnp}.asarray({buffer(program, array)})"
    if x.weak_type and not array.ndim:
        return f"{jnp}.asarray({program.value(array.item())})"  # takes part in promotion as a Python number does
    if is_real(array):
        numbers = numbers.replace("nan", f"{jnp}.nan").replace("inf", f"{jnp}.inf")
    return f"{jnp}.array({numbers}, dtype={jnp}.{array.dtype.name if array.dtype != bool else 'bool_'})"


def listed(array):
    """Return the elements as nested lists; None if there are none or many, or if they would be read as others."""
    if not 0 < array.size <= LARGE or not (is_real(array) or array.dtype.kind in "biucUSO"):
        return None
    if is_real(array):
        return repr(array.astype("float64").tolist()) if array.dtype.itemsize <= 8 else None  # more digits than a Python float has
    if array.dtype.kind == "c":
        parts = numpy.array([array.real, array.imag])
        if array.dtype.itemsize > 16 or not numpy.isfinite(parts).all() or (numpy.signbit(parts) & (parts == 0)).any():
            return None  # Python writes -0.0 and infinities of complex numbers so that they are read as others
    return repr(array.tolist())


def is_real(array):
    """Return whether the elements are floating-point numbers, also of the dtypes that other packages define."""
    return array.dtype.kind == "f" or array.dtype.type.__module__ == "ml_dtypes"


def buffer(program, array):
    """Return an expression for a NumPy array that is made of bytes, and cannot be written to."""
    check_size(array.nbytes)
    data = encoded(program, array.tobytes())
    shape = tuple(array.shape)
    return f"{program.library('numpy')}.frombuffer({data}, {dtype_text(program, array.dtype)}).reshape({shape})"


def dtype_text(program, dtype):
    """Return an expression for a dtype as an argument."""
    if dtype.type.__module__ == "ml_dtypes":
        return f"{program.library('ml_dtypes')}.{dtype.name}"
    if dtype.names is not None:
        return f"({program.value(dtype.type)}, {dtype.descr!r})"
    return repr(dtype.name if dtype.isnative and dtype.kind in "biufc" else dtype.str)


def encoded(program: Any, data: bytes) -> str:
    """Return an expression for bytes, compressed if that is shorter."""
    packed = zlib.compress(data, 9)
    shorter = len(packed) < len(data)
    text = f"{program.library('base64')}.b85decode({base64.b85encode(packed if shorter else data).decode()!r})"
    return f"{program.library('zlib')}.decompress({text})" if shorter else text


def check_size(count):
    """Raise ValueError for more bytes than a program should hold."""
    if count > MOST:
        raise ValueError(f"{count} bytes are too many for a program")
