"""A stand-in for cuBLAS: cublas.cpp, loaded under the name that CuPy's wheel looks for."""

import ctypes

from . import toolkit
from .compiler import HERE, built, folder_of


def load():
    """Compile and load cublas.cpp."""
    name, text = toolkit.installed.cublas, (HERE / "cublas.cpp").read_text()
    script = folder_of(name) / "exported.map"
    script.write_text(f"{name} {{ global: *; }};\n")
    options = "-O3", f"-Wl,-soname,{name}", f"-Wl,--version-script={script}", f"-DVERSION={toolkit.installed.major * 10000}"
    return ctypes.CDLL(built(name, text, *options), mode=ctypes.RTLD_GLOBAL)


library = load()
_recorder: list = []


def set_recorder(record):
    """From now on call record(call) for each requested product instead of computing it; with None, compute again."""
    _recorder[:] = [] if record is None else [record]
    ctypes.c_int.in_dll(library, "capturing").value = record is not None


@ctypes.PYFUNCTYPE(None, ctypes.c_int)
def recorded(number):
    """Pass the product of this number on to the recorder."""
    _recorder[0](lambda: library.compute_recorded(number))


ctypes.c_void_p.in_dll(library, "recorded").value = ctypes.cast(recorded, ctypes.c_void_p).value


def products():
    """Return the number of products that cuBLAS was asked for."""
    return ctypes.c_int.in_dll(library, "products").value


def compute_type():
    """Return cuBLAS's number for the precision in which the last product was requested."""
    return ctypes.c_int.in_dll(library, "last_compute_type").value
