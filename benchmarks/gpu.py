"""`python -m benchmarks.gpu`: everything that only a GPU can tell, as JSON in benchmarks/results/gpu/.

tests.json: `pytest -m gpu`. probe.json: what a call costs the host and the device, what a CUDA graph can hold, and the
training step of lecture 20 with its variants. step.json: the steps beside PyTorch's (`python -m benchmarks step`).
"""

import argparse
import ctypes
import datetime
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks import machine, tables
from benchmarks.engines import ENGINES, load
from benchmarks.pairs import ROOT
from benchmarks.stopwatch import calls_a_block, measure_calls
from benchmarks.works import WORKS, Trainer
from minigrad.backend import array_module, cuda
from minigrad.experiments.record import write_json
from minigrad.ops.activations import tanh_grad
from minigrad.ops.losses import squared_distance

RESULTS = Path(__file__).parent / "results" / "gpu"
BATCH = (1000, 784)
IMAGES = 10_000
COMPARED = ("cupy", "torch_cuda", "torch_cuda_default", "torch_cuda_graph")


def main(arguments: Sequence[str] | None = None) -> int:
    """Test, probe, compare. The exit code: 0; 1 without a GPU, or if a part failed."""
    command = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    command.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    command.add_argument("--block-seconds", type=float, default=0.1, metavar="S", help="a block of calls takes at least")
    command.add_argument("--parts", nargs="+", choices=["tests", "probe", "step"], default=["tests", "probe", "step"])
    options = command.parse_args(arguments)
    if not mg.cuda.is_available():
        print("NOT RUN: there is no CuPy with a usable GPU here (minigrad doctor says what is missing).")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    about = describe()
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    good = True
    if "tests" in options.parts:
        found = run_tests()
        write_json(options.out / "tests.json", {"device": about, **found})
        good = found["exit_code"] == 0
        print(found["summary"])
    if "probe" in options.parts:
        found = probe(options.block_seconds)
        write_json(options.out / "probe.json", {"device": about, **found})
        print(report(found))
    if "step" in options.parts:
        command_line = [sys.executable, "-m", "benchmarks", "step", "--out", str(options.out), "--engines", *COMPARED]
        good = subprocess.run(command_line, cwd=ROOT).returncode == 0 and good
    return 0 if good else 1


def describe() -> dict[str, Any]:
    """The device, versions and the date."""
    lib = cuda.library()
    name = lib.cuda.runtime.getDeviceProperties(0)["name"]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "gpu": name.decode() if isinstance(name, bytes) else name,
        "compute_capability": lib.cuda.Device(0).compute_capability,
        "cuda_runtime": lib.cuda.runtime.runtimeGetVersion(),
        "tf32": mg.cuda.allow_tf32(),
        **machine.versions(machine.PACKAGES),
    }


def run_tests() -> dict[str, Any]:
    """The tests marked gpu, in a process of their own: pytest's last line and its counts."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-m", "gpu", "-q"], cwd=ROOT, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if re.search(r"\d+ (passed|failed|skipped|error)", line)]
    summary = lines[-1].strip("= ") if lines else "no test ran"
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)", summary)}
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return {"exit_code": done.returncode, "summary": summary, "counts": counts, "failed": failed}


# ---- the probe


def probe(block_seconds: float) -> dict[str, Any]:
    """Seconds of each call and step, with the host's share, and what a CUDA graph can hold."""
    found: dict[str, Any] = {"calls": {}, "steps": {}}
    for title, call in calls().items():
        found["calls"][title] = timed(call, block_seconds)
    found["graph"] = {title: capture(work) for title, work in captured_works().items()}
    for dtype in ("float32", "float64"):
        for title, step in steps(dtype).items():
            found["steps"][f"{title}, {dtype}"] = timed(step, block_seconds)
    before = mg.cuda.allow_tf32(True)
    found["steps"]["step with TF32, float32"] = timed(steps("float32")["step"], block_seconds)
    mg.cuda.allow_tf32(before)
    return found


def timed(call: Callable[[], Any], block_seconds: float) -> dict[str, float]:
    """The median of five blocks of calls; errors are a result too."""
    n = calls_a_block(call, mg.cuda.synchronize, at_least=block_seconds)
    return measure_calls(call, mg.cuda.synchronize, blocks=5, calls=n)


