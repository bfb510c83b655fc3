"""A number that one thread raises and another thread waits for."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

import numpy

NUMBER, ASLEEP = 0, 1  # the places in a signal's state: the number, and whether a thread sleeps until it rises

spinning: Any = None  # the module `accelerators.spinning`; False without it; None until `threads` first needs it


class Signal:
    """A number that one thread raises and another waits for.

    With Numba the waiting thread polls the number for a while, without the GIL, before it sleeps. The raising thread writes the number
    before it reads whether the other sleeps, and the other writes "asleep" before it reads the number again: so either the sleeper
    sees the new number or it is woken.
    """

    PATIENCE = 600  # µs
    patience = PATIENCE  # µs of polling before a thread sleeps; 0 where there are more threads than cores

    def __init__(self):
        self.state = numpy.zeros(8, numpy.int64)  # a whole cache line, so that no other variable shares it
        self.bell: SimpleQueue[None] = SimpleQueue()

    def set(self, number):
        """Raise the number, and wake the thread that sleeps until it rises."""
        if spinning:
            sleeper = spinning.raise_to(self.state, number)
        else:
            self.state[NUMBER] = number
            sleeper = self.state[ASLEEP]
        if sleeper:
            self.bell.put(None)

    def ring(self):
        """Wake the waiting thread in case an exception interrupted `set`; a thread that is woken too early waits again."""
        self.bell.put(None)

    def wait(self, number, rest=0):
        """Wait until the number is at least `number`; if it was not so at once, poll for `rest` µs more before returning."""
        if spinning and spinning.wait(self.state, number, self.patience * spinning.speed, rest * spinning.speed):
            return
        while self.state[NUMBER] < number:
            if spinning:
                now = spinning.fall_asleep(self.state)
            else:
                self.state[ASLEEP] = 1
                now = self.state[NUMBER]
            if now < number:
                self.bell.get()
            self.state[ASLEEP] = 0

    def set_and_wait(self, number, other, next, rest):
        """Raise the number, then poll another signal's next number for a while, in one call, so that the GIL is held for less time."""
        if not spinning:
            self.set(number)
        elif spinning.raise_and_wait(self.state, number, other.state, next, self.patience * spinning.speed, rest * spinning.speed):
            self.bell.put(None)
