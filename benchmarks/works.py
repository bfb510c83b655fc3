"""The steps that are timed: the lectures' own, from equal weights on equal batches, in either engine.

They call what minigrad/experiments/training.py and its twin reference/training.py call.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.engines import Loaded
from minigrad.experiments.config import LECTURES

PREPARED = 4  # batches that are prepared where a step is timed without its gather


@dataclass(frozen=True)
class Work:
    """A step of a lecture's phase. If `gathers`, the step makes its batch and its noise; else its batches are prepared before."""

    name: str
    title: str
    lecture: str
    phase: str
    gathers: bool


WORKS = {
    work.name: work
    for work in [
        Work("pretraining", "lecture 20 pretraining: gather, noise, clamp", "denoising", "pretrain", True),
        Work("pretraining-bare", "the same without gather and noise", "denoising", "pretrain", False),
        Work("classifier", "classifier 784-400-10, with gather", "denoising", "finetune", True),
        Work("classifier-bare", "classifier 784-400-10, without gather", "denoising", "finetune", False),
        Work("lecture12", "lecture 12 pretraining, with its batch", "autoencoder", "pretrain", True),
        Work("lecture12-bare", "lecture 12 pretraining, without its batch", "autoencoder", "pretrain", False),
    ]
}


def set_weights(loaded: Loaded, net: Any, dtype: str, gain: float = 1) -> None:
    """Set weights that do not depend on the engine: uniform between ± gain / √(length of the last axis)."""
    draw, drawn = np.random.default_rng(0), {}
    for name, value in sorted(net.state_dict().items()):
        bound = gain / math.sqrt(value.shape[-1])
        drawn[name] = loaded.tensor(draw.uniform(-bound, bound, tuple(value.shape)), dtype)
    net.load_state_dict(drawn)


class Trainer:
    """A lecture's run in an engine, with weights that do not depend on the engine, and its steps as calls without arguments."""

    def __init__(self, loaded: Loaded, work: Work, *, dtype: str, batch_size: int, limit: int | None) -> None:
        self.loaded, self.work, lecture = loaded, work, loaded.lectures[work.lecture]
        self.training = lecture.training
        preset = LECTURES[work.lecture]
        self.config = dataclasses.replace(
            preset, dtype=dtype, device=loaded.engine.device, batch_size=batch_size, limit=limit
        )
        self.dtype = getattr(loaded.library, dtype)
        self.data = self.training.load_data(self.config)
        self.run = self.training.start(self.config, lecture)
        if work.phase == "finetune":
            self.training.to_classifier(self.run, lecture)
        set_weights(loaded, self.run.net, dtype)
        self.training.begin(self.run, work.phase)  # an optimizer that knows nothing of the weights as drawn
        nn = loaded.library.nn
        self.criterion = nn.MSELoss() if work.phase == "pretrain" else nn.NLLLoss()

    def stepper(self, *, noise: bool) -> Callable[[], Any]:
        """Return a function that makes the next step and returns its loss; after the last batch the first follows."""
        inputs, step = self.inputs(), self.gathering_step(noise) if self.work.gathers else self.prepared_step
        if self.loaded.engine.graph:
            from benchmarks.cuda_graph import captured

            step = captured(step, next(self.inputs()), self.run)
        return lambda: step(*next(inputs))

    def inputs(self) -> Iterator[tuple[Any, ...]]:
        """Yield the arguments of one step after another: the places of a batch's images, or a prepared batch."""
        if self.work.gathers:
            return itertools.cycle([(index,) for index in self.indices()])
        ready = itertools.islice(self.indices(), PREPARED)
        return itertools.cycle([self.batch(index) for index in ready])

    def indices(self) -> list[Any]:
        """Return the places of each batch's images: random ones, or slices for a lecture that does not shuffle."""
        n, size = len(self.data.train_images), self.config.batch_size
        begins = range(0, n - size + 1, size)
        if not self.config.shuffle and not self.loaded.engine.graph:  # a graph's input is a tensor
            return [slice(begin, begin + size) for begin in begins]
        order = np.random.default_rng(1).permutation(n) if self.config.shuffle else np.arange(n)
        return [self.loaded.tensor(order[begin : begin + size]) for begin in begins]

    def batch(self, index: Any) -> tuple[Any, Any]:
        """Return images as numbers, and their targets."""
        x = self.training.batch(self.data.train_images, index, self.dtype)
        return x, x if self.work.phase == "pretrain" else self.data.train_labels[index]

    def gathering_step(self, noise: bool) -> Callable[[Any], Any]:
        """Return a function that does for one batch what training.pretrain_epoch, or finetune_epoch, does."""
        noisy = noise and self.work.phase == "pretrain"

        def step(index: Any) -> Any:
            x, targets = self.batch(index)
            if noisy:
                x = self.training.add_noise(x, self.config.noise_mean, self.config.noise_std, self.run.noise)
            return self.training.step(self.run, self.criterion, x, targets)

        return step

    def prepared_step(self, x: Any, targets: Any) -> Any:
        """Do a step: forward, loss, backward, update."""
        return self.training.step(self.run, self.criterion, x, targets)
