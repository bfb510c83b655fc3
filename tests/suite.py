"""The suite's checks in small doses, by name: rows of cases.py, rules of the engine, curves. What planted bugs must not survive."""

import checks
import rules
from backends import NUMPY
from cases import OPS
from curves import Setting, compare_steps
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

SMALL = settings(max_examples=14, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
                 report_multiple_bugs=False)


def row_check(row):
    """All that is checked of one op."""

    @SMALL
    @given(data=st.data())
    def check(data):
        call = checks.draw_call(data.draw, row)
        for dtype in ("float64", "float32"):
            checks.agrees(row, call.case(dtype), NUMPY)
            if row.special:
                checks.special_values(row, call.case(dtype, row.special), NUMPY)
        if row.order:
            checks.same_twice(row, call.case(), NUMPY)
            checks.higher(row, call.case(), NUMPY, 2)
            if not row.surrogate:
                checks.zero_cotangent(row, call.case(), NUMPY)

    return check


CURVES = {
    "SGD": Setting("SGD", {"lr": 0.1}, loss="l1", activation="relu"),
    "SGD, momentum and decay": Setting("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}, side=2),
    "SGD, nesterov": Setting("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}, loss="cross_entropy"),
    "Adam": Setting("Adam", {"lr": 1e-3, "weight_decay": 0.01}, activation="sigmoid", loss="nll", side=3),
    "Adam, tiny gradients": Setting("Adam", {"lr": 1e-3, "eps": 1e-8}, scale=1e-9, loss="penalty"),
    "Adam, amsgrad": Setting("Adam", {"lr": 1e-2, "amsgrad": True, "eps": 1e-2, "betas": (0.5, 0.9)}, noise=0.5, side=2),
}


def curve_check(setting):
    """Twelve single steps, the second starting from PyTorch's state."""
    return lambda: compare_steps(setting, 12, 1e-13)


CHECKS = {
    **{f"row {row.name.removeprefix('ops.')}": row_check(row) for row in OPS},
    **{f"rule {name}": rule for name, rule in rules.RULES.items()},
    **{f"curve {name}": curve_check(setting) for name, setting in CURVES.items()},
}


def ordered(first):
    """The checks, those first whose name contains one of the words `first`."""
    return sorted(CHECKS.items(), key=lambda item: not any(word in item[0] for word in first))


def first_failure(first=()):
    """(name, error) of the first check that fails, None where all pass."""
    with NUMPY.active():
        for name, check in ordered(first):
            try:
                check()
            except Exception as error:  # whatever it is, the change was noticed
                return name, error
    return None
