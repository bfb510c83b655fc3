"""Stand-ins for CuPy's ElementwiseKernel and RawKernel: g++ compiles the same C text, without fused multiply-add, for NumPy arrays."""

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from minigrad.backend.cpu.code_cache import folder as cache_folder

C_TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "bool",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "uint32": "unsigned int",
    "int64": "long long",
    "uint64": "unsigned long long",
}
FUNCTIONS = ["sqrt", "fabs", "exp", "log", "tanh", "sin", "cos", "erf", "expm1", "log1p"]
PRELUDE = "#define __device__ static inline\n" + "".join(
    f"static inline float {f}(float x) {{ return __builtin_{f}f(x); }}\nstatic inline double {f}(double x) {{ return __builtin_{f}(x); }}\n"
    for f in FUNCTIONS
)


class Parameter:
    """One of the comma-separated parameters, "[raw] type name"; a type of one letter stands for the dtype of the arguments."""

    def __init__(self, text, is_output):
        *words, self.type, self.name = text.split()
        if set(words) - {"raw"}:
            raise ValueError(f"unknown keyword in kernel parameter {text!r}")
        self.raw, self.is_output, self.generic = "raw" in words, is_output, len(self.type) == 1


class HostKernel:
    """An ElementwiseKernel with CuPy's checks: one dtype for each letter, outputs of the whole shape, no conversion."""

    def __init__(
        self,
        in_params,
        out_params,
        operation,
        name="kernel",
        reduce_dims=True,
        preamble="",
        no_return=False,
        return_tuple=False,
        **kwargs,
    ):
        if not re.fullmatch(r"[a-zA-Z_]\w*", name):
            raise ValueError(f'Invalid kernel name: "{name}"')
        self.params = [
            Parameter(p, output) for text, output in ((in_params, False), (out_params, True)) for p in text.split(",") if p.strip()
        ]
        if any(p.name == "i" for p in self.params):
            raise ValueError("Can not use 'i' as a parameter name")
        self.nin = sum(not p.is_output for p in self.params)
        self.operation, self.name, self.preamble, self.options = (
            operation,
            name,
            preamble,
            kwargs.pop("options", ()),
        )
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")

    def __call__(self, *args, size=None):
        """Run on NumPy arrays and numbers, and return the outputs; those that are not given are made."""
        if len(args) not in (self.nin, len(self.params)):
            raise TypeError(f"Wrong number of arguments for {self.name!r}: {len(args)}")
        shape = self._shape(args, size)
        types = self._types(args)
        outputs = list(args[self.nin :])
        for p in self.params[self.nin + len(outputs) :]:
            outputs.append(np.empty(shape, types[p.name]))
        for p, out in zip(self.params[self.nin :], outputs):
            if not isinstance(out, np.ndarray):
                raise TypeError("Output arguments type must be cupy.ndarray")
            if not p.raw and out.shape != shape:
                raise ValueError(f"Out shape is mismatched: {out.shape} for {shape}")
        if 0 not in shape:
            self._run([*args[: self.nin], *outputs], types, shape)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _types(self, args):
        """Return the dtype of each parameter."""
        letters = {}
        for p, a in sorted(zip(self.params, args), key=lambda pair: not pair[0].is_output):
            if isinstance(a, np.ndarray):
                expected = letters.setdefault(p.type, a.dtype) if p.generic else np.dtype(p.type)
                if a.dtype != expected:
                    raise TypeError(f"Type is mismatched. {p.name} {a.dtype} {expected}")
        return {p.name: letters[p.type] if p.generic else np.dtype(p.type) for p in self.params}

    def _shape(self, args, size):
        shapes = [a.shape for p, a in zip(self.params, args) if isinstance(a, np.ndarray) and not p.raw]
        if shapes and size is not None:
            raise ValueError("Specified 'size' can be used only if all of the ndarray are 'raw'.")
        if not shapes and size is None:
            raise ValueError("Loop size is undecided.")
        return np.broadcast_shapes(*shapes) if shapes else (size,)

    def _run(self, args, types, shape):
        """Run the loop. Contiguous arrays are passed as they are, so that input and output may overlap; others are copied."""
        held = []
        for p, a in zip(self.params, args):
            if isinstance(a, np.ndarray) and not p.raw:
                a = np.broadcast_to(a, shape)
            held.append(np.ascontiguousarray(a, types[p.name]))
        kinds = tuple("raw" if p.raw else "each" if isinstance(a, np.ndarray) else "number" for p, a in zip(self.params, args))
        call = compiled(self, tuple((p.name, C_TYPES[types[p.name].name]) for p in self.params), kinds)
        call(
            ctypes.c_longlong(int(np.prod(shape))),
            (ctypes.c_void_p * len(held))(*[h.ctypes.data for h in held]),
        )
        for p, a, h in zip(self.params, args, held):
            if p.is_output and not np.shares_memory(a, h):
                a[...] = h.reshape(a.shape)

    def source(self, types, kinds):
        """Return the C text. types: (name, C type) for each parameter; kinds: "raw", "each" (an element at a time) or "number"."""
        letters = {p.type: c for p, (_, c) in zip(self.params, types) if p.generic}
        before, inside = [], []
        for k, (p, (name, c), kind) in enumerate(zip(self.params, types, kinds)):
            const = "" if p.is_output else "const "
            pointer = f"(({const}{c}*)arguments_[{k}])"
            if kind == "raw":
                before.append(f"{const}{c}* {name} = {pointer};")
            elif kind == "number":
                before.append(f"const {c} {name} = *{pointer};")
            else:
                inside.append(f"{const}{c} &{name} = {pointer}[i];")
        typedefs = "".join(f"typedef {c} {letter};\n" for letter, c in letters.items())
        return (
            f'{PRELUDE}{typedefs}{self.preamble}\nextern "C" void {self.name}(long long n_, void** arguments_) {{\n'
            + "\n".join(before)
            + "\nfor (long long i = 0; i < n_; ++i) {\n"
            + "\n".join(inside)
            + f"\n{self.operation};\n}}\n}}\n"
        )


