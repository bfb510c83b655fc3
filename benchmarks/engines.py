"""The engines that are compared: minigrad on NumPy, Numba, CuPy; PyTorch on the CPU, on CUDA, as a CUDA graph."""

import functools
import os
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Engine:
    """What a process is told to compute with. `optimizer` holds the options that PyTorch's optimizers get."""

    key: str
    title: str
    library: str  # the module's name, "minigrad" or "torch"
    device: str = "cpu"
    numba: bool = False
    optimizer: tuple[str, ...] = ()
    graph: bool = False


ENGINES = {
    engine.key: engine
    for engine in [
        Engine("numba", "minigrad, Numba", "minigrad", numba=True),
        Engine("numpy", "minigrad, NumPy alone", "minigrad"),
        Engine("torch", "PyTorch, fused optimizer", "torch", optimizer=("fused",)),
        Engine("torch_default", "PyTorch, default optimizer", "torch"),
        Engine("cupy", "minigrad, CuPy", "minigrad", device="cuda"),
        Engine("torch_cuda", "PyTorch on CUDA, fused optimizer", "torch", "cuda", optimizer=("fused",)),
        Engine("torch_cuda_default", "PyTorch on CUDA, default optimizer", "torch", "cuda"),
        Engine(
            "torch_cuda_graph", "PyTorch on CUDA, graph", "torch", "cuda", optimizer=("fused",), graph=True
        ),
    ]
}
RIVAL = {"cpu": "torch", "cuda": "torch_cuda"}  # what the others on that device are divided by
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment(engine: Engine, threads: int) -> dict[str, str]:
    """The environment of a process that computes with `engine`."""
    said = {**dict.fromkeys(THREADS, str(threads)), "MINIGRAD_NUMBA": str(int(engine.numba))}
    return {**os.environ, **said}


@dataclass(frozen=True)
class Loaded:
    """An engine in its own process: the module with PyTorch's names, and the lectures written for it."""

    engine: Engine
    library: ModuleType
    lectures: dict[str, ModuleType]

    def tensor(self, array: Any, dtype: str | None = None) -> Any:
        """A tensor with the values of a NumPy array, on the engine's device."""
        made = self.library.from_numpy(array).to(self.engine.device)
        return made if dtype is None else made.to(getattr(self.library, dtype))

    def synchronize(self) -> None:
        """Wait until the device has done what it was given."""
        if self.engine.device == "cuda":
            self.library.cuda.synchronize()


def load(engine: Engine, threads: int) -> Loaded:
    """Import the engine, in a process started with `environment`, and give it its threads."""
    library = import_module(engine.library)
    library.set_num_threads(threads)
    home = "minigrad.experiments" if engine.library == "minigrad" else "reference"
    if engine.library == "torch":
        _set_optimizers(engine)
    lectures = {name: import_module(f"{home}.{name}") for name in ("denoising", "autoencoder")}
    return Loaded(engine, library, lectures)


def _set_optimizers(engine: Engine) -> None:
    """Have the lectures' optimizers run fused or as PyTorch has them by default."""
    import torch

    from reference import optim

    options = dict.fromkeys(engine.optimizer, True)
    adam = {**options, "capturable": True} if engine.graph else options
    optim.Adam = functools.partial(torch.optim.Adam, **adam)
    optim.SGD = functools.partial(torch.optim.SGD, **options)
