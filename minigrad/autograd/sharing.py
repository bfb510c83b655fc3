"""Keeps track of which tensors share memory, so that a change of one in place reaches all of them.

Views of one another form a family: a recorded change of one becomes part of the history of all. A detached tensor, or a view made
under `no_grad`, shows the new numbers too, but has its own history, so it forms a family of its own.
"""

from __future__ import annotations

import weakref
from typing import Any

from .. import backend

VIEW, DETACHED, OPAQUE = "view", "detached", "opaque"  # kinds of links; opaque: the same numbers, but with a gradient of their own


class Family:
    """Tensors that are views of one another.

    everyone: weak references to all tensors that show the memory, also those of other families; one list for all of these.
    members: those of this family; the same list while there is no other, None while there is no second member.
    exposed: whether a NumPy array, say, may show the memory too.
    opaque: whether these are what an operation made that is no view, such as l1_penalty, of a tensor whose memory they show.
    """

    __slots__ = ("everyone", "exposed", "members", "opaque")

    def __init__(self, everyone, members, exposed, opaque):
        self.everyone, self.members, self.exposed, self.opaque = everyone, members, exposed, opaque


def _family_of(tensor) -> Family:
    family: Any = tensor.views
    if family is None:
        first = [weakref.ref(tensor)]
        family = tensor.views = Family(first, first, False, False)
    return family


def link(base, other, kind=OPAQUE):
    """Note that `other` shows the memory of `base`, as a view of it or as a tensor with another history."""
    family: Any = base.views or _family_of(base)
    everyone, members = family.everyone, family.members
    if kind is VIEW:
        other.views = family
        if members is None:
            family.members = [weakref.ref(base), weakref.ref(other)]
        elif members is not everyone:
            _append(members, other)
    else:
        if members is everyone:
            family.members = everyone[:]
        other.views = Family(everyone, None, family.exposed, kind is OPAQUE)
    _append(everyone, other)


def _append(references, tensor):
    """Add a weak reference; each time the list has doubled, remove those to tensors that no longer exist."""
    n = len(references)
    if n & (n - 1) == 0 and n > 1:
        references[:] = [reference for reference in references if reference() is not None]
    references.append(weakref.ref(tensor))


def expose(tensor):
    """Note that something else, such as a NumPy array, may show the memory of `tensor` from now on."""
    family = _family_of(tensor)
    if not family.exposed:
        family.exposed = True
        for other in _others(tensor, family.everyone):
            other.views.exposed = True


def _others(tensor, references):
    """Return the tensors of `references` that still exist and share memory with `tensor`, without itself."""
    a = tensor.array
    return [x for x in _still_there(tensor, references) if a.size and x.array.size and backend.shares_memory(x.array, a)]


def _still_there(tensor, references):
    """Return the tensors of `references` that still exist, without `tensor`."""
    return [x for x in [reference() for reference in list(references)] if x is not None and x is not tensor]


def is_alone(tensor):
    """Return whether no other tensor shows the same memory, so far as is known."""
    return tensor.views is None or not _still_there(tensor, tensor.views.everyone)


def is_free(tensor):
    """Return whether certainly nothing else shows the same memory."""
    return tensor.views is None or (not tensor.views.exposed and is_alone(tensor))


def views_of(tensor):
    """Return the views in the family of `tensor` that share memory with it, without itself."""
    return [] if tensor.views is None or tensor.views.members is None else _others(tensor, tensor.views.members)


def has_opaque(tensor):
    """Return whether an operation that is no view lies between `tensor` and another one that shows its memory."""
    family = tensor.views
    if family is None:
        return False
    return any([(family.opaque or other.views.opaque) and other.views is not family for other in _others(tensor, family.everyone)])
