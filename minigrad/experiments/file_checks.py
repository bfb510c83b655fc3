"""Checks of what a run's files hold. Each raises CheckpointError, which names the place, what was expected and what was found."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_type_hints

from minigrad._tensor import Tensor
from minigrad.experiments.config import CLASSES, LARGEST, PHASES, PIXELS, SETTINGS, Config
from minigrad.serialization.tensor_file import CheckpointError, PathLike, shown, unexpected

IMAGES = ("original", "noisy", "reconstruction")
LAYERS = ("pretrain encoder", "pretrain decoder", "finetune encoder", "finetune classifier")


@contextlib.contextmanager
def advice(way_out: str) -> Iterator[None]:
    """Add `way_out`, what a person can do about it, to the message of a CheckpointError that is raised in this block."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{error}; {way_out}") from None


def is_finite(value: Any) -> bool:
    """Return whether `value` is a finite float or a whole number of at most 64 bits; True and False are not."""
    if type(value) is int:
        return abs(value) <= LARGEST
    return type(value) is float and math.isfinite(value)


def is_measured(value: Any) -> bool:
    """Return whether `value` is what a run measures: a number, infinity, NaN, or None, which stands for these two in JSON."""
    return value is None or type(value) is float or is_finite(value)


def is_count(value: Any, least: int = 0) -> bool:
    """Return whether `value` is a whole number from `least` to LARGEST; True and False are not."""
    return type(value) is int and least <= value <= LARGEST


def check_config(where: PathLike, found: Any) -> None:
    """Raise CheckpointError unless `found` has every setting, with values that `minigrad train` would take."""
    kinds = get_type_hints(Config)
    if not isinstance(found, dict) or set(found) != set(kinds):
        raise unexpected(where, f"the settings {', '.join(kinds)}", shown(found))
    for name, kind in kinds.items():
        if not _is_setting(name, kind, found[name]):
            raise unexpected(f"{where}: {name}", _setting(name, kind, found[name]), shown(found[name]))


def _is_setting(name: str, kind: Any, value: Any) -> bool:
    limits = SETTINGS[name]
    if "choices" in limits:
        return isinstance(value, str) and value in limits["choices"]
    if kind is float:
        return is_finite(value) and value >= limits.get("least", -math.inf) and value > limits.get("above", -math.inf)
    if "least" in limits:
        return is_count(value, limits["least"]) or (value is None and isinstance(None, kind))
    return isinstance(value, kind)


def _setting(name: str, kind: Any, value: Any) -> Any:
    """Return what was expected in place of `value`, which is no value of the setting."""
    limits = SETTINGS[name]
    if "choices" in limits:
        return list(limits["choices"])
    if isinstance(value, bool) or not isinstance(value, kind):
        return kind
    bounds = {"least": ", at least {}", "above": ", more than {}"}
    bound = "".join(text.format(limits[key]) for key, text in bounds.items() if key in limits)
    return ("a finite number" if kind is float else "a whole number of at most 64 bits") + bound


def check_shown_config(where: PathLike, found: dict[str, Any]) -> None:
    """Raise CheckpointError unless a report can show these settings, which any version of minigrad may have written."""
    for name, value in found.items():
        if name == "versions":
            check_versions(where, value)
        elif not (value is None or isinstance(value, bool | int | float | str)):
            raise unexpected(f"{where}: {shown(name)}", "a number, a text, true, false or null", shown(value))
    if not isinstance(found.get("lecture"), str):
        raise unexpected(f"{where}: lecture", "the name of a lecture", shown(found.get("lecture")))


def check_versions(where: PathLike, found: Any) -> None:
    """Raise CheckpointError unless `found` maps names of packages to texts."""
    if not isinstance(found, dict) or not all(isinstance(version, str) for version in found.values()):
        raise unexpected(f"{where}: versions", "texts by name", shown(found))


def check_epoch(where: PathLike, entry: Any) -> None:
    """Raise CheckpointError unless `entry` is what is measured in an epoch."""
    fits = (
        isinstance(entry, dict)
        and entry.get("phase") in PHASES
        and is_count(entry.get("epoch"), 1)
        and is_measured(entry.get("loss", ""))
        and is_measured(entry.get("test_accuracy", ""))
        and is_finite(entry.get("seconds"))
    )
    if not fits:
        raise unexpected(where, "an object with phase, epoch, loss, test_accuracy and seconds", shown(entry))
    if not _is_by_name(entry.get("health", {}), lambda layer: _is_by_name(layer, is_measured)):
        raise unexpected(f"{where}: health", "numbers by name, by layer", shown(entry["health"]))
    if not isinstance(entry.get("diverged", False), bool):
        raise unexpected(f"{where}: diverged", "true or false", shown(entry["diverged"]))


