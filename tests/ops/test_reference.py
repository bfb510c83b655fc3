"""The PyTorch twins in reference/ have the same text and options, and print the same lines with numbers that are near."""

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import ops
from minigrad.cli import main
from minigrad.cli.train import config_of
from minigrad.experiments import training
from minigrad.experiments.config import LECTURES
from reference import __main__ as reference_main
from reference import functional as twin_functional
from reference import lectures, optim, vision
from reference import nn as twin_nn
from reference import ops as twin_ops
from reference import training as twin_training

ROOT = Path(__file__).parents[2]
SMALL = ["--limit", "1000", "--epochs", "1", "--finetune-epochs", "1", "--batch-size", "100", "--lr", "0.001"]
NUMBER = re.compile(r"\d+\.\d{6}")
# What PyTorch does in another way: which GPU there is, and where the noise for it is drawn.
OWN_WAYS = {"gpu_is_available", "products_in_tf32", "check_device", "noise_generator", "batch"}


def definitions(path, replace=()):
    """Return {name: text without comments} of the functions and classes of a file."""
    text = path.read_text(encoding="utf-8")
    for old, new in replace:
        text = re.sub(old, new, text)
    body = ast.parse(text).body
    return {node.name: ast.unparse(node) for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("name", ["denoising", "autoencoder", "training"])
def test_the_two_texts_differ_in_the_prefix_alone(name):
    in_minigrad = definitions(ROOT / "minigrad" / "experiments" / f"{name}.py")
    twins = definitions(ROOT / "reference" / f"{name}.py", [(r"\btorch\b", "mg")])
    assert list(in_minigrad) == list(twins)
    assert {key for key in in_minigrad if in_minigrad[key] != twins[key]} <= OWN_WAYS


@pytest.mark.parametrize("lecture", ["denoising", "autoencoder"])
def test_both_print_the_same_lines_with_near_numbers(lecture, capsys):
    assert main(["train", lecture, *SMALL]) == 0
    in_minigrad = capsys.readouterr().out.splitlines()
    assert reference_main.main([lecture, *SMALL]) == 0
    in_torch = capsys.readouterr().out.splitlines()
    assert [NUMBER.sub("#", line) for line in in_minigrad] == [NUMBER.sub("#", line) for line in in_torch]
    for line, twin_line in zip(in_minigrad, in_torch):
        if "Mean-Squared" in line:  # the first weights differ, so the numbers cannot be equal
            error, twin_error = (float(NUMBER.search(line)[0]) for line in (line, twin_line))
            assert error == pytest.approx(twin_error, rel=0.05)


def test_both_take_the_same_options():
    def options(arguments, run):
        with pytest.raises(SystemExit) as exit_:
            run(arguments)
        assert exit_.value.code == 0

    for lecture in LECTURES:
        arguments = ["--epochs", "3", "--lr", "0.25", "--optimizer", "sgd", "--dtype", "float32"]
        parsed = [parse([lecture, *arguments]) for parse in (parse_minigrad, parse_twin)]
        assert parsed[0] == parsed[1]
        options(["train", lecture, "--help"], main)
        options([lecture, "--help"], reference_main.main)


def parse_minigrad(arguments):
    return config_of(captured("minigrad.cli.train.run", lambda: main(["train", *arguments])))


def parse_twin(arguments):
    return config_of(captured("reference.__main__.run", lambda: reference_main.main(arguments)))


def captured(name, call):
    """Return the argument with which the function `name`, which is not run, is called."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name, lambda arguments: seen.append(arguments) or 0)
        assert call() == 0
    return seen[0]


def test_misuse_of_the_twin_is_one_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as exit_:
        reference_main.main(["denoising", "--epochs", "x"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_torchvision_gives_the_same_lines_and_error(capsys):
    command = [sys.executable, "-m", "reference", "autoencoder", *SMALL, "--torchvision"]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert reference_main.main(["autoencoder", *SMALL]) == 0
    plain = capsys.readouterr().out
    assert NUMBER.sub("#", loaded) == NUMBER.sub("#", plain)
    error, plain_error = (float(NUMBER.search(text)[0]) for text in (loaded, plain))
    assert error == pytest.approx(plain_error, abs=1.1e-6)


def test_the_twin_s_noise_on_a_gpu_is_pytorch_s_own(monkeypatch):
    """PyTorch has its generators for GPUs only after it has looked for a GPU."""
    there = torch.Generator()

    def look():
        torch.cuda.default_generators = (there,)
        return 0

    monkeypatch.setattr(torch.cuda, "default_generators", ())
    monkeypatch.setattr(torch.cuda, "current_device", look)
    assert twin_training.noise_generator(settings("denoising", device="cuda"), torch.Generator()) is there


def test_torchvision_batches_are_the_twin_s_batches(monkeypatch):
    monkeypatch.setattr(vision, "WORKERS", 0)
    config = settings("autoencoder", limit=250, batch_size=100)
    run = twin_training.Run(config, None, torch.Generator(), torch.Generator())
    of_twin = list(twin_training.load_data(config).batches(run))
    of_torchvision = list(vision.load_data(config).batches(run))
    assert [len(images) for images, _ in of_torchvision] == [100, 100, 50]
    for (images, labels), (vision_images, vision_labels) in zip(of_twin, of_torchvision):
        torch.testing.assert_close(images, vision_images, rtol=1e-7, atol=0)
        assert torch.equal(labels, vision_labels)


def settings(lecture, **changes):
    return dataclasses.replace(LECTURES[lecture], **changes)


def test_batches_and_steps_of_both_agree_from_equal_weights():
    """For one epoch of each phase of lecture 12, which draws nothing at random except its weights."""
    from minigrad.experiments import autoencoder
    from reference import autoencoder as twin

    config = settings("autoencoder", limit=1050, batch_size=100)
    in_minigrad, in_torch = training.start(config, autoencoder), twin_training.start(config, twin)
    for phase in ("pretrain", "finetune"):
        if phase == "finetune":
            training.to_classifier(in_minigrad, autoencoder)
            twin_training.to_classifier(in_torch, twin)
        in_minigrad.net.load_state_dict({k: mg.tensor(v.numpy()) for k, v in in_torch.net.state_dict().items()})
        loss = getattr(training, f"{phase}_epoch")(in_minigrad, training.load_data(config))
        twin_loss = getattr(twin_training, f"{phase}_epoch")(in_torch, twin_training.load_data(config))
        assert loss == pytest.approx(twin_loss, rel=1e-12)
        for name, weight in in_torch.net.state_dict().items():
            np.testing.assert_allclose(in_minigrad.net.state_dict()[name].numpy(), weight.numpy(), rtol=0, atol=1e-13)


# ---- ops and optimizers


def public_ops():
    found = {name: getattr(ops, name) for name in ops.__all__}
    return {name: f for name, f in found.items() if inspect.isfunction(f) and f.__module__ != ops.__name__}


def test_every_op_has_a_twin_with_the_same_arguments():
    for name, op in public_ops().items():
        in_minigrad = list(inspect.signature(inspect.unwrap(op)).parameters.values())
        in_torch = list(inspect.signature(getattr(twin_ops, name)).parameters.values())
        strip = [(p.name, p.kind, p.default) for p in in_minigrad]
        assert strip == [(p.name, p.kind, p.default) for p in in_torch], name


def test_every_layer_loss_and_optimizer_has_a_twin():
    for module, twin in ((mg.nn, twin_nn), (mg.nn.functional, twin_functional), (mg.optim, optim)):
        public = getattr(module, "__all__", None) or functions_of(module)
        names = {name for name in public if not name.endswith("Error")}
        assert not {name for name in names if not hasattr(twin, name)}
    assert str(mg.nn.L1Penalty(0.1, "slide")) == str(twin_nn.L1Penalty(0.1, "slide"))


def functions_of(module):
    """Return the names of the functions that take an input."""
    own = inspect.getmembers(module, lambda f: inspect.isfunction(f) and f.__module__ == module.__name__)
    return [name for name, f in own if name[0] != "_" and "input" in inspect.signature(f).parameters]


X = np.array([[0.5, -1.5, 2.0], [1.0, 0.25, -3.0]])
Y = np.array([[1.5, -0.5, 2.5], [0.75, 1.25, 2.0]])
P = np.abs(X) + 0.5
ROWS = [
    ("add", (X, Y), {}), ("sub", (X, Y), {}), ("mul", (X, Y), {}), ("div", (X, Y), {}), ("neg", (X,), {}),
    ("pow", (P, Y), {}), ("square", (X,), {}), ("sqrt", (P,), {}), ("exp", (X,), {}), ("log", (P,), {}),
    ("absolute", (X,), {}), ("sign", (X,), {}), ("maximum", (X, Y), {}), ("minimum", (X, Y), {}),
    ("remainder", (X, Y), {}),
    ("matmul", (X, Y.T.copy()), {}), ("linear", (X, Y, np.array([1.0, 2.0])), {}),
    ("tanh", (X,), {}), ("sigmoid", (X,), {}), ("relu", (X,), {}),
    ("softmax", (X,), {"axis": 1}), ("log_softmax", (X,), {"axis": 0}),
    ("sum", (X,), {"axis": (0, 1)}), ("sum", (X,), {"axis": 1, "keepdims": True}), ("mean", (X,), {}),
    ("max", (X,), {"axis": 1}), ("max", (X,), {}), ("min", (X,), {"axis": (0,)}),
    ("transpose", (X,), {}), ("flip", (X,), {"axis": 1}), ("squeeze", (X[:, :1],), {"axis": 1}),
    ("getitem", (X,), {"key": (slice(None), [0, 0, 2])}),
    ("scatter", (X,), {"key": (slice(None), [0, 0, 2]), "shape": (2, 4)}),
    ("join", (X, Y), {"axis": 1}), ("copy", (X,), {}), ("mse", (X, Y), {}),
    ("l1_penalty", (X,), {"weight": 0.3}), ("l1_penalty_slide", (X,), {"weight": 0.3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arrays", "options"), ROWS, ids=[row[0] for row in ROWS])
def test_an_op_and_its_twin_agree_forward_and_backward(name, arrays, options):
    in_minigrad = [mg.tensor(a, requires_grad=True) for a in arrays]
    in_torch = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, twin_y = getattr(ops, name)(*in_minigrad, **options), getattr(twin_ops, name)(*in_torch, **options)
    np.testing.assert_allclose(y.detach().numpy(), twin_y.detach().numpy(), rtol=1e-12, atol=1e-14)
    g = np.random.default_rng(0).standard_normal(twin_y.shape)
    y.backward(mg.tensor(g))
    twin_y.backward(torch.tensor(g))
    for x, twin_x in zip(in_minigrad, in_torch):
        np.testing.assert_allclose(x.grad.numpy(), twin_x.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_the_penalty_of_the_twin_is_the_gradient_of_the_sum_of_absolute_values():
    x = torch.tensor([-2.0, 0.0, 0.5], dtype=torch.float64, requires_grad=True)
    (3 * twin_functional.l1_penalty(x, 0.1)).sum().backward()
    assert x.grad.tolist() == pytest.approx([3 - 0.1, 3.0, 3 + 0.1])
    x.grad = None
    (3 * twin_functional.l1_penalty(x, 0.1, form="slide")).sum().backward()
    assert x.grad.tolist() == pytest.approx([3 - 0.2, 3.0, 3 + 0.05])


@pytest.mark.parametrize(
    ("written_out", "build", "options"),
    [
        (optim.sgd_step, torch.optim.SGD, {"lr": 0.1}),
        (optim.sgd_step, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.01}),
        (optim.sgd_step, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
        (optim.sgd_step, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        (optim.adam_step, optim.Adam, {"lr": 0.01}),
        (optim.adam_step, optim.Adam, {"lr": 0.01, "weight_decay": 0.1, "betas": (0.8, 0.9), "eps": 1e-2}),
        (optim.adam_step, optim.Adam, {"lr": 0.01, "amsgrad": True}),
        (optim.adam_step, optim.Adam, {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        (optim.rmsprop_step, optim.RMSprop, {"lr": 0.01, "weight_decay": 0.1}),
        (optim.rmsprop_step, optim.RMSprop, {"lr": 0.01, "alpha": 0.9, "momentum": 0.5, "centered": True}),
        (optim.adagrad_step, optim.Adagrad, {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.1}),
    ],
)
def test_the_steps_written_out_are_pytorch_s(written_out, build, options):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 3, dtype=torch.float64, generator=generator)
    p, mine, state = start.clone().requires_grad_(), start.clone(), {}
    optimizer = build([p], **options)
    for _ in range(20):
        g = torch.randn(4, 3, dtype=torch.float64, generator=generator)
        p.grad = g.clone()
        optimizer.step()
        written_out(mine, g, state, **options)
    torch.testing.assert_close(mine, p.detach(), rtol=1e-12, atol=1e-13)


def test_the_printed_tables_are_there_with_what_was_lost():
    assert lectures.DENOISING["autoencoder_mse"][0] == 0.073981
    assert lectures.DENOISING["test_accuracy"][-1] == 92.07
    assert "digit lost" in lectures.DENOISING["lost_in_print"]
    assert lectures.AUTOENCODER["autoencoder_mse"][-1] == 0.016203
    assert lectures.AUTOENCODER["test_accuracy"][:3] == [85.36, 88.29, 89.35]
    assert lectures.AUTOENCODER["spoken"]["mse"] == 0.022
    assert lectures.MEASURED["denoising"]["without penalty"]["last_mse"] == 0.006896
    assert lectures.MEASURED["autoencoder"]["30 + 30 epochs"]["last_accuracy"] == 93.69