def calls() -> dict[str, Callable[[], Any]]:
    """One call of every kind that a step makes, on a batch of float32 or on 64 × 64 numbers."""
    lib, draw = cuda.library(), np.random.default_rng(0)
    host = draw.random(BATCH, dtype=np.float32)
    x, y = lib.asarray(host), lib.asarray(draw.random(BATCH, dtype=np.float32))
    small, xp = lib.asarray(draw.random((64, 64), dtype=np.float32)), array_module(x)
    one, generator = lib.ones((), "float32"), mg.Generator("cuda").manual_seed(0)
    weight = lib.asarray(draw.random((400, 784), dtype=np.float32))
    noise, pixels = mg.zeros(BATCH, device="cuda"), lib.asarray((host * 255).astype(np.uint8))
    index = lib.asarray(draw.permutation(BATCH[0]))
    return {
        "ufunc, small": lambda: small * small,
        "ufunc into its output, small": lambda: lib.multiply(small, small, out=small),
        "fused kernel, small": lambda: tanh_grad(small, small),
        "view, small": lambda: small[1:],
        "sum, small": lambda: lib.sum(small),
        "product, small": lambda: xp.matmul(small, small),
        "number × 0-d": lambda: one * 2.0,
        "ufunc, batch": lambda: x * y,
        "fused kernel, batch": lambda: tanh_grad(x, y),
        "fused kernel and sum, batch": lambda: squared_distance(x, y),
        "tanh, batch": lambda: xp.tanh(x),
        "sum over rows, batch": lambda: lib.sum(x, axis=0),
        "product, batch": lambda: xp.matmul(x, weight.T),
        "gather of bytes and scaling, batch": lambda: pixels[index].astype("float32") / 255,
        "normal numbers drawn on the device, batch": lambda: noise.normal_(generator=generator),
        "normal numbers drawn on the host, batch": lambda: noise.normal_(),
        "copy to the device, batch": lambda: lib.asarray(host),
        "reading one number": lambda: one.item(),
    }


def steps(dtype: str) -> dict[str, Callable[[], Any]]:
    """The pretraining step of lecture 20: as the lecture has it, with noise drawn on the device, and without any."""
    sizes = {"batch_size": BATCH[0], "limit": IMAGES}
    made = [Trainer(load(ENGINES["cupy"], 2), WORKS["pretraining"], dtype=dtype, **sizes) for _ in range(3)]
    made[1].run.generator = mg.Generator("cuda").manual_seed(0)
    return {
        "step": made[0].stepper(noise=True),
        "step, noise drawn on the device": made[1].stepper(noise=True),
        "step, without noise": made[2].stepper(noise=False),
    }


def captured_works() -> dict[str, Callable[[], Any]]:
    """What a graph of a whole step would have to hold."""
    lib = cuda.library()
    x, y = lib.ones((64, 64), "float32"), lib.ones((64, 64), "float32")
    noise, generator = mg.zeros(64, 64, device="cuda"), mg.Generator("cuda").manual_seed(0)
    return {
        "fused kernel": lambda: tanh_grad(x, y),
        "sum": lambda: lib.sum(x),
        "drawing": lambda: noise.normal_(generator=generator),
        "product by CuPy": lambda: x @ y,
        "product by cuBLAS through ctypes": lambda: product_by_ctypes(lib, x, y),
    }


def capture(work: Callable[[], Any]) -> str:
    """ "works" if a CUDA graph of `work` can be captured and launched, else the error."""
    try:
        lib = cuda.library()
        stream = lib.cuda.Stream(non_blocking=True)
        with stream:
            work()  # compiled, and its memory in the pool
            stream.synchronize()
            stream.begin_capture()
            try:
                work()
            finally:
                graph = stream.end_capture()
        graph.launch(stream)
        stream.synchronize()
    except Exception as error:  # whatever it is, it is the answer
        return f"{type(error).__name__}: {error}"
    return "works"


def product_by_ctypes(lib: Any, x: Any, y: Any) -> Any:
    """x @ y for float32 by cublasSgemm on the current stream: CuPy itself refuses cuBLAS while a graph is captured."""
    from cuda.pathfinder import load_nvidia_dynamic_lib

    cublas = ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path)
    if not _handle:
        handle = ctypes.c_void_p()
        cublas.cublasCreate_v2(ctypes.byref(handle))
        _handle.append(handle)
    out, (m, k), n = lib.empty((x.shape[0], y.shape[1]), x.dtype), x.shape, y.shape[1]
    one, zero, pointer = ctypes.c_float(1), ctypes.c_float(0), ctypes.c_void_p
    stream = pointer(lib.cuda.get_current_stream().ptr)
    status = cublas.cublasSetStream_v2(_handle[0], stream) or cublas.cublasSgemm_v2(  # column by column: yᵀ xᵀ
        _handle[0],
        0,
        0,
        n,
        m,
        k,
        ctypes.byref(one),
        pointer(y.data.ptr),
        n,
        pointer(x.data.ptr),
        k,
        ctypes.byref(zero),
        pointer(out.data.ptr),
        n,
    )
    if status:
        raise RuntimeError(f"cuBLAS status {status}")
    return out


_handle: list = []


def report(found: dict[str, Any]) -> str:
    """The probe's answers as tables."""
    texts = []
    for name in ("calls", "steps"):
        rows = [[title, tables.duration(t["seconds"]), tables.duration(t["host_seconds"])] for title, t in found[name].items()]
        texts.append(tables.markdown([name, "time", "host"], rows))
    texts.append(tables.markdown(["in a CUDA graph", "answer"], list(map(list, found["graph"].items()))))
    return "\n\n".join(texts)


if __name__ == "__main__":
    sys.exit(main())
