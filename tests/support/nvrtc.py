"""NVRTC, CUDA's compiler as a library, for each installed CUDA release: pip install -e '.[kernels]' installs 12 and 13."""

import ctypes
import importlib
import os
from pathlib import Path


class CompileError(RuntimeError):
    """Raised for a text that NVRTC rejects, with its message."""


class Nvrtc:
    """The compiler of one release; making one raises ImportError or OSError if it is not installed."""

    def __init__(self, release):
        library, headers = (Path(importlib.import_module(name).__path__[0]) for name in (release.nvrtc, release.headers))
        self.functions = ctypes.CDLL(str(library / "lib" / f"libnvrtc.so.{release.major}"))
        self.headers = headers / "include"

    def compile(self, text, options=(), method="cubin"):
        """Return the text's machine code for the options' -arch, or, with method="ptx", its assembly."""
        program, count = ctypes.c_void_p(), len(options)
        given = (ctypes.c_char_p * count)(*[option.encode() for option in options])
        self.functions.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"minigrad.cu", 0, None, None)
        try:
            if self.functions.nvrtcCompileProgram(program, count, given):
                raise CompileError(self._read(program, "ProgramLog").decode())
            return self._read(program, method.upper())
        finally:
            self.functions.nvrtcDestroyProgram(ctypes.byref(program))

    def _read(self, program, what):
        size = ctypes.c_size_t()
        getattr(self.functions, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        getattr(self.functions, f"nvrtcGet{what}")(program, text)
        return text.raw

    def cupys_options(self, options):
        """Return the options that CuPy would compile with, for the headers of this release."""
        from cupy._core import core

        folders = tuple(f"-I{self.headers}" if is_toolkit(option) else option for option in core.assemble_cupy_compiler_options(options))
        return (*folders, "-ftz=true", "--device-as-default-execution-space")  # the last two as in cupy/cuda/compiler.py


def is_toolkit(option):
    """Return whether a compiler's option names the folder of CUDA's own headers, of any release."""
    return option.startswith("-I") and os.path.exists(os.path.join(option[2:], "cuda_runtime.h"))
