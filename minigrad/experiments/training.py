"""The steps of both lectures: data, batches, noise, an epoch of pretraining or of fine-tuning, the test.

The same steps with PyTorch are reference/training.py: a diff of the two shows what differs.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tensor, nn, optim
from minigrad.data import load_mnist, scaled_images
from minigrad.experiments.config import PIXELS, Config, ExperimentError
from minigrad.experiments.metrics import histogram

ENGINE = "minigrad"
PACKAGES = ("minigrad", "numpy", "cupy-cuda12x", "cupy-cuda13x", "cupy")
TEST_BATCH = 1000  # as in lecture 20; lecture 12 tests all images at once, which gives the same classes

Bar = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass
class Data:
    """MNIST on the run's device: images as bytes, (n, 784), and labels as int64, (n,)."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    def batches(self, run: "Run") -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch of training images and labels, in random order if the lecture shuffles."""
        n, size, dtype = len(self.train_images), run.config.batch_size, getattr(mg, run.config.dtype)
        if run.config.shuffle:
            order = mg.randperm(n, generator=run.generator).to(run.config.device)
        for begin in range(0, n, size):
            index = order[begin : begin + size] if run.config.shuffle else slice(begin, begin + size)
            yield batch(self.train_images, index, dtype), self.train_labels[index]

    def batch_count(self, run: "Run") -> int:
        """Return how many batches an epoch has; the last may be short."""
        return math.ceil(len(self.train_images) / run.config.batch_size)


@dataclass
class Run:
    """Everything that changes while a lecture is trained: a program that stores all of it can go on from there.

    The two generators are the only sources of chance. `generator` draws the weights, then in each epoch the order of the images;
    `noise` draws the noise that is added to them. (The noise in the pictures has a generator of its own.)
    """

    config: Config
    net: nn.Module
    generator: mg.Generator
    noise: mg.Generator  # on the CPU the same as `generator`
    optimizer: Any = None
    scheduler: Any = None
    phase: str = "pretrain"
    epoch: int = 0  # how many epochs of this phase are done
    metrics: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, Tensor] = field(default_factory=dict)  # weights and images for the pictures


def load_data(config: Config) -> Data:
    """Read and return MNIST, or the IDX files in --data-dir; of the training images the first --limit."""
    train_images, train_labels, test_images, test_labels = load_mnist(config.data_dir)
    arrays: list[np.ndarray] = [
        train_images[: config.limit].reshape(-1, PIXELS),
        train_labels[: config.limit].astype(np.int64),
        test_images.reshape(-1, PIXELS),
        test_labels.astype(np.int64),
    ]
    return Data(*(mg.from_numpy(array).to(config.device) for array in arrays))


def gpu_is_available() -> bool:
    """Return whether --device cuda would work."""
    return mg.cuda.is_available()


def products_in_tf32(config: Config) -> bool:
    """Return whether the matrix products of this run round their factors to TF32."""
    return config.device == "cuda" and config.dtype == "float32" and mg.cuda.allow_tf32()


def check_device(name: str) -> None:
    """Raise ExperimentError, which says what is missing, if networks cannot run there."""
    try:
        x = mg.ones(1, 1, device=name)
        (x @ x).tolist()
    except RuntimeError as error:
        raise ExperimentError(f"--device {name}: {error}") from None
    except ImportError as error:
        libraries = "CUDA's libraries come with minigrad's extras cuda12 and cuda13"
        raise ExperimentError(f"--device {name}: {error}; {libraries}") from None


def start(config: Config, lecture: ModuleType) -> Run:
    """Return a new run of `lecture`, whose network has the weights that were drawn."""
    generator = mg.manual_seed(config.seed)
    net = lecture.autoencoder(config.l1_weight, config.l1_form)
    noise = noise_generator(config, generator)
    run = Run(config, net.to(config.device, getattr(mg, config.dtype)), generator, noise)
    begin(run, "pretrain")
    return run


def noise_generator(config: Config, generator: mg.Generator) -> mg.Generator:
    """Return the source of the noise: the run's `generator`, or on a GPU one that draws there, of the same seed."""
    return generator if config.device == "cpu" else mg.Generator(config.device).manual_seed(config.seed)


def begin(run: Run, phase: str) -> None:
    """Start a phase of training: make a fresh optimizer and, with --lr-step, a schedule for its rate."""
    config, parameters = run.config, run.net.parameters()
    run.phase, run.epoch = phase, 0
    if phase == "pretrain" and config.optimizer == "adam":
        run.optimizer = optim.Adam(parameters, lr=config.lr, weight_decay=config.weight_decay)
    else:
        lr = config.lr if phase == "pretrain" else config.finetune_lr
        run.optimizer = optim.SGD(parameters, lr=lr, momentum=config.momentum, weight_decay=config.weight_decay)
    run.scheduler = None
    if config.lr_step is not None:
        run.scheduler = optim.lr_scheduler.StepLR(run.optimizer, config.lr_step, config.lr_gamma)


def batch(images: Tensor, index: Any, dtype: mg.dtype) -> Tensor:
    """Return the images at `index`, scaled from 0 ... 255 to 0 ... 1."""
    return scaled_images(images, index, dtype)


