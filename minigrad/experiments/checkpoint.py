"""A run in one file: everything that it needs to go on, bit for bit, where it stood."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

import minigrad as mg
from minigrad.experiments import autoencoder, denoising, training
from minigrad.experiments.config import Config, ExperimentError, config_as_dict
from minigrad.experiments.record import read_json
from minigrad.serialization import load, save
from minigrad.serialization.tensor_file import parse_json, shown, unexpected

FILE = "checkpoint.safetensors"
FORMAT = 2  # 1 had no noise generator of its own
PROGRAMS = {"denoising": denoising, "autoencoder": autoencoder}
PHASES = ("pretrain", "finetune")
CHOICES = {
    "lecture": list(PROGRAMS),
    "optimizer": ["sgd", "adam"],
    "l1_form": ["sign", "slide"],
    "dtype": ["float32", "float64"],
    "device": ["cpu", "cuda"],
}
KINDS = {
    "format": int,
    "minigrad": str,  # the version
    "config": dict,
    "phase": str,
    "epoch": int,
    "network": dict,
    "optimizer": dict,
    "scheduler": dict | None,
    "generator": mg.Tensor,
    "noise": mg.Tensor | None,  # the state of the generator on the device, if the noise is drawn there
    "metrics": mg.Tensor,  # the bytes of metrics.jsonl: a long run has more of them than a header should hold
    "figures": dict,
    "snapshots": dict,
}


def save_run(run: training.Run, folder: Path) -> None:
    """Make the state of `run` the checkpoint in `folder`; the old one stays until the new one is whole."""
    state = {
        "format": FORMAT,
        "minigrad": mg.__version__,
        "config": config_as_dict(run.config),
        "phase": run.phase,
        "epoch": run.epoch,
        "network": run.net.state_dict(),
        "optimizer": optimizer_by_name(run),
        "scheduler": None if run.scheduler is None else run.scheduler.state_dict(),
        "generator": run.generator.get_state(),
        "noise": noise_state(run),
        "metrics": mg.from_numpy(np.frombuffer(json.dumps(run.metrics).encode(), np.uint8)),
        "figures": run.figures,
        "snapshots": run.snapshots,
    }
    save(state, folder / FILE)


def load_or_start(folder: Path) -> training.Run:
    """The run in `folder` as it was saved; from its beginning if nothing was saved yet."""
    settings = folder / "config.json"
    if (folder / FILE).exists() or not settings.exists():
        return load_run(folder)
    config = read_json(settings)
    config.pop("versions", None)
    check_config(str(settings), config)
    return _start(Config(**config))


def load_run(folder: Path) -> training.Run:
    """The run in `folder` as it was saved. Raises CheckpointError, or ExperimentError where there is none."""
    path = folder / FILE
    if not path.exists():
        raise ExperimentError(f"{folder}: expected a run's folder (of minigrad train --out), found no {FILE}")
    state = load_state(path)
    run = _start(Config(**state["config"]))
    if state["phase"] == "finetune":
        training.to_classifier(run, PROGRAMS[run.config.lecture])
    check_fit(path, run, state)
    run.net.load_state_dict(state["network"])
    run.optimizer.load_state_dict(optimizer_by_index(run, state["optimizer"]))
    if run.scheduler is not None:
        run.scheduler.load_state_dict(state["scheduler"])
    run.generator.set_state(state["generator"])
    if state["noise"] is not None:
        run.noise.set_state(state["noise"])
    run.epoch, run.figures, run.snapshots = state["epoch"], state["figures"], state["snapshots"]
    run.metrics = json.loads(state["metrics"].numpy().tobytes())
    return run


def noise_state(run: training.Run) -> mg.Tensor | None:
    """Return the state of the noise's generator, or None where that is the run's one generator."""
    return None if run.noise is run.generator else run.noise.get_state()


def _start(config: Config) -> training.Run:
    training.check_device(config.device)
    return training.start(config, PROGRAMS[config.lecture])


def load_state(path: Path) -> dict[str, Any]:
    """What `save_run` stored, each part of its kind."""
    state = load(path)
    if isinstance(state, dict) and state.get("format") == 1:
        state = from_format_1(state)
    if not isinstance(state, dict) or list(state) != list(KINDS):
        raise unexpected(path, f"a run ({', '.join(KINDS)})", shown(state))
    for name, kind in KINDS.items():
        if not isinstance(state[name], kind):
            raise unexpected(f"{path}: {name}", kind, shown(state[name]))
    if state["format"] != FORMAT:
        found = f"{state['format']}, written by minigrad {shown(state['minigrad'])}"
        raise unexpected(path, f"format {FORMAT}", found)
    if state["phase"] not in PHASES:
        raise unexpected(f"{path}: phase", " or ".join(PHASES), shown(state["phase"]))
    check_config(f"{path}: config", state["config"])
    return state


def from_format_1(state: dict[str, Any]) -> dict[str, Any]:
    """Return a checkpoint of format 1, in which all noise came from the run's one generator, in today's format."""
    found: dict[str, Any] = {}
    for name, value in state.items():
        found[name] = value
        if name == "generator":
            found["noise"] = None
    return {**found, "format": FORMAT}


def check_config(where: str, found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` has every setting, with values of the right types."""
    types = get_type_hints(Config)
    if set(found) != set(types):
        raise unexpected(where, f"the settings {', '.join(types)}", shown(found))
    for name, kind in types.items():
        value = found[name]
        fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
        if not fits or value not in CHOICES.get(name, [value]):
            raise unexpected(f"{where}: {name}", CHOICES.get(name, kind), shown(value))


