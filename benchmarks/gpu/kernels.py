"""Part `kernels`: which kernels a step launches, and how long each runs, as measured by PyTorch's profiler, which sees CuPy's too."""

import json
import traceback
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES, load
from benchmarks.gpu.records import why_no_pytorch
from benchmarks.gpu.steps import MAIN, trainer_of

STEPS = 10
FILE = "kernels.json"


def run(out: Path) -> int:
    """Profile ten steps of each library, and write the table again after each. Return 1 if one of them failed, else 0."""
    found: dict[str, Any] = {}
    why = why_no_pytorch()
    if why:
        print(f"NOT MEASURED, as this needs PyTorch's profiler: {why}")
        return 0
    for key in ("cupy", "torch_cuda"):
        for dtype in ("float32", "float64"):
            try:
                found[f"{key}, {dtype}"] = profiled(key, dtype)
            except Exception as error:
                traceback.print_exc()
                found[f"{key}, {dtype}"] = {"failure": f"{type(error).__name__}: {error}"[:500]}
            (out / FILE).write_text(json.dumps(found, indent=1), encoding="utf-8")
    return int(any("failure" in entry for entry in found.values()))


def profiled(key: str, dtype: str) -> dict[str, Any]:
    """Return the microseconds that a step takes on the device, in all and by kernel."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    loaded = load(ENGINES[key], 2)
    step = trainer_of(loaded, MAIN, dtype).stepper(noise=True)

    def wait() -> None:
        loaded.synchronize()
        torch.cuda.synchronize()

    for _ in range(STEPS):
        step()
    wait()
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for _ in range(STEPS):
            step()
        wait()
    rows = sorted(kernel_times(profiler), key=lambda row: -row["us"])
    for row in rows:
        print(f"  {row['us']:8.2f} us  {row['launches']:4.1f} x  {row['name'][:100]}")
    return {"us_of_a_step": sum(row["us"] for row in rows), "kernels": rows}


def kernel_times(profiler: Any) -> list[dict[str, Any]]:
    """Return name, launches and microseconds in a step of everything that ran on the device."""
    sums = {e.key: (e.count, e.self_device_time_total) for e in profiler.key_averages() if e.self_device_time_total}
    if not sums:  # then the kernels belong to no operation of PyTorch's
        for e in profiler.profiler.kineto_results.events():
            if "CPU" not in str(e.device_type()):
                count, us = sums.get(e.name(), (0, 0.0))
                sums[e.name()] = count + 1, us + e.duration_ns() / 1e3
    return [{"name": name, "launches": count / STEPS, "us": us / STEPS} for name, (count, us) in sums.items()]