def check_figures(where: PathLike, found: Any) -> None:
    """Raise CheckpointError unless `found` holds numbers about the code: its sparsity and its histogram, or one of them."""
    if not isinstance(found, dict):
        raise unexpected(where, "figures by name", shown(found))
    for key in found:
        if key not in FIGURES:
            raise unexpected(where, " or ".join(FIGURES), shown(key))
    check_summary(where, found)


def check_summary(where: PathLike, found: dict[str, Any]) -> None:
    """Raise CheckpointError unless `found` is the summary of a finished run, or a part of it."""
    for key, value in found.items():
        expected, fits = SUMMARY.get(key, ("", None))
        if fits is not None and not fits(value):
            raise unexpected(f"{where}: {key}", expected, shown(value))


def _is_sparsity(found: Any) -> bool:
    return _is_by_name(found, is_measured) and is_count(found.get("dead_units", 0))


def _are_lists(found: Any) -> bool:
    return _is_by_name(found, lambda numbers: isinstance(numbers, list) and all(map(is_finite, numbers)))


def _is_by_name(found: Any, fits: Any) -> bool:
    return isinstance(found, dict) and all(map(fits, found.values()))


def _is_confusion(found: Any) -> bool:
    n = len(CLASSES)
    return (
        isinstance(found, list)
        and len(found) == n
        and all(isinstance(row, list) and len(row) == n and all(map(is_count, row)) for row in found)
    )


# What a summary may hold: the name of a value, a text that says what is expected of it, and the test for that.
FIGURES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "sparsity": ("numbers by name", _is_sparsity),
    "code_histogram": ("lists of numbers by name", _are_lists),
}
SUMMARY = {
    **FIGURES,
    "class_accuracy": ("numbers by name", lambda value: _is_by_name(value, is_measured)),
    "confusion": (f"a table of {len(CLASSES)} × {len(CLASSES)} counts", _is_confusion),
    "lecture": ("a name", lambda value: isinstance(value, str)),
    **dict.fromkeys(
        ("first_mse", "mse", "first_train_error", "train_error", "first_test_accuracy", "test_accuracy", "seconds"),
        ("a number, or null", is_measured),
    ),
}


def check_snapshots(where: PathLike, snapshots: Mapping[Any, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a run's snapshots as NumPy arrays.

    Raise CheckpointError unless they are images and weights of shapes that can be drawn, and `required` are among them.
    """
    weights = [f"{layer} {moment}" for layer in LAYERS for moment in ("before", "after")]
    for name, tensor in snapshots.items():
        if name not in (*IMAGES, *weights):
            raise unexpected(f"{where}: snapshots", f"some of {', '.join((*IMAGES, *weights))}", shown(name))
        if not isinstance(tensor, Tensor):
            raise unexpected(f"{where}: snapshot {name!r}", "a tensor", shown(tensor))
    found = {name: tensor.numpy() for name, tensor in snapshots.items()}
    for name, array in found.items():
        if array.dtype.kind != "f" or array.ndim != 2 or not array.size:
            raise unexpected(f"{where}: snapshot {name!r}", "numbers in rows and columns", f"{array.dtype} of shape {array.shape}")
        if name in IMAGES and len(array) > len(CLASSES):
            raise unexpected(f"{where}: snapshot {name!r}", f"at most {len(CLASSES)} images", len(array))
    lacking = [name for name in required if name not in found]
    lacking += [f"{layer} before" for layer in LAYERS if f"{layer} after" in found and f"{layer} before" not in found]
    lacking += [name for name in IMAGES if name not in found and any(other in found for other in IMAGES)]
    if lacking:
        raise unexpected(f"{where}: snapshots", shown(lacking[0]), f"only {', '.join(found) or 'none'}")
    for name, array in found.items():
        partner = found.get(name.replace("after", "before"), array) if name in weights else found["original"]
        sizes = array.shape if "decoder" in name else array.shape[1:]  # a decoder's weights are drawn by column and by row
        if array.shape != partner.shape:
            raise unexpected(f"{where}: snapshot {name!r}", f"the shape {partner.shape} of its counterpart", array.shape)
        for pixels in sizes:
            if pixels != PIXELS if name in IMAGES else math.isqrt(pixels) ** 2 != pixels:
                raise unexpected(f"{where}: snapshot {name!r}", "square images", f"{pixels} pixels")
    return found