def check_fit(path: Path, run: training.Run, state: dict[str, Any]) -> None:
    """Raise CheckpointError unless `state` is one of a run like this one; nothing is copied yet."""
    check_tensors(f"{path}: network", run.net.state_dict(), state["network"])
    check_optimizer(f"{path}: optimizer", run, state["optimizer"])
    check_tensors(f"{path}: generator", {"state": run.generator.get_state()}, {"state": state["generator"]})
    check_tensors(f"{path}: noise", {"state": noise_state(run)}, {"state": state["noise"]})
    epochs = run.config.total_epochs(run.phase)
    if not 0 <= state["epoch"] <= epochs:
        raise unexpected(f"{path}: epoch", f"0 to {epochs}", state["epoch"])
    expected = None if run.scheduler is None else sorted(run.scheduler.state_dict())
    found = None if state["scheduler"] is None else sorted(map(str, state["scheduler"]))
    if found != expected:
        raise unexpected(f"{path}: scheduler", expected, shown(found))
    if not isinstance(parse_json(f"{path}: metrics", state["metrics"].numpy().tobytes()), list):
        raise unexpected(f"{path}: metrics", "a list", "something else")
    for name, tensor in state["snapshots"].items():
        if not isinstance(tensor, mg.Tensor):
            raise unexpected(f"{path}: snapshot {shown(name)}", "a tensor", shown(tensor))


def optimizer_by_name(run: training.Run) -> dict[str, Any]:
    """The optimizer's state dict with the parameters' names in place of their numbers."""
    names = [name for name, _ in run.net.named_parameters()]
    state = run.optimizer.state_dict()
    groups = [{**group, "params": [names[i] for i in group["params"]]} for group in state["param_groups"]]
    return {"state": {names[i]: slots for i, slots in state["state"].items()}, "param_groups": groups}


def optimizer_by_index(run: training.Run, state: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `optimizer_by_name`."""
    index = {name: i for i, (name, _) in enumerate(run.net.named_parameters())}
    slots = {index[name]: slots for name, slots in state["state"].items()}
    groups = [{**group, "params": [index[n] for n in group["params"]]} for group in state["param_groups"]]
    return {"state": slots, "param_groups": groups}


def check_tensors(where: str, expected: Mapping[str, mg.Tensor | None], found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` has the names, shapes and dtypes of `expected`."""
    if set(found) != set(expected):
        raise unexpected(where, f"the tensors {', '.join(expected)}", shown(list(found)))
    for name, tensor in expected.items():
        if _kind(found[name]) != _kind(tensor):
            raise unexpected(f"{where}: {name}", _kind(tensor), _kind(found[name]))


def check_optimizer(where: str, run: training.Run, found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` has this optimizer's settings, and state of the right shapes."""
    groups, state = found.get("param_groups"), found.get("state")
    expected = [_outline(group) for group in optimizer_by_name(run)["param_groups"]]
    if not isinstance(groups, list) or [_outline(group) for group in groups] != expected:
        raise unexpected(f"{where}: param_groups", expected, shown(groups))
    shapes = {name: tuple(parameter.shape) for name, parameter in run.net.named_parameters()}
    if not isinstance(state, dict) or not set(state) <= set(shapes):
        raise unexpected(f"{where}: state", f"some of {', '.join(shapes)}", shown(state))
    for name, slots in state.items():
        for key, value in slots.items() if isinstance(slots, dict) else [("state", slots)]:
            shape = tuple(value.shape) if isinstance(value, mg.Tensor) else shown(value)
            if shape not in ((), shapes[name], "None"):
                raise unexpected(f"{where}: {key} of {name}", f"a tensor of shape {shapes[name]}", shape)


def _outline(group: Any) -> Any:
    return (sorted(map(str, group)), group.get("params")) if isinstance(group, dict) else None


def _kind(value: Any) -> str:
    if not isinstance(value, mg.Tensor):
        return shown(value)
    return f"{value.dtype} of shape {tuple(value.shape)}"