@functools.cache
def compiled(kernel, types, kinds):
    """Return the kernel as a function of (length, pointers)."""
    return getattr(library_of(kernel.name, kernel.source(types, kinds)), kernel.name)


CUDA = Path(__file__).parent / "cupy_on_host"  # kernel.h and blocks.cpp define CUDA's words on the host


class HostRawKernel:
    """A RawKernel: blocks of threads that wait for each other, with arrays and NumPy's numbers as arguments."""

    def __init__(self, code, name, options=(), backend="nvrtc", translate_cucomplex=False):
        self.name, self.options = name, options
        together = str("__syncthreads" in code).lower()
        self.text = f"{(CUDA / 'kernel.h').read_text()}\n#define FLUSH 0\n{code}\nLAUNCHER({name}, {together})\n"

    def __call__(self, grid, block, args, *, shared_mem=0):
        """Run on NumPy arrays and numbers."""
        if any(not isinstance(a, np.ndarray | np.generic) for a in args):
            raise TypeError(f"{self.name}: expected arrays and NumPy's numbers, got {[type(a).__name__ for a in args]}")
        library_of("blocks", (CUDA / "blocks.cpp").read_text(), ctypes.RTLD_GLOBAL)
        values = [ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else np.ctypeslib.as_ctypes(np.array(a)) for a in args]
        places = (ctypes.c_void_p * len(values))(*[ctypes.addressof(v) for v in values])
        width, height = (*block, 1)[:2]
        getattr(library_of(self.name, self.text), f"launch_{self.name}")(places, *map(ctypes.c_uint, (grid[0], width, height)))


def library_of(name, source, mode=ctypes.DEFAULT_MODE):
    """Return C++ text as a loaded library; its binary is kept in minigrad's cache."""
    folder = cache_folder() / "host_kernels"
    path = folder / f"{name}_{hashlib.sha256(source.encode()).hexdigest()[:16]}.so"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.which("g++") is None:
            raise RuntimeError("these tests run CUDA kernels on the CPU and need g++ (Debian: apt install g++)")
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".so", delete=False) as made:
            pass
        command = ["g++", "-x", "c++", "-O1", "-w", "-ffp-contract=off", "-shared", "-fPIC", "-o", made.name, "-"]
        done = subprocess.run(command, input=source, text=True, capture_output=True)
        if done.returncode:
            os.unlink(made.name)
            raise RuntimeError(f"g++ rejects {name}:\n{done.stderr}\n{source}")
        os.replace(made.name, path)
    return ctypes.CDLL(str(path), mode=mode)
