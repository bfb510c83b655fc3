"""The engines compared: minigrad on NumPy, Numba, CuPy; PyTorch on the CPU, on CUDA, as a CUDA graph."""

import functools
import os
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Engine:
    """What a process is told to compute with. `fused` is about PyTorch's optimizers."""

    key: str
    title: str
    library: str  # the module's name, "minigrad" or "torch"
    device: str = "cpu"
    numba: bool = False
    fused: bool = True
    graph: bool = False

    @property
    def is_variant(self) -> bool:
        """Return whether only its optimizer, or the way in which a step is called, tells it from another engine."""
        return self.graph or not self.fused


ENGINES = {
    engine.key: engine
    for engine in [
        Engine("numba", "minigrad, Numba", "minigrad", numba=True),
        Engine("numpy", "minigrad, NumPy alone", "minigrad"),
        Engine("torch", "PyTorch, fused optimizer", "torch"),
        Engine("torch_default", "PyTorch, default optimizer", "torch", fused=False),
        Engine("cupy", "minigrad, CuPy", "minigrad", device="cuda"),
        Engine("torch_cuda", "PyTorch on CUDA, fused optimizer", "torch", "cuda"),
        Engine("torch_cuda_default", "PyTorch on CUDA, default optimizer", "torch", "cuda", fused=False),
        Engine("torch_cuda_graph", "PyTorch on CUDA, graph", "torch", "cuda", graph=True),
    ]
}
RIVAL = {"cpu": "torch", "cuda": "torch_cuda"}  # the engine by whose figures those of the others on a device are divided
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment(engine: Engine, threads: int) -> dict[str, str]:
    """Return the environment of a process that computes with `engine`."""
    said = {**dict.fromkeys(THREADS, str(threads)), "MINIGRAD_NUMBA": str(int(engine.numba))}
    return {**os.environ, **said}


@dataclass(frozen=True)
class Loaded:
    """An engine in its own process: the modules with PyTorch's names, and the lectures written for it."""

    engine: Engine
    library: ModuleType
    optim: ModuleType
    lectures: dict[str, ModuleType]

    def tensor(self, array: Any, dtype: str | None = None) -> Any:
        """Return a tensor with the values of a NumPy array, on the engine's device."""
        made = self.library.from_numpy(array).to(self.engine.device)
        return made if dtype is None else made.to(getattr(self.library, dtype))

    def synchronize(self) -> None:
        """Wait until the device has finished its work."""
        if self.engine.device == "cuda":
            self.library.cuda.synchronize()


def load(engine: Engine, threads: int) -> Loaded:
    """Import the engine, in a process started with `environment`, and give it its threads."""
    library = import_module(engine.library)
    library.set_num_threads(threads)
    is_minigrad = engine.library == "minigrad"
    optim = import_module("minigrad.optim" if is_minigrad else "reference.optim")
    if not is_minigrad:
        set_optimizers(optim, engine)
    home = "minigrad.experiments" if is_minigrad else "reference"
    lectures = {name: import_module(f"{home}.{name}") for name in ("denoising", "autoencoder")}
    return Loaded(engine, library, optim, lectures)


def set_optimizers(optim: Any, engine: Engine) -> None:
    """Make the reference's optimizers fused, or as PyTorch has them by default."""
    import torch

    options = {"fused": True} if engine.fused else {}
    capture = {"capturable": True} if engine.graph else {}
    optim.Adam = functools.partial(torch.optim.Adam, **options, **capture)
    optim.SGD = functools.partial(torch.optim.SGD, **options)
