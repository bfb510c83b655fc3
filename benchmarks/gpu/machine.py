"""Part `machine`: a description of the machine. As a program it prints the GPU's name, the versions and the date as one line of JSON."""

import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import minigrad as mg
from benchmarks.gpu import records
from minigrad.backend import cuda
from minigrad.experiments.run_folder import versions

COMMANDS = (["nvidia-smi"], ["nvidia-smi", "-q", "-d", "CLOCK,COMPUTE"], ["nvcc", "--version"], ["lscpu"])
PACKAGES = [
    *("minigrad", "numpy", "cupy-cuda13x", "cupy-cuda12x", "cupy", "torch", "torchvision", "numba", "threadpoolctl", "safetensors"),
    *("pytest", "pytest-xdist", "pytest-timeout", "hypothesis"),
    *("nvidia-cublas", "nvidia-cublas-cu12", "nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12", "cuda-pathfinder"),
]
LIBRARIES = ("cublas", "nvrtc", "cudart", "libcuda.", "curand")


def run(out: Path) -> None:
    """Print the machine's description into the log."""
    for command in COMMANDS:
        there = shutil.which(command[0])
        done = subprocess.run(command, capture_output=True, text=True, timeout=20) if there else None
        print(*command, done.stdout[:4000] if done else "is not there", sep="\n", flush=True)
    print(sys.executable, sys.version, os.cpu_count(), "processors", flush=True)
    lib = cuda.library()
    x = lib.ones((64, 64), "float32")
    print("the sum of a product of ones:", float((x @ x).sum()), flush=True)
    print("CUDA's libraries in this process:", *loaded_libraries(), sep="\n  ", flush=True)
    if not records.REHEARSAL:
        lib.show_config()


def loaded_libraries() -> list[str]:
    """Return the file names of the CUDA libraries in this process: which cuBLAS, which NVRTC."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    names = {Path(line.split()[-1]).name for line in lines if "/" in line}
    return sorted(name for name in names if any(word in name for word in LIBRARIES))


def describe() -> dict[str, Any]:
    """Return the device, the versions and the date."""
    lib = cuda.library()
    name = lib.cuda.runtime.getDeviceProperties(0)["name"]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "gpu": name.decode() if isinstance(name, bytes) else name,
        "compute_capability": lib.cuda.Device(0).compute_capability,
        "cuda_runtime": lib.cuda.runtime.runtimeGetVersion(),
        "cuda_driver": lib.cuda.runtime.driverGetVersion(),
        "tf32": mg.cuda.allow_tf32(),
        "rehearsal": records.REHEARSAL,
        "system": platform.platform(),
        "versions": versions(PACKAGES),
    }


if __name__ == "__main__":
    records.import_stand_in()
    print(json.dumps(describe() if mg.cuda.is_available() else None))
