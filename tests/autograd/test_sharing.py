"""Which tensors are known to show one memory, and which of them are views of one another."""

import gc

import numpy as np
import pytest

from minigrad.autograd import graph, sharing
from minigrad.autograd.sharing import DETACHED, OPAQUE, VIEW


def tensor(array):
    return graph.wrap(array)


def linked(base, kind, part=slice(None)):
    """A tensor on a part of the memory of `base`, of which this is known."""
    other = tensor(base.array[part])
    sharing.link(base, other, kind)
    return other


def same(found, expected):
    return len(found) == len(expected) and all(f is e for f, e in zip(found, expected))


def test_views_of_views_are_one_family():
    x = tensor(np.zeros(4))
    assert sharing.views_of(x) == [] and sharing.is_alone(x) and sharing.is_free(x) and not sharing.has_opaque(x)
    a = linked(x, VIEW)
    b = linked(a, VIEW)
    for t, others in ((x, [a, b]), (a, [x, b]), (b, [x, a])):
        assert same(sharing.views_of(t), others) and not sharing.is_alone(t) and not sharing.is_free(t) and not sharing.has_opaque(t)
    del a, others, t
    assert same(sharing.views_of(x), [b])
    del b
    assert sharing.views_of(x) == [] and sharing.is_alone(x) and sharing.is_free(x)


@pytest.mark.parametrize("kind", [DETACHED, OPAQUE])
def test_a_detached_tensor_begins_a_family_of_its_own(kind):
    x = tensor(np.zeros(4))
    before, other = linked(x, VIEW), linked(x, kind)
    after = linked(x, VIEW)
    assert same(sharing.views_of(x), [before, after]) and sharing.views_of(other) == []
    first = linked(other, VIEW)
    second, third = linked(other, VIEW), linked(first, VIEW)
    assert same(sharing.views_of(other), [first, second, third]) and same(sharing.views_of(third), [other, first, second])
    assert same(sharing.views_of(x), [before, after]) and not sharing.is_alone(x) and not sharing.is_alone(other)
    assert [sharing.has_opaque(t) for t in (x, before, after, other, first, third)] == [kind is OPAQUE] * 6


def test_only_what_overlaps_is_a_view():
    x = tensor(np.zeros(4))
    left, right, both, none = (linked(x, VIEW, part) for part in (slice(2), slice(2, 4), slice(1, 3), slice(2, 2)))
    assert same(sharing.views_of(left), [x, both]) and same(sharing.views_of(right), [x, both])
    assert same(sharing.views_of(x), [left, right, both]) and sharing.views_of(none) == []
    table = tensor(np.zeros((3, 2)))
    nothing, row = linked(table, VIEW, (slice(1, 2), slice(0))), linked(table, VIEW, slice(1, 2))
    assert same(sharing.views_of(table), [row]) and same(sharing.views_of(row), [table]) and sharing.views_of(nothing) == []
    opaque = linked(x, OPAQUE, slice(2))
    assert [sharing.has_opaque(t) for t in (x, left, right, both, none, opaque)] == [True, True, False, True, False, True]


def test_views_of_what_an_operation_made_are_not_opaque_to_each_other():
    x = tensor(np.zeros(4))
    made = linked(x, OPAQUE)
    view = linked(made, VIEW)
    assert sharing.has_opaque(made) and sharing.has_opaque(view)
    del x
    assert not sharing.has_opaque(made) and not sharing.has_opaque(view)


def test_memory_that_an_array_shows_is_exposed_in_all_families():
    x = tensor(np.zeros(4))
    view, detached, beside = linked(x, VIEW), linked(x, DETACHED, slice(2)), linked(x, DETACHED, slice(2, 4))
    sharing.expose(detached)
    assert [t.views.exposed for t in (x, view, detached, beside)] == [True, True, True, False]
    later = linked(detached, OPAQUE)
    assert later.views.exposed
    alone = tensor(np.zeros(2))
    sharing.expose(alone)
    assert sharing.is_alone(alone) and not sharing.is_free(alone)


@pytest.mark.parametrize("live", [0, 20])
def test_the_lists_of_tensors_do_not_grow(live):
    x = tensor(np.zeros(4))
    kept = [linked(x, VIEW) for _ in range(live)]
    for _ in range(500):
        linked(x, VIEW)
    gc.collect()
    assert len(x.views.everyone) <= 2 * (live + 1) + 2 and same(sharing.views_of(x), kept)
