"""A run in one file: everything that it needs to go on from there with the same results, bit for bit."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.experiments import autoencoder, denoising, file_checks, training
from minigrad.experiments.config import PHASES, Config, ExperimentError, config_as_dict
from minigrad.experiments.run_folder import NO_CONFIG, read_json
from minigrad.experiments.terminal import file_name
from minigrad.serialization import load, save
from minigrad.serialization.tensor_file import parse_json, shown, unexpected

FILE = "checkpoint.safetensors"
FORMAT = 2  # format 1 had no generator for the noise alone
PROGRAMS = {"denoising": denoising, "autoencoder": autoencoder}
DAMAGED = "restore the file from a copy, or train anew into another folder with --out"
KINDS = {  # the parts of a checkpoint, and their types
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
    """Write the state of `run` to the checkpoint in `folder`; the old one stays until the new one is whole."""
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
        "metrics": mg.tensor(np.frombuffer(json.dumps(run.metrics).encode(), np.uint8)),
        "figures": run.figures,
        "snapshots": run.snapshots,
    }
    save(state, folder / FILE)


def load_or_start(folder: Path) -> training.Run:
    """Return the run in `folder` as it was saved, or at its beginning if nothing was saved yet."""
    settings = folder / "config.json"
    if (folder / FILE).exists() or not settings.exists():
        return load_run(folder)
    return _start(read_settings(settings))


def read_settings(path: Path) -> Config:
    """Return the settings in a run's config.json. Raise CheckpointError if it is damaged."""
    with file_checks.advice(NO_CONFIG):
        config = read_json(path)
        config.pop("versions", None)
        file_checks.check_config(path, config)
    return as_config(config)


def as_config(settings: dict[str, Any]) -> Config:
    """Return stored settings, which were checked, as a Config. The data folder's name is spelled as this process must spell it."""
    data_dir = settings["data_dir"]
    return Config(**{**settings, "data_dir": None if data_dir is None else file_name(data_dir)})


def load_run(folder: Path) -> training.Run:
    """Return the run in `folder` as it was saved. Raise ExperimentError if there is none, CheckpointError if its file is damaged."""
    path = folder / FILE
    if not path.exists():
        raise ExperimentError(f"{folder}: expected a run's folder (of minigrad train --out), found no {FILE}")
    with file_checks.advice(DAMAGED):
        state = load_state(path)
    run = _start(as_config(state["config"]))
    if state["phase"] == "finetune":
        training.to_classifier(run, PROGRAMS[run.config.lecture])
    with file_checks.advice(DAMAGED):
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
    """Return the state of the noise's generator, or None if the noise is drawn by the run's only generator."""
    return None if run.noise is run.generator else run.noise.get_state()


def _start(config: Config) -> training.Run:
    training.check_device(config.device)
    return training.start(config, PROGRAMS[config.lecture])


def load_state(path: Path) -> dict[str, Any]:
    """Return what `save_run` stored in a file. Raise CheckpointError unless all parts are there, and of the right type."""
    state = load(path)
    if isinstance(state, dict) and file_checks.is_count(state.get("format")) and state["format"] == 1:
        state = {"noise": None, **state, "format": FORMAT}  # in format 1 the run's one generator drew all noise
    if not isinstance(state, dict) or set(state) != set(KINDS):
        raise unexpected(path, f"a run ({', '.join(KINDS)})", shown(state))
    for name, kind in KINDS.items():
        if not isinstance(state[name], kind) or isinstance(state[name], bool):
            raise unexpected(f"{path}: {name}", kind, shown(state[name]))
    if state["format"] != FORMAT:
        found = f"{shown(state['format'])}, written by minigrad {shown(state['minigrad'])}"
        raise unexpected(path, f"format {FORMAT}", found)
    if state["phase"] not in PHASES:
        raise unexpected(f"{path}: phase", " or ".join(PHASES), shown(state["phase"]))
    file_checks.check_config(f"{path}: config", state["config"])
    return state


def check_fit(path: Path, run: training.Run, state: dict[str, Any]) -> None:
    """Raise CheckpointError unless `state` is that of a run with the settings of `run`, into which nothing is copied yet."""
    check_tensors(f"{path}: network", run.net.state_dict(), state["network"])
    check_optimizer(f"{path}: optimizer", run, state["optimizer"])
    for name, expected in (("generator", run.generator.get_state()), ("noise", noise_state(run))):
        check_tensors(f"{path}: {name}", {"state": expected}, {"state": state[name]})
        calls = 0 if state[name] is None else int.from_bytes(bytes(state[name].tolist())[8:], "little")
        if calls >= 2**63:  # more draws than a run can make; soon they would not fit into 8 bytes
            raise unexpected(f"{path}: {name}", "a count of draws below 2^63", calls)
    epochs = run.config.total_epochs(run.phase)
    if not 0 <= state["epoch"] <= epochs:
        raise unexpected(f"{path}: epoch", f"0 to {epochs}", shown(state["epoch"]))
    check_scheduler(f"{path}: scheduler", run, state)
    metrics = parse_json(f"{path}: metrics", state["metrics"].numpy().tobytes())
    if not isinstance(metrics, list):
        raise unexpected(f"{path}: metrics", "a list", shown(metrics))
    for entry in metrics:
        file_checks.check_epoch(f"{path}: metrics", entry)
    file_checks.check_figures(f"{path}: figures", state["figures"])
    file_checks.check_snapshots(path, state["snapshots"], snapshots_so_far(state["phase"], state["epoch"]))


