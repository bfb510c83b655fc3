"""What stands on top of the report: what each run reached beside what its lecture printed, or in which epoch it diverged."""

from dataclasses import dataclass
from html import escape
from typing import Any

from minigrad.experiments.config import LECTURES, PHASE_NAMES, config_as_dict
from minigrad.experiments.file_checks import is_count, is_finite
from minigrad.experiments.metrics import CURVES, curve
from minigrad.experiments.report.run_reader import LectureRecord, RunRecord
from minigrad.experiments.run_folder import divergence

FREE = ("lecture", "seed", "dtype", "device")  # settings that change no more than the last digits
LONGEST = 40  # characters of a setting's value
LABELS = {"mse": "mean-squared error", "train_error": "train error", "test_accuracy": "test accuracy"}


@dataclass(frozen=True)
class Figure:
    """A number that a run reached, as text, and what its lecture printed after as many epochs, "" where these are not compared."""

    name: str
    reached: str
    printed: str = ""

    def beside(self, of: str = "") -> str:
        """Return both as a phrase: "0.0067, as the lecture's 0.0067" or "0.0070 (the lecture: 0.0067)"; `of` follows the number."""
        if not self.printed:
            return self.reached + of
        return f"{self.reached}{of}" + (
            f", as the lecture's {self.printed}" if self.printed == self.reached else f" (the lecture: {self.printed})"
        )


