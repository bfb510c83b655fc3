"""Analytic against numeric derivatives: what is right, what is wrong, and what cannot be judged, row by row."""

import numpy as np
import pytest

from minigrad.testing.comparing import Comparison
from minigrad.testing.measuring import Reading

NAN = np.nan


def reading(value, **changed):
    """Return the Reading of smooth outputs with these derivatives, in which some fields are changed."""
    value = np.asarray(value, "float64")
    zero, no, yes = np.zeros_like(value), np.zeros(value.shape, bool), np.ones(value.shape, bool)
    fields = {"value": value, "error": zero, "left": value, "right": value, "side_error": zero, "kink": no, "jump": no,
              "other": value * NAN, "other_error": zero, "rough": no, "hopeless": no, "noise": zero, "growing": no, "finite": yes}
    return Reading(**{**fields, **{name: np.asarray(x) for name, x in changed.items()}})


def compare(analytic, found, rows=None, atol=1e-10, rtol=1e-6):
    """Return the Comparison of gradients, by default one for each output, with a Reading."""
    rows = np.eye(len(found.value)) if rows is None else np.asarray(rows, "float64")
    made = Comparison(rows, np.asarray(analytic, "float64"), found.value, found.error, atol, rtol)
    made.consider(found, rows)
    return made


def states(*args, **options):
    return compare(*args, **options).state.tolist()


def test_tolerances_are_of_the_larger_number_and_the_error():
    assert states([1 + 5e-7, 1 + 2e-6], reading([1.0, 1.0])) == ["right", "wrong"]
    assert states([5e-11, 2e-10], reading([0.0, 0.0])) == ["right", "wrong"]
    assert states([1.05, 1.2], reading([1.0, 1.0], error=[0.1, 0.1])) == ["right", "wrong"]
    assert states([1.9, 1.2], reading([1.0, 1.0]), rtol=0.5) == ["right", "right"]
    assert states([-1.0, 2.0, 0.0], reading([1.0, 1.0, 1.0])) == ["wrong"] * 3


def test_mixtures_add_up_the_errors_of_their_outputs():
    found = reading([1.0, -2.0], error=[0.1, 0.2])
    assert states([5.0, 5.6, 4.4, 5.4], found, rows=[[1, -2]] * 4) == ["right", "wrong", "wrong", "right"]
    made = compare([5.0], found, rows=[[1, -2]])
    assert made.numeric[0] == 5 and made.error[0] == pytest.approx(0.5)


def test_an_output_with_weight_0_takes_no_part():
    found = reading([1.0, NAN], error=[0.0, np.inf], kink=[False, True], growing=[False, True], rough=[False, True])
    assert states([1.0, 2.0], found, rows=[[1, 0], [1, 0]])[0] == "right"
    made = compare([1.0], found, rows=[[1, 0]])
    assert not made.at_kink[0] and not made.rough[0] and made.error[0] == 0


def test_between_the_slopes_of_a_kink_nothing_is_wrong():
    found = reading([0.5], error=[9.0], left=[0.0], right=[1.0], kink=[True])
    for analytic, state in ((0.0, "kink"), (1.0, "kink"), (0.3, "kink"), (1.0005, "kink"), (1.1, "wrong"), (-0.1, "wrong")):
        assert states([analytic], found) == [state], analytic
        assert states([-analytic], found, rows=[[-1]]) == [state], analytic
    made = compare([1.5], found)
    assert made.off[0] == pytest.approx(0.5) and made.allowed[0] < 0.01


def test_the_slopes_of_several_kinks_may_be_combined():
    found = reading([0.0, 0.0], error=[9.0, 9.0], left=[-1.0, -1.0], right=[1.0, 1.0], kink=[True, True])
    assert states([2.0, -2.0, 0.0, 2.1], found, rows=[[1, 1]] * 4) == ["kink", "kink", "kink", "wrong"]
    assert states([2.0, -2.0, 0.0, 2.1], found, rows=[[1, -1]] * 4) == ["kink", "kink", "kink", "wrong"]
    smooth_beside = reading([3.0, 0.0], left=[3.0, -1.0], right=[3.0, 1.0], kink=[False, True])
    assert states([4.0, 2.0, 1.9, 4.1], smooth_beside, rows=[[1, 1]] * 4) == ["kink", "kink", "wrong", "wrong"]


