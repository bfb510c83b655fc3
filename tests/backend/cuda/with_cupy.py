"""Tests of CuPy's own code, run by test_cupy_on_host.py: whether it waits for the device in a step, and how precisely it multiplies."""

import dataclasses
import gc
import sys

import numpy as np
import pytest

import minigrad as mg
from benchmarks.engines import ENGINES, load
from benchmarks.works import WORKS, Trainer
from minigrad import nn
from minigrad.experiments import autoencoder, denoising, training
from minigrad.experiments.config import LECTURES
from support.cupy_on_host import cublas, runtime
from support.small_mnist import write_mnist

pytestmark = pytest.mark.gpu
PROGRAMS = {"denoising": denoising, "autoencoder": autoencoder}
COMPUTE_32F, COMPUTE_32F_FAST_TF32 = 68, 77  # cuBLAS's numbers


def waits():
    """Return how often the host has waited, or has copied in a way that waits."""
    return sum(runtime.waits.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory, mnist_arrays):
    return str(write_mnist(tmp_path_factory.mktemp("digits"), mnist_arrays))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("lecture", PROGRAMS)
def test_steps_wait_for_nothing_and_an_epoch_reads_its_loss(lecture, optimizer, dtype, folder):
    settings = {"batch_size": 50, "data_dir": folder, "l1_weight": 1e-4, "device": "cuda", "dtype": dtype, "optimizer": optimizer}
    config = dataclasses.replace(LECTURES[lecture], **settings)
    data, run = training.load_data(config), training.start(config, PROGRAMS[lecture])
    for phase in ("pretrain", "finetune"):
        if phase == "finetune":
            training.to_classifier(run, PROGRAMS[lecture])
        before = waits()
        for x, labels in data.batches(run):
            noisy = training.add_noise(x, 0.1, 0.2, run.noise)
            criterion, targets = (nn.MSELoss(), x) if phase == "pretrain" else (nn.NLLLoss(), labels)
            training.step(run, criterion, noisy, targets)
        assert waits() == before
        mg.cuda.synchronize()
        before = waits()
        train_epoch = training.pretrain_epoch if phase == "pretrain" else training.finetune_epoch
        assert np.isfinite(train_epoch(run, data))
        noted = config.shuffle or phase == "finetune"  # the note of an index out of range is read first
        assert waits() == before + 1 + noted


COUNTS = {  # launches, matrix products, copies and fills, and an upper limit of Python's calls; docs/gpu.md has them too
    "pretraining": (17, 5, 0, 680),
    "classifier": (29, 5, 0, 650),
    "lecture12": (14, 5, 0, 580),
}


class Calls:
    """A block in which calls of Python functions, and of C functions by Python, are counted, except those of the stand-in."""

    def __enter__(self):
        self.count = 0
        gc.collect()
        gc.disable()
        sys.setprofile(self.notice)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)
        gc.enable()

    def notice(self, frame, event, argument):
        around = (frame, frame.f_back)
        own = any(f and ("cupy_on_host" in f.f_code.co_filename or "ctypes" in f.f_code.co_filename) for f in around)
        self.count += event in ("call", "c_call") and not own


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("work", COUNTS)
def test_what_a_step_asks_of_the_device_and_of_python(work, dtype):
    step = Trainer(load(ENGINES["cupy"], 1), WORKS[work], dtype=dtype, batch_size=20, limit=100).stepper(noise=True)
    for _ in range(3):
        step()
    before, products = runtime.launched.copy(), cublas.products()
    with Calls() as calls:
        step()
    done = runtime.launched - before
    copies = done.pop("copy", 0) + done.pop("fill", 0)
    print(calls.count, done)  # shown if the test fails
    assert (done.total(), cublas.products() - products, copies) == COUNTS[work][:3]
    assert 100 < calls.count <= COUNTS[work][3]


def test_a_wait_is_counted():
    mg.cuda.synchronize()  # this reads what other tests have noted
    before = waits()
    mg.ones(2).cuda().tolist()
    assert waits() == before + 1


def test_cublas_is_told_of_tf32():
    x = mg.ones(4, 4).cuda()
    for enabled, expected in ((False, COMPUTE_32F), (True, COMPUTE_32F_FAST_TF32), (False, COMPUTE_32F)):
        mg.cuda.allow_tf32(enabled)
        assert (x @ x).tolist() == [[4.0] * 4] * 4
        assert cublas.compute_type() == expected


def test_float16_is_rounded_as_by_numpy():
    every = np.arange(1 << 16, dtype="uint16").view("float16")
    single = every.astype("float32")
    with np.errstate(invalid="ignore", over="ignore"):
        between = (single[:-1] + single[1:]) / 2
        further = np.array([65519, 65520, 1e9, -3e-8, -2e-8], "float32")
        pairs = [(x, x.astype("float16")) for x in (single, between, further)]
    for x, expected in pairs:
        np.testing.assert_array_equal(mg.from_numpy(x).cuda().to(mg.float16).cpu().numpy(), expected)
    np.testing.assert_array_equal(mg.from_numpy(every).cuda().to(mg.float32).cpu().numpy(), every.astype("float32"))