def add_noise(x: Tensor, mean: float, std: float, generator: mg.Generator) -> Tensor:
    """Return x + N(mean, std²), clamped to 0 ... 1; if mean and std are 0, `x` itself."""
    if not (mean or std):
        return x
    noise = mg.empty_like(x).normal_(mean, std, generator=generator)
    return (x + noise).clamp(0, 1)


def pretrain_epoch(run: Run, data: Data, bar: Bar = iter) -> float:
    """Learn each image from its noisy copy, and return the mean over the batches of the MSE."""
    mean, std = run.config.noise_mean, run.config.noise_std
    pairs = ((add_noise(images, mean, std, run.noise), images) for images, _ in bar(data.batches(run)))
    return train_epoch(run, data, nn.MSELoss(), pairs)


def finetune_epoch(run: Run, data: Data, bar: Bar = iter) -> float:
    """Learn the labels of the clean images, and return the mean over the batches of the NLL loss."""
    return train_epoch(run, data, nn.NLLLoss(), bar(data.batches(run)))


def train_epoch(run: Run, data: Data, criterion: nn.Module, pairs: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Make a step with each pair of inputs and targets, count the epoch, move the schedule on, and return the mean loss.

    Only reading the loss, at the end, waits for the device.
    """
    running_loss = mg.zeros((), dtype=getattr(mg, run.config.dtype), device=run.config.device)
    for inputs, targets in pairs:
        running_loss += step(run, criterion, inputs, targets)
    run.epoch += 1
    if run.scheduler is not None:
        run.scheduler.step()
    return float(running_loss.item()) / data.batch_count(run)


def step(run: Run, criterion: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Run forward, loss, backward and update, and return the loss, which stays on the device."""
    run.optimizer.zero_grad()
    outputs = run.net(inputs)
    loss: Tensor = criterion(outputs, targets)
    loss.backward()
    run.optimizer.step()
    return loss.detach()


def weights_are_finite(run: Run) -> bool:
    """Return whether every number of the network, as a checkpoint would save it, is finite. It waits for the device once."""
    return bool(mg.stack([values.isfinite().all() for values in run.net.state_dict().values()]).all().item())


def predict(run: Run, images: Tensor) -> Tensor:
    """Return for each image the class that the network finds most probable."""
    dtype = getattr(mg, run.config.dtype)
    pieces = [slice(begin, begin + TEST_BATCH) for begin in range(0, len(images), TEST_BATCH)]
    with mg.no_grad():
        return mg.cat([run.net(batch(images, piece, dtype)).argmax(dim=1) for piece in pieces])


def cut_decoder(run: Run, data: Data, lecture: ModuleType) -> None:
    """Note how sparse the codes of the clean test images are, then turn the autoencoder into a classifier and begin fine-tuning."""
    with mg.no_grad():
        code = run.net.encoder(batch(data.test_images, slice(None), getattr(mg, run.config.dtype))).abs()
    run.figures["sparsity"] = sparsity(run, code)
    run.figures["code_histogram"] = histogram(code.cpu().numpy())
    to_classifier(run, lecture)


def to_classifier(run: Run, lecture: ModuleType) -> None:
    """Replace the autoencoder by a classifier, whose last layer is new, and begin fine-tuning."""
    run.net = lecture.classifier(run.net).to(run.config.device, getattr(mg, run.config.dtype))
    begin(run, "finetune")


def sparsity(run: Run, code: Tensor) -> dict[str, float]:
    """Return how sparse the decoder's weights and the codes are, given |code| of each image, of shape (n, units)."""
    weight = run.net.decoder[0].weight.detach().abs()
    return {
        "mean_abs_code": code.mean().item(),
        "share_of_code_below_0.01": (code < 0.01).sum().item() / code.numel(),
        "dead_units": (code.max(dim=0).values < 0.01).sum().item(),
        "share_of_decoder_weights_below_0.001": (weight < 1e-3).sum().item() / weight.numel(),
    }


def take_snapshot(run: Run, moment: str) -> None:
    """Copy the weights that the pictures show, under names such as "pretrain encoder before"."""
    net: Any = run.net
    if run.phase == "pretrain":
        layers = {"encoder": net.encoder[0], "decoder": net.decoder[0]}
    else:
        layers = {"encoder": net[0][0], "classifier": net.classifier[0]}
    for name, layer in layers.items():
        run.snapshots[f"{run.phase} {name} {moment}"] = layer.weight.detach().cpu().clone()


def reconstruct(run: Run, data: Data, index: list[int]) -> None:
    """Keep some test images, their noisy copies and what the network makes of these, for the pictures."""
    config, generator = run.config, mg.Generator().manual_seed(run.config.seed)
    with mg.no_grad():
        x = batch(data.test_images, index, getattr(mg, config.dtype))
        noisy = add_noise(x, config.noise_mean, config.noise_std, generator)
        images = {"original": x, "noisy": noisy, "reconstruction": run.net(noisy)}
    run.snapshots.update((name, image.cpu()) for name, image in images.items())