def headline(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return what the only run reached, as a sentence, a note and cards; of several runs which is the best and which diverged."""
    if len(runs) > 1:
        return _of_several(runs)
    run, lecture = runs[0], lectures[0]
    text = sentence(run, lecture)
    style = "headline alarm" if is_bad(run) else "headline"
    more = remark(run, lecture)
    note = f'<p class="note">{escape(more)}</p>\n' if more else ""
    return f'<p class="{style}">{escape(text[:1].upper() + text[1:])}.</p>\n{note}{_cards(run, lecture)}'


def sentence(run: RunRecord, lecture: LectureRecord) -> str:
    """Return what a run reached, beside what its lecture printed if it has the settings of the lecture; of a bad run what went wrong."""
    stop = diverged(run)
    if stop:
        culprit = "a weight" if is_finite(stop["loss"]) else "the loss"
        return f"diverged in epoch {stop['epoch']} of the {PHASE_NAMES[stop['phase']]}: {culprit} is not a finite number"
    if worse := loss_grew(run):
        return worse
    figures = {figure.name: figure for figure in figures_of(run, lecture)}
    parts = [f"a mean-squared error of {figures['mse'].beside()}"] if "mse" in figures else []
    if "test_accuracy" in figures:
        parts.append(figures["test_accuracy"].beside(" of the test images classified correctly"))
    if not parts:
        return "no epoch is finished" if not run.summary else "nothing was trained"
    return ("reached " if run.summary else f"not finished, in {_position(run)}: so far ") + "; ".join(parts)


def diverged(run: RunRecord) -> dict[str, Any] | None:
    """Return the metrics of the epoch in which a run diverged, or None."""
    entries = (entry for entry in run.metrics if entry.get("diverged") is True or not is_finite(entry["loss"]))
    return next(entries, None)


def is_bad(run: RunRecord) -> bool:
    """Return whether a run diverged, or the loss of one of its phases did not fall."""
    return diverged(run) is not None or bool(loss_grew(run))


def loss_grew(run: RunRecord) -> str:
    """Return what to say of the first phase of a finished run whose loss did not fall, or ""."""
    if diverged(run) or not run.summary:
        return ""
    for phase, name in PHASE_NAMES.items():
        losses = [loss for _, loss in curve(run.metrics, phase, "loss") if loss is not None]
        if len(losses) > 1 and losses[-1] >= losses[0]:
            first, last = error_text(losses[0]), error_text(losses[-1])
            return f"the loss of the {name} did not fall: it was {first} in the first epoch and {last} in the last"
    return ""


def remark(run: RunRecord, lecture: LectureRecord) -> str:
    """Return what to do about a run that diverged; of another why it is not compared with its lecture, or with what part of it; or ""."""
    if diverged(run):
        advice = divergence(run.config, run.metrics).partition(": ")[2]
        return f"{advice[:1].upper()}{advice[1:]}."
    if lecture.name not in LECTURES:
        return f"Not compared: there is no lecture of the name {_value(lecture.name)}."
    other = other_settings(run, lecture)
    if other:
        return f"Not compared with the lecture, because of other settings: {', '.join(other)}."
    epochs, finetune_epochs = printed_epochs(lecture)
    if (run.config.get("epochs"), run.config.get("finetune_epochs")) == (epochs, finetune_epochs):
        return ""
    return f"The lecture trained {epochs} + {finetune_epochs} epochs; its figures here are those after as many epochs of each phase."


def other_settings(run: RunRecord, lecture: LectureRecord) -> list[str]:
    """Return texts on the settings in which a run differs from its lecture. The lecture's epochs may also be those that it printed."""
    usual: dict[str, Any] = config_as_dict(LECTURES[lecture.name])
    printed = dict(zip(("epochs", "finetune_epochs"), printed_epochs(lecture), strict=True))
    if all(run.config.get(key) == count for key, count in printed.items()):
        usual |= printed
    names = [name for name in usual if name not in FREE and run.config.get(name, usual[name]) != usual[name]]
    return [f"{name} {_value(run.config[name])} instead of {_value(usual[name])}" for name in names]


def printed_epochs(lecture: LectureRecord) -> tuple[int, int]:
    """Return of how many epochs of pretraining and of fine-tuning a lecture printed figures."""
    return len(lecture.tables["autoencoder_mse"]), len(lecture.tables["test_accuracy"])


def figures_of(run: RunRecord, lecture: LectureRecord) -> list[Figure]:
    """Return the last figures of a run, with what its lecture printed after as many epochs if the run has its settings."""
    compared = lecture.name in LECTURES and not other_settings(run, lecture)
    figures = []
    for name, phase, key, table, _ in CURVES:
        points = curve(run.metrics, phase, key)
        epoch, value = points[-1] if points else (0, run.summary.get(name))
        printed = lecture.tables.get(table, []) if compared else []
        text = accuracy_text if key == "test_accuracy" else error_text
        if is_finite(value):
            figures.append(Figure(name, text(value), text(printed[epoch - 1]) if 1 <= epoch <= len(printed) else ""))
    return figures


def error_text(value: Any) -> str:
    """Return an error with four decimals where these say something."""
    if not is_finite(value):
        return "–"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e3 else f"{value:.3g}"


def accuracy_text(value: Any) -> str:
    """Return an accuracy in per cent with one decimal."""
    return f"{value:.1f} %" if abs(value) < 1e3 else f"{value:.3g} %"


def _of_several(runs: list[RunRecord]) -> str:
    measured = [run for run in runs if is_finite(run.summary.get("test_accuracy")) and not diverged(run)]
    parts = [f"{len(runs)} runs"]
    if measured:
        best = max(measured, key=lambda run: float(run.summary["test_accuracy"]))
        parts.append(f"the highest test accuracy is {accuracy_text(best.summary['test_accuracy'])}, of {escape(best.name)}")
    lost = [escape(run.name) for run in runs if diverged(run)]
    end = f' <span class="alarm">Diverged: {", ".join(lost)}.</span>' if lost else ""
    return f'<p class="headline">{"; ".join(parts)}.{end}</p>\n'


def _cards(run: RunRecord, lecture: LectureRecord) -> str:
    """Return the last figures of a run in large type, and below each what the lecture printed."""
    if diverged(run):
        return ""
    cards = [(LABELS[figure.name], figure.reached, figure.printed) for figure in figures_of(run, lecture)]
    if is_finite(run.summary.get("seconds")):
        cards.append(("time", f"{run.summary['seconds']:.3g} s", ""))
    items = []
    for name, reached, printed in cards:
        below = f"<small>the lecture: {escape(printed)}</small>" if printed else ""
        items.append(f"<li><span>{name}</span><b>{escape(reached)}</b>{below}</li>")
    return f'<ul class="cards">{"".join(items)}</ul>\n' if items else ""


def _position(run: RunRecord) -> str:
    """Return the epoch in which a run stands, as "epoch 3 of 20 of the pretraining"."""
    entry = run.metrics[-1]
    total = run.config.get("epochs" if entry["phase"] == "pretrain" else "finetune_epochs")
    return f"epoch {entry['epoch']}{f' of {total}' if is_count(total) else ''} of the {PHASE_NAMES[entry['phase']]}"


def _value(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