def snapshots_so_far(phase: str, epoch: int) -> tuple[str, ...]:
    """Return the snapshots that a run has taken when it stands in `phase` after `epoch` epochs."""
    earlier = [f"{layer} {moment}" for layer in file_checks.LAYERS[:2] for moment in ("before", "after")]
    past = [] if phase == "pretrain" else [*earlier, *file_checks.IMAGES]
    present = [f"{layer} before" for layer in file_checks.LAYERS if epoch and layer.startswith(phase)]
    return (*past, *present)


def optimizer_by_name(run: training.Run) -> dict[str, Any]:
    """Return the optimizer's state dict with the parameters' names in place of their numbers."""
    return renamed(run.optimizer.state_dict(), {i: name for i, (name, _) in enumerate(run.net.named_parameters())})


def optimizer_by_index(run: training.Run, state: dict[str, Any]) -> dict[str, Any]:
    """Return a state dict of `optimizer_by_name` with the parameters' numbers in place of their names."""
    return renamed(state, {name: i for i, (name, _) in enumerate(run.net.named_parameters())})


def renamed(state: dict[str, Any], new: Mapping[Any, Any]) -> dict[str, Any]:
    """Return an optimizer's state dict with new[key] in place of each parameter's key."""
    groups = [{**group, "params": [new[key] for key in group["params"]]} for group in state["param_groups"]]
    return {"state": {new[key]: slots for key, slots in state["state"].items()}, "param_groups": groups}


def check_tensors(where: str, expected: Mapping[str, mg.Tensor | None], found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` has the names, shapes and dtypes of `expected`."""
    if set(found) != set(expected):
        raise unexpected(where, f"the tensors {', '.join(expected)}", shown(list(found)))
    for name, tensor in expected.items():
        if _kind(found[name]) != _kind(tensor):
            raise unexpected(f"{where}: {name}", _kind(tensor), _kind(found[name]))


def check_optimizer(where: str, run: training.Run, found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` has the settings of the run's optimizer, and state of the right shapes."""
    groups, state = found.get("param_groups"), found.get("state")
    expected = optimizer_by_name(run)["param_groups"]
    if not isinstance(groups, list) or len(groups) != len(expected):
        raise unexpected(f"{where}: param_groups", shown(expected), shown(groups))
    for group, fresh in zip(groups, expected):
        check_settings(f"{where}: param_groups", fresh, group, changing=("lr",))
    names = ("step", *run.optimizer.names(run.optimizer.param_groups[0]))
    shapes = {name: tuple(parameter.shape) for name, parameter in run.net.named_parameters()}
    if not isinstance(state, dict) or not set(state) <= set(shapes):
        raise unexpected(f"{where}: state", f"some of {', '.join(shapes)}", shown(state))
    for name, slots in state.items():
        for key, value in slots.items() if isinstance(slots, dict) else [("state", slots)]:
            fits = isinstance(value, mg.Tensor) and key in names and value.dtype in (mg.float32, mg.float64)
            if not fits or tuple(value.shape) != (() if key == "step" else shapes[name]):
                described = f"{', '.join(names)}, tensors of shape {shapes[name]}"
                raise unexpected(f"{where}: {str(key)[:40]} of {name}", described, _kind(value))
            if key == "step" and not 0 <= value.item() < 2**53:
                raise unexpected(f"{where}: step of {name}", "a count", value.item())


def check_scheduler(where: str, run: training.Run, state: dict[str, Any]) -> None:
    """Raise CheckpointError unless the stored schedule is that of the run after the stored number of epochs."""
    found = state["scheduler"]
    if (found is None) != (run.scheduler is None):
        raise unexpected(where, "a schedule" if found is None else None, shown(found))
    if found is None:
        return
    fresh = {**run.scheduler.state_dict(), "last_epoch": state["epoch"], "_step_count": state["epoch"] + 1}
    check_settings(where, fresh, found, changing=("_last_lr",))


def check_settings(where: str, expected: dict[str, Any], found: Any, changing: tuple[str, ...]) -> None:
    """Raise CheckpointError unless `found` equals `expected`; under the names in `changing`, any rate, or list of one rate, will do."""
    if not isinstance(found, dict) or set(found) != set(expected):
        raise unexpected(where, f"the values {', '.join(expected)}", shown(found))
    for name, value in expected.items():
        rate = found[name][0] if isinstance(found[name], list) and len(found[name]) == 1 else found[name]
        same_kind = isinstance(found[name], list) == isinstance(value, list)
        fits = same_kind and file_checks.is_finite(rate) and rate >= 0 if name in changing else repr(found[name]) == repr(value)
        if not fits:
            raise unexpected(where, f"{name} {'a rate' if name in changing else shown(value)}", shown(found[name]))


def _kind(value: Any) -> str:
    if not isinstance(value, mg.Tensor):
        return shown(value)
    return f"{value.dtype} of shape {tuple(value.shape)}"
