"""A name that does not exist is answered with the nearest ones, and costs little where nobody reads the answer."""

import copy
import pickle
import re
import time
import traceback
from pathlib import Path

import pytest
import torch

import minigrad as mg
from minigrad import nn, optim
from minigrad.unknown_names import nearest

DOCS = Path(__file__).parents[1] / "docs"
OWN = "docs/extending.md shows how to write an operation of your own"
MODULES = {"minigrad": mg, "minigrad.nn": nn, "minigrad.nn.functional": nn.functional, "minigrad.nn.init": nn.init,
           "minigrad.nn.utils": nn.utils, "minigrad.optim": optim, "minigrad.optim.lr_scheduler": optim.lr_scheduler,
           "minigrad.autograd": mg.autograd}


@pytest.mark.parametrize("name, answer", [
    ("minigrad.tanhh", f"the nearest names are tanh, tan and atan; {OWN}"),
    ("minigrad.sigmoidd", f"the nearest name is sigmoid; {OWN}"),
    ("minigrad.qqqqq", OWN),
    ("minigrad.nn.linear", f"the nearest name is Linear; {OWN}"),
    ("minigrad.nn.CELU", f"the nearest names are ELU, SELU and ReLU; {OWN}"),
    ("minigrad.nn.functional.xyz", OWN),
    ("minigrad.nn.functional.crossentropy", f"the nearest names are cross_entropy and binary_cross_entropy; {OWN}"),
    ("minigrad.optim.Adamm", "the nearest names are Adam and AdamW; docs/api/optim.md shows all that it has"),
    ("minigrad.optim.lr_scheduler.CyclicLR", "the nearest name is OneCycleLR; docs/api/optim.md shows all that it has"),
    ("minigrad.autograd.gradd", "the nearest names are grad, no_grad and gradcheck; docs/api/autograd.md shows all that it has"),
    ("minigrad.nn.Conv2d", "minigrad has no convolutions, as docs/deviations.md says"),
    ("minigrad.nn.functional.conv_transpose1d", "minigrad has no convolutions, as docs/deviations.md says"),
    ("minigrad.nn.functional.adaptive_avg_pool2d", "minigrad has no pooling, as docs/deviations.md says"),
    ("minigrad.nn.LSTMCell", "minigrad has no recurrent layers, as docs/deviations.md says"),
    ("minigrad.nn.GroupNorm", "minigrad has no normalisation but BatchNorm1d and LayerNorm, as docs/deviations.md says"),
    ("minigrad.nn.BatchNorm2d", "minigrad has no normalisation but BatchNorm1d and LayerNorm, as docs/deviations.md says"),
    ("minigrad.nn.AlphaDropout", "minigrad has no dropout but Dropout, as docs/deviations.md says"),
    ("minigrad.nn.init.sparse", "minigrad has no sparse tensors, as docs/deviations.md says"),
    ("minigrad.nn.utils.clip_grad_norms", f"the nearest names are clip_grad_norm, clip_grad_norm_ and clip_grad_value_; {OWN}"),
    ("minigrad.nn.functional.embedding_bag", "minigrad has no EmbeddingBag, as docs/deviations.md says"),
    ("minigrad.complex64", "minigrad has no complex numbers, as docs/deviations.md says"),
    ("minigrad.fft", "minigrad has no counterpart of torch.fft, as docs/deviations.md says"),
])  # fmt: skip
def test_an_unknown_name_is_answered_with_what_helps(name, answer):
    module, _, attribute = name.rpartition(".")
    with pytest.raises(AttributeError) as caught:
        getattr(MODULES[module], attribute)
    assert str(caught.value) == f"module {module!r} has no attribute {attribute!r}; {answer}"
    assert all((DOCS.parent / page).is_file() for page in re.findall(r"docs/[\w/]+\.md", answer))


@pytest.mark.parametrize("module", MODULES)
def test_a_private_name_gets_pythons_words_alone(module):
    for name in ("_hidden", "__wrapped__", "__path_"):
        with pytest.raises(AttributeError) as caught:
            getattr(MODULES[module], name)
        assert str(caught.value) == f"module {module!r} has no attribute {name!r}" and type(caught.value) is AttributeError


@pytest.mark.parametrize("module", MODULES)
def test_names_that_exist_and_defaults_are_as_in_python(module):
    home = MODULES[module]
    assert all(hasattr(home, name) for name in home.__all__) and not hasattr(home, "xyz") and getattr(home, "xyz", 3) == 3


def test_pytorchs_names_that_are_not_said_to_be_missing_are_answered_too():
    answered = [name for name in dir(torch.nn) if name[0] != "_" and not hasattr(nn, name)]
    texts = {}
    for name in answered:
        with pytest.raises(AttributeError) as caught:
            getattr(nn, name)
        texts[name] = str(caught.value)
    assert len(texts) > 100 and not [name for name, text in texts.items() if "docs/" not in text]
    missing = {text.split("minigrad has no ")[1].split(",")[0] for text in texts.values() if "minigrad has no " in text}
    page = " ".join((DOCS / "deviations.md").read_text(encoding="utf-8").split("## Not here")[1].split())
    assert len(missing) > 5 and [kind for kind in missing if kind not in page] == []


def test_asking_whether_a_name_exists_reads_no_answer():
    """It looks for no near names, which takes a millisecond."""
    start = time.process_time()
    for _ in range(2_000):
        hasattr(mg, "sin")
    assert time.process_time() - start < 0.5


def test_the_error_is_shown_and_copied_as_an_attribute_error():
    with pytest.raises(AttributeError) as caught:
        mg.sigmoidd  # noqa: B018
    shown = traceback.format_exception_only(caught.value)
    assert shown == [f"AttributeError: module 'minigrad' has no attribute 'sigmoidd'; the nearest name is sigmoid; {OWN}\n"]
    for other in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert type(other) is AttributeError and str(other) == str(caught.value)


def test_the_nearest_names_are_at_most_three_whatever_their_case():
    assert nearest("LINEAR", ["Linear", "linea", "lin", "Line", "Liner", "x"])[0] == "Linear"
    assert len(nearest("a", ["ab", "ac", "ad", "ae"])) == 3 and nearest("a", []) == []
