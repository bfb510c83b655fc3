"""Quick checks by name, made from the suite: rows of cases.py, rules of the engine, training curves. Each planted bug must fail one."""

import contextvars
import functools

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from support import checks, engine_rules
from support.backends import NUMPY
from support.cases import OPS, THRICE
from support.training_curves import Setting, compare_steps

MANY, FEW = 150, 6  # the number of drawn calls of a row that is tried first, and of the others


class Enough(Exception):
    """Raised in place of a check's next drawn call."""


def row_check(row):
    """Return a function that checks one op for a number of drawn calls, or for the first `most` of them.

    Its error has a method `repeat`, which checks the same calls again, up to the one that failed.
    """

    def check(examples=MANY, most=MANY):
        calls = 0

        @settings(max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
                  report_multiple_bugs=False)
        @given(data=st.data())
        def run(data):
            nonlocal calls
            call = checks.draw_call(data.draw, row)
            calls += 1
            if calls > most:
                raise Enough
            for dtype in ("float64", "float32"):
                checks.agrees(row, call.case(dtype), NUMPY)
                if row.special:
                    checks.special_values(row, call.case(dtype, row.special), NUMPY)
            if row.order:
                checks.same_twice(row, call.case(), NUMPY)
                checks.higher(row, call.case(), NUMPY, 3 if row.name.removeprefix("ops.") in THRICE else 2)
                if not row.surrogate:
                    checks.zero_cotangent(row, call.case(), NUMPY)

        try:
            run()
        except Enough:
            pass
        except Exception as error:
            error.repeat = functools.partial(check, examples, calls)
            raise

    return check


CURVES = {
    "SGD": Setting("SGD", {"lr": 0.1}, loss="l1", activation="relu"),
    "SGD, momentum and decay": Setting("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}, side=2),
    "SGD, nesterov": Setting("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}, loss="cross_entropy"),
    "Adam": Setting("Adam", {"lr": 1e-3, "weight_decay": 0.01}, activation="sigmoid", loss="nll", side=3),
    "Adam, tiny gradients": Setting("Adam", {"lr": 1e-3, "eps": 1e-8}, scale=1e-9, loss="penalty"),
    "AdamW": Setting("AdamW", {"lr": 1e-2, "weight_decay": 0.5}),
    "RMSprop": Setting("RMSprop", {"lr": 1e-2, "eps": 1e-2, "momentum": 0.5}, side=2),
    "Adagrad": Setting("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "eps": 1e-2, "initial_accumulator_value": 0.1}),
    "Adam, amsgrad": Setting("Adam", {"lr": 1e-2, "amsgrad": True, "eps": 1e-2, "betas": (0.5, 0.9)}, noise=0.5, side=2),
}


def curve_check(setting):
    """Return a function that checks twelve single steps; all but the first start from PyTorch's state."""
    return lambda examples=MANY: compare_steps(setting, 12, 1e-13)


CHECKS = {
    **{f"row {row.name.removeprefix('ops.')}": row_check(row) for row in OPS},
    **{f"rule {name}": lambda examples=MANY, rule=rule: rule() for name, rule in engine_rules.RULES.items()},
    **{f"curve {name}": curve_check(setting) for name, setting in CURVES.items()},
}


def first_failure(first=()):
    """Return (name, error) of the first check that fails, or None. Those with a word of `first` in their names lead, with more calls."""
    leading = [name for name in CHECKS if any(word in name for word in first)]
    with NUMPY.active():
        for name in [*leading, *(name for name in CHECKS if name not in leading)]:
            try:
                contextvars.copy_context().run(CHECKS[name], MANY if name in leading else FEW)  # so that modes end with the check
            except Exception as error:  # an error of any kind shows that the change was noticed
                return name, error
    return None