def test_at_a_jump_any_gradient_is_a_kink():
    found = reading([0.0], jump=[True])
    assert states([0.0], found) == ["kink"] and states([1e9], found) == ["kink"]


def test_at_a_pole_nothing_is_judged():
    assert states([5.0], reading([0.0], growing=[True], kink=[True])) == ["pole"]
    assert states([np.inf, 1.0], reading([0.0, 1.0], growing=[True, False])) == ["pole", "right"]
    assert states([0.0, np.inf], reading([0.0, 1.0], growing=[True, False])) == ["pole", "pole"]


def test_what_is_unknown_is_unsure_and_never_right():
    found = reading([1.0], error=[np.inf])
    assert states([1.0], found) == ["unsure"] and states([-7.0], found) == ["unsure"]
    assert states([np.inf], reading([1.0], error=[0.5])) == ["unsure"]
    assert states([np.inf], reading([1.0], error=[1e-9])) == ["wrong"] and states([NAN], reading([1.0])) == ["wrong"]


def test_a_gradient_that_fits_the_other_scale_is_noise():
    found = reading([1.0], other=[0.0])
    assert states([0.0], found) == ["noise"] and states([1.0], found) == ["right"] and states([0.5], found) == ["wrong"]
    assert states([0.05], reading([1.0], other=[0.0], other_error=[0.1])) == ["noise"]
    assert states([2.0], reading([1.0, 2.0], other=[0.0, NAN]), rows=[[1, 1]]) == ["noise"]


def test_the_worst_row_is_a_mistake_before_a_doubt_and_one_output_before_a_mixture():
    found = reading([1.0, 1.0, 0.0], left=[1.0, 1.0, -1], right=[1.0, 1.0, 1.0], kink=[False, False, True])
    rows = np.concatenate([np.eye(3), np.ones((1, 3))])
    assert compare([1.0, 1.0, 0.0, 2.0], reading([1.0, 1.0, 0.0]), rows=rows).worst(3) is None
    assert compare([1.0, 1.1, 0.0, 2.0], found, rows=rows).worst(3) == 1
    assert compare([1.2, 1.1, 0.0, 9.0], found, rows=rows).worst(3) == 0
    assert compare([1.0, 1.0, 0.0, 9.0], found, rows=rows).worst(3) == 3
    assert compare([1.0, 1.0, 0.0, 2.0], found, rows=rows).worst(3) == 2
    assert compare([1.0, NAN, 5.0], reading([1.0, 1.0, 1.0])).worst(3) == 1


def test_the_excess_counts_allowed_differences():
    made = compare([1.5, 1.0, NAN], reading([1.0, 1.0, 1.0]), atol=0.1, rtol=0.0)
    assert np.allclose(made.excess, [5, 0, np.inf])


@pytest.mark.parametrize("found, analytic, words", [
    (reading([0.5], left=[0.0], right=[2.0], kink=[True]), 1.0, "slope is 0 on the left and 1 on the right"),
    (reading([0.5], jump=[True]), 1.0, "the function jumps here"),
    (reading([0.5], growing=[True]), 1.0, "grows without end"),
    (reading([0.5], growing=[True]), np.inf, "the gradient is not finite at this point, where"),
    (reading([8.0], other=[0.0]), 0.0, "from afar"),
    (reading([8.0], error=[np.inf], finite=[False]), 0.0, "not finite on both sides"),
    (reading([8.0], error=[np.inf]), 0.0, "uncertain by inf"),
])
def test_the_reason_is_given_in_words(found, analytic, words):
    made = compare([analytic], found)
    assert words in made.reason(0, 2.0)


def test_a_kink_nearby_that_was_found_otherwise_has_its_own_words():
    made = compare([5.0], reading([1.0]))
    made.state[0] = "kink"
    assert "too close to a kink, a pole or a cancellation" in made.reason(0, 1.0)
