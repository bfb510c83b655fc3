"""A run in one file: everything that it needs to go on, bit for bit, where it stood."""

import dataclasses
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.experiments import training
from minigrad.experiments.config import LECTURES, Config, config_as_dict
from minigrad.serialization import load, save
from minigrad.serialization.tensor_file import shown, unexpected

FILE = "checkpoint.safetensors"
FORMAT = 1
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
    "metrics": mg.Tensor,  # the bytes of metrics.jsonl: a long run has more of them than a header should hold
    "figures": dict,
    "snapshots": dict,
}


def save_run(run: training.Run, folder: Path) -> None:
    """Replace the checkpoint in `folder` by the state of `run`; the old one stays until the new one is whole."""
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
        "metrics": mg.from_numpy(np.frombuffer(json.dumps(run.metrics).encode(), np.uint8)),
        "figures": run.figures,
        "snapshots": run.snapshots,
    }
    save(state, folder / FILE)


def load_run(folder: Path, lecture: ModuleType) -> training.Run:
    """The run in `folder` as it was saved; CheckpointError if the file is damaged or holds something else."""
    path = folder / FILE
    state = load_state(path)
    run = training.start(Config(**state["config"]), lecture)
    if state["phase"] == "finetune":
        training.to_classifier(run, lecture)
    check_tensors(f"{path}: network", run.net.state_dict(), state["network"])
    check_optimizer(f"{path}: optimizer", run, state["optimizer"])
    run.net.load_state_dict(state["network"])
    run.optimizer.load_state_dict(optimizer_by_index(run, state["optimizer"]))
    if run.scheduler is not None:
        run.scheduler.load_state_dict(state["scheduler"])
    run.generator.set_state(state["generator"])
    run.epoch, run.figures, run.snapshots = state["epoch"], state["figures"], state["snapshots"]
    run.metrics = json.loads(state["metrics"].numpy().tobytes())
    return run


def load_state(path: Path) -> dict[str, Any]:
    """What `save_run` stored, each part of its kind."""
    state = load(path)
    if not isinstance(state, dict) or list(state) != list(KINDS):
        raise unexpected(path, f"a run ({', '.join(KINDS)})", shown(state))
    for name, kind in KINDS.items():
        if not isinstance(state[name], kind):
            raise unexpected(f"{path}: {name}", kind, shown(state[name]))
    if state["format"] != FORMAT:
        found = f"{state['format']}, written by minigrad {shown(state['minigrad'])}"
        raise unexpected(path, f"format {FORMAT}", found)
    names = [field.name for field in dataclasses.fields(Config)]
    if list(state["config"]) != names:
        raise unexpected(f"{path}: config", f"the settings {', '.join(names)}", shown(state["config"]))
    for name, choices in (("lecture", tuple(LECTURES)), ("phase", ("pretrain", "finetune"))):
        found = state["config"][name] if name == "lecture" else state[name]
        if found not in choices:
            raise unexpected(f"{path}: {name}", f"one of {', '.join(choices)}", shown(found))
    return state


def optimizer_by_name(run: training.Run) -> dict[str, Any]:
    """The optimizer's state dict with the parameters' names in place of their numbers."""
    names = [name for name, _ in run.net.named_parameters()]
    state = run.optimizer.state_dict()
    groups = [{**group, "params": [names[i] for i in group["params"]]} for group in state["param_groups"]]
    return {"state": {names[i]: slots for i, slots in state["state"].items()}, "param_groups": groups}


def optimizer_by_index(run: training.Run, state: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `optimizer_by_name`."""
    index = {name: i for i, (name, _) in enumerate(run.net.named_parameters())}
    groups = [{**group, "params": [index[name] for name in group["params"]]} for group in state["param_groups"]]
    return {"state": {index[name]: slots for name, slots in state["state"].items()}, "param_groups": groups}


def check_tensors(where: str, expected: dict[str, mg.Tensor], found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` has the names, shapes and dtypes of `expected`."""
    if set(found) != set(expected):
        raise unexpected(where, f"the tensors {', '.join(expected)}", shown(list(found)))
    for name, tensor in expected.items():
        if _kind(found[name]) != _kind(tensor):
            raise unexpected(f"{where}: {name}", _kind(tensor), _kind(found[name]))


def check_optimizer(where: str, run: training.Run, found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` has this optimizer's settings, and state that fits its parameters."""
    expected = optimizer_by_name(run)
    if set(found) != set(expected) or not isinstance(found["state"], dict):
        raise unexpected(where, "state and param_groups", shown(found))
    outline = [(sorted(group), group["params"]) for group in expected["param_groups"]]
    groups = found["param_groups"]
    if not isinstance(groups, list) or not all(isinstance(group, dict) and "params" in group for group in groups):
        raise unexpected(f"{where}: param_groups", "a list of dicts", shown(groups))
    if [(sorted(group), group["params"]) for group in groups] != outline:
        raise unexpected(f"{where}: param_groups", outline, shown(groups))
    shapes = {name: tuple(parameter.shape) for name, parameter in run.net.named_parameters()}
    for name, slots in found["state"].items():
        if name not in shapes or not isinstance(slots, dict):
            raise unexpected(f"{where}: state", f"dicts for {', '.join(shapes)}", shown(name))
        for key, value in slots.items():
            if isinstance(value, mg.Tensor) and tuple(value.shape) not in ((), shapes[name]):
                raise unexpected(f"{where}: {key} of {name}", f"shape {shapes[name]}", tuple(value.shape))


def _kind(value: Any) -> str:
    if not isinstance(value, mg.Tensor):
        return shown(value)
    return f"{value.dtype} of shape {tuple(value.shape)}"
