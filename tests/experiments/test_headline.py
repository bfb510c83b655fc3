"""The sentences on top of a report: what a run reached beside its lecture, why it is not compared, or in which epoch it diverged."""

import dataclasses

import pytest

from minigrad.experiments.config import LECTURES, config_as_dict
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.report import RunRecord
from minigrad.experiments.report.headline import headline, is_bad, remark, sentence
from minigrad.experiments.report.run_reader import lectures_of

TABLES = load_lecture_tables()


def entries(phase, losses, accuracies=()):
    """Return metrics of a phase."""
    accuracies = accuracies or [None] * len(losses)
    return [
        {"phase": phase, "epoch": epoch, "loss": loss, "test_accuracy": accuracy, "seconds": 1.0}
        for epoch, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), start=1)
    ]


def as_printed(lecture="denoising", *, epochs=None, finetune_epochs=None, **settings):
    """Return a finished run that measured what its lecture printed, up to so many epochs."""
    config = dataclasses.replace(LECTURES[lecture], **settings)
    epochs, finetune_epochs = epochs or config.epochs, finetune_epochs or config.finetune_epochs
    config = dataclasses.replace(config, epochs=epochs, finetune_epochs=finetune_epochs)
    table = TABLES[lecture]
    metrics = entries("pretrain", table["autoencoder_mse"][:epochs])
    metrics += entries("finetune", table["train_error"][:finetune_epochs], table["test_accuracy"][:finetune_epochs])
    summary = {"mse": table["autoencoder_mse"][epochs - 1], "test_accuracy": table["test_accuracy"][finetune_epochs - 1]}
    return RunRecord("run", config_as_dict(config), metrics, summary)


def said(run):
    return sentence(run, lectures_of([run])[0])


def remarked(run):
    return remark(run, lectures_of([run])[0])


def test_a_run_with_the_lecture_s_settings_is_compared():
    run = as_printed(seed=3, dtype="float32")
    right = "92.1 % of the test images classified correctly, as the lecture's 92.1 %"
    assert said(run) == f"reached a mean-squared error of 0.0067, as the lecture's 0.0067; {right}"
    run.metrics[19]["loss"], run.metrics[-1]["test_accuracy"] = 0.0070, 92.3
    assert said(run) == (
        "reached a mean-squared error of 0.0070 (the lecture: 0.0067); 92.3 % of the test images classified correctly (the lecture: 92.1 %)"
    )
    assert remarked(run) == "" and not is_bad(run)


@pytest.mark.parametrize(("epochs", "finetune_epochs", "mse", "accuracy"), [(10, 3, "0.0234", "89.3 %"), (30, 30, "0.0162", "93.5 %")])
def test_lecture_12_is_compared_after_the_epochs_that_were_spoken_and_those_that_were_printed(epochs, finetune_epochs, mse, accuracy):
    run = as_printed("autoencoder", epochs=epochs, finetune_epochs=finetune_epochs)
    assert f"{mse}, as the lecture's {mse}" in said(run) and f"as the lecture's {accuracy}" in said(run)
    assert remarked(run).startswith("The lecture trained 30 + 30 epochs" if epochs == 10 else "") and bool(remarked(run)) == (epochs == 10)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"epochs": 5}, "epochs 5 instead of 20"),
        ({"limit": 5000}, "limit 5000 instead of none"),
        ({"l1_weight": 0.1, "lr": 0.5}, "lr 0.5 instead of 0.001, l1_weight 0.1 instead of 0.0"),
        ({"data_dir": "x" * 100}, f"data_dir {'x' * 39}… instead of none"),
    ],
)
def test_a_run_with_other_settings_is_not_compared_and_says_why(settings, reason):
    run = as_printed(**settings)
    assert "the lecture" not in said(run) and said(run).startswith("reached a mean-squared error of 0.0")
    assert remarked(run) == f"Not compared with the lecture, because of other settings: {reason}."


def test_a_setting_that_an_older_version_did_not_have_is_no_difference():
    run = as_printed()
    del run.config["weight_decay"]
    run.config["setting of a newer version"] = 1
    assert remarked(run) == ""


def test_a_run_of_an_unknown_lecture_is_shown_without_one():
    run = as_printed()
    run.config["lecture"] = "lecture 99"
    assert said(run).startswith("reached a mean-squared error of 0.0067; 92.1 %")
    assert remarked(run) == "Not compared: there is no lecture of the name lecture 99."
    headline([run], lectures_of([run]))


def test_a_run_that_is_not_finished_says_where_it_stands():
    run = as_printed()
    run.metrics, run.summary = run.metrics[:3], {}
    assert said(run) == "not finished, in epoch 3 of 20 of the pretraining: so far a mean-squared error of 0.0316, as the lecture's 0.0316"
    run.metrics = []
    assert said(run) == "no epoch is finished"
    run.summary = {"test_accuracy": 9.8, "mse": None}
    assert said(run) == "reached 9.8 % of the test images classified correctly"


@pytest.mark.parametrize("phase", ["pretrain", "finetune"])
@pytest.mark.parametrize("flag", [{}, {"diverged": True}], ids=["older version", "flag"])
def test_a_run_that_diverged_is_red_alone_and_among_others(phase, flag):
    run, good = as_printed(), as_printed()
    good.name = "good"
    index = next(i for i, entry in enumerate(run.metrics) if (entry["phase"], entry["epoch"]) == (phase, 3))
    run.metrics, run.summary = [*run.metrics[:index], {**run.metrics[index], "loss": None, "test_accuracy": None, **flag}], {}
    text = f"iverged in epoch 3 of the {'pretraining' if phase == 'pretrain' else 'fine-tuning'}: the loss is not a finite number"
    html = headline([run], lectures_of([run]))
    assert f'<p class="headline alarm">D{text}.</p>' in html and "<li>" not in html
    assert remarked(run).startswith("The training diverged") and "try a smaller --lr (now 0.001)" in remarked(run)
    assert '2 runs; the highest test accuracy is 92.1 %, of good. <span class="alarm">Diverged: run.</span>' in headline([run, good], [])


def test_a_weight_that_is_not_finite_is_told_from_a_loss():
    run = as_printed()
    run.metrics[2]["diverged"] = True
    assert said(run) == "diverged in epoch 3 of the pretraining: a weight is not a finite number"


def test_a_loss_that_did_not_fall_is_red_too():
    run = as_printed()
    run.metrics[19]["loss"] = 0.5
    assert said(run) == "the loss of the pretraining did not fall: it was 0.0740 in the first epoch and 0.5000 in the last"
    assert 'class="headline alarm"' in headline([run], lectures_of([run]))


def test_names_in_the_headline_are_escaped():
    run, other = as_printed(), as_printed()
    run.name = other.name = "<b>"
    run.metrics[0]["diverged"] = True
    html = headline([run, other], [])
    assert "<b>" not in html and html.count("&lt;b&gt;") == 2


def test_cards_have_the_last_figures_and_the_lecture_s():
    run = as_printed()
    run.summary["seconds"] = 72.84
    html = headline([run], lectures_of([run]))
    assert "<li><span>mean-squared error</span><b>0.0067</b><small>the lecture: 0.0067</small></li>" in html
    assert "<li><span>time</span><b>72.8 s</b></li>" in html
    run.config["limit"] = 10
    assert "the lecture:" not in headline([run], lectures_of([run]))
