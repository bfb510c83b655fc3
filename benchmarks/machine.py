"""The machine that measures: processor, memory, GPU, versions, BLAS, threads, precision, and which engines are missing."""

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES, THREADS, environment
from benchmarks.pairs import ROOT, BenchmarkError
from minigrad.cli.doctor import BLAS_PRESETS
from minigrad.experiments.run_folder import versions

PACKAGES = ("minigrad", "numpy", "numba", "threadpoolctl", "torch", "cupy-cuda12x", "cupy-cuda13x", "cupy")


def describe(threads: int) -> dict[str, Any]:
    """Return a description of the machine. A process of its own makes it, so that this one loads no engine."""
    command = [sys.executable, "-m", "benchmarks.machine"]
    env = environment(ENGINES["numba"], threads)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"the machine could not be described:\n{done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "threads": threads}


def look() -> dict[str, Any]:
    """Return the description. This is called in a process that may import every engine."""
    missing, gpu, flags = look_for_engines()
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": memory_bytes(),
        "gpu": gpu,
        "versions": versions(PACKAGES),
        "libraries": thread_pools(),
        "environment": {name: os.environ.get(name) for name in (*THREADS, *BLAS_PRESETS)},
        "precision": flags,
        "missing": missing,
    }


def look_for_engines() -> tuple[dict[str, str], str | None, dict[str, Any]]:
    """Return why each missing engine is missing, the GPU's name, and the settings that decide how exactly float32 is multiplied."""
    import minigrad

    missing: dict[str, str] = {}
    flags: dict[str, Any] = {"CUPY_TF32": os.environ.get("CUPY_TF32", "0")}
    gpu = None
    if not minigrad.backend.compiling.numba():
        missing["numba"] = "Numba is not installed"
    if not minigrad.cuda.is_available():
        missing["cupy"] = "CuPy with a usable GPU is not there"
    try:
        import torch
    except ImportError:
        missing |= {key: "PyTorch is not installed" for key in ENGINES if "torch" in key}
        return missing, gpu, flags
    flags["torch_float32_matmul_precision"] = torch.get_float32_matmul_precision()
    flags["torch_cuda_allow_tf32"] = torch.backends.cuda.matmul.allow_tf32
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_name(0)
    else:
        missing |= {key: "PyTorch sees no GPU" for key in ENGINES if key.startswith("torch_cuda")}
    return missing, gpu, flags


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_bytes() -> int | None:
    """Return the size of the machine's memory, or None if the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def kernels(description: dict[str, Any]) -> str:
    """Return which kernels the BLAS libraries run, and the environment variable that chose them, if one did; "" if unknown."""
    pools = description.get("libraries", [])
    names = {pool["architecture"] for pool in pools if pool["user_api"] == "blas" and pool.get("architecture")}
    environment = description.get("environment", {})
    presets = [f"{name}={environment[name]}" for name in BLAS_PRESETS if environment.get(name)]
    text = f"BLAS kernels for {' and '.join(sorted(names))}" if names else ""
    return f"{text} (preset by {', '.join(presets)})" if text and presets else text


def thread_pools() -> list[dict[str, Any]]:
    """Return the BLAS and OpenMP libraries that are loaded, without their paths."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    keys = ("user_api", "internal_api", "prefix", "version", "threading_layer", "architecture", "num_threads")
    return [{key: pool[key] for key in keys if key in pool} for pool in threadpool_info()]


if __name__ == "__main__":
    print(json.dumps(look()))
