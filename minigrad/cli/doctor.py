"""`minigrad doctor`: say which optional packages and devices are there, which are missing, and how to install them."""

import argparse
import ctypes
import os
import platform
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad
from minigrad import backend
from minigrad.experiments.run_folder import version_of
from minigrad.experiments.terminal import say

CUDA_LIBRARIES = ("libcuda.so.1", "libcuda.so", "nvcuda.dll")
BLAS_PRESETS = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "BLIS_ARCH_TYPE")  # environment variables that choose the kernels
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def add_parser(commands: Any) -> None:
    """Declare `doctor`, which has no options."""
    about = "say which optional packages and devices are there, which are missing, and how to install them"
    parser = commands.add_parser("doctor", help="say what is there and what is missing", description=about)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the diagnosis; return 1 if something is broken, else 0."""
    findings = diagnose()
    say(as_text(findings))
    return int(any(finding.state == "broken" for finding in findings))


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis: `state` is "ok", "missing" or "broken"; `advice` says what to do."""

    name: str
    state: str
    text: str
    advice: str = ""


def diagnose() -> list[Finding]:
    """Return a finding for each thing that minigrad can use on this machine. PyTorch is not imported for it."""
    return [
        Finding("minigrad", "ok", minigrad.__version__),
        Finding("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        Finding("NumPy", "ok", np.__version__),
        blas(),
        Finding("threads", "ok", threads()),
        numba(),
        optional("threadpoolctl", "threadpoolctl", "keeps BLAS's threads and minigrad's apart", "fast"),
        optional("matplotlib", "matplotlib", "the pictures of minigrad train --out", "train"),
        optional("tqdm", "tqdm", "progress bars", "train"),
        optional("pillow", "Pillow", "save_image and Resize of minigrad.data", "train"),
        cuda_driver(),
        cupy(),
        optional("torch", "PyTorch", "for comparison in the tests, never needed to run", "test"),
    ]


def as_text(findings: list[Finding]) -> str:
    """Return the findings as lines of text, and their advice below these."""
    marks = {"ok": "+", "missing": "-", "broken": "!"}
    width = max(len(finding.name) for finding in findings)
    lines = [f"{marks[finding.state]} {finding.name:{width}}  {finding.text}" for finding in findings]
    advice = [f"{finding.name}: {finding.advice}" for finding in findings if finding.advice]
    if advice:
        lines += ["", "To add what is missing, or mend what is broken:", *(f"  {line}" for line in advice)]
    return "\n".join(lines)


def install_hint(extra: str) -> str:
    """Return the command that installs an extra of this minigrad. The name alone would install another project from PyPI."""
    return f"in a clone of minigrad: pip install -e '.[{extra}]'"


def optional(distribution: str, name: str, purpose: str, extra: str) -> Finding:
    """Return the finding for an optional package."""
    version = version_of(distribution)
    if version is None:
        return Finding(name, "missing", f"not installed ({purpose})", install_hint(extra))
    return Finding(name, "ok", f"{version} ({purpose})")


def numba() -> Finding:
    """Return the finding that says whether Numba is installed and works."""
    finding = optional("numba", "Numba", "compiled loops on the CPU", "fast")
    if finding.state != "ok" or backend.compiling.numba() is not None:
        return finding
    if os.environ.get("MINIGRAD_NUMBA") == "0":
        return Finding("Numba", "missing", f"{finding.text}, switched off by MINIGRAD_NUMBA=0")
    advice = "python -c 'import numba' says why"
    return Finding("Numba", "broken", f"{finding.text}, but it cannot be imported", advice)


def blas() -> Finding:
    """Return which BLAS library NumPy uses, for which processor its kernels are, and which environment variables chose them."""
    build = np.show_config(mode="dicts")
    library = build.get("Build Dependencies", {}).get("blas", {}) if build else {}
    text = f"{library.get('name', 'unknown')} {library.get('version', '')}".rstrip()
    kernels = {str(found.architecture) for found in backend.products.blas.get() if getattr(found, "architecture", None)}
    if kernels:
        text += f", kernels for {' and '.join(sorted(kernels))}"
    presets = [f"{name}={os.environ[name]}" for name in BLAS_PRESETS if name in os.environ]
    if presets:
        text += f" (preset by {', '.join(presets)})"
    if backend.products.can_use_gemm():
        text += "; large products by minigrad's own kernel where that is faster"
    return Finding("BLAS", "ok", text)


def threads() -> str:
    """Return how many threads are used, and which environment variables set their number."""
    said = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    text = f"{backend.get_num_threads()} of {os.cpu_count()} processors"
    return f"{text} ({', '.join(said)})" if said else text


def driver_version() -> tuple[int, int] | None:
    """Return the CUDA version that the installed NVIDIA driver can run, as (major, minor), or None without a driver."""
    for name in CUDA_LIBRARIES:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        number = ctypes.c_int()
        if driver.cuDriverGetVersion(ctypes.byref(number)) == 0:
            return number.value // 1000, number.value % 1000 // 10
    return None


def cuda_driver() -> Finding:
    """Return the finding that says which version of CUDA the NVIDIA driver can run."""
    found = driver_version()
    if found is None:
        return Finding("CUDA", "missing", "no NVIDIA driver (--device cuda needs an NVIDIA GPU)")
    return Finding("CUDA", "ok", f"the driver runs CUDA up to {found[0]}.{found[1]}")


def cupy() -> Finding:
    """Return the finding that says whether CuPy works, and on which GPU. It tells how to install CuPy only where there is a driver."""
    found = driver_version()
    builds = {name: version for name in ("cupy-cuda13x", "cupy-cuda12x", "cupy") if (version := version_of(name))}
    if len(builds) > 1:
        advice = f"pip uninstall {' '.join(builds)}, then install one again, that of the extra cuda12 or cuda13"
        return Finding("CuPy", "broken", f"{' and '.join(builds)} are installed, into the same folder", advice)
    version = next(iter(builds.values()), None)
    if version is None:
        extra = "cuda13" if found and found[0] >= 13 else "cuda12"
        advice = install_hint(extra) if found else ""
        return Finding("CuPy", "missing", "not installed (--device cuda)", advice)
    try:
        if not backend.cuda.is_available():
            backend.cuda.cupy()  # raises what is wrong with it, if anything is
            return Finding("CuPy", "missing", f"{version}, but it finds no usable GPU")
        library = backend.cuda.library()
        x = library.ones((2, 2), "float32")
        (x @ x + x).get()  # fails unless cuBLAS, NVRTC and CUDA's headers are there
        rounding = ", float32 products in TF32" if backend.cuda.allow_tf32() else ""
        name = library.cuda.runtime.getDeviceProperties(0)["name"].decode()
        return Finding("CuPy", "ok", f"{version} on {name}{rounding}")
    except Exception as error:  # a broken installation fails in many ways, and this is the place to say so
        advice = "reinstall, with CUDA's libraries, the build that fits the driver: the extra cuda12 or cuda13"
        return Finding("CuPy", "broken", f"{version}, but {type(error).__name__}: {error}", advice)
