"""Numbers that are out of range on the device: a kernel leaves a note, the host's next read raises it.

The host cannot look without waiting for the device, and CuPy wraps an index silently. So the check costs one
launch, or part of one, and no wait.
"""

from __future__ import annotations

from . import library as cuda

_numbers: dict = {}  # what was checked -> the number that a kernel notes
_state: dict = {"note": None, "pending": False}  # note: an array [number or 0, value] on the device

INPUTS = "S value, int64 low, int64 high, int64 ignored, int64 message"
OUTPUTS = "raw int64 note"
OPERATION = """long long v = value;
if ((v < low || v >= high) && v != ignored && note[0] == 0) {
    note[0] = message;
    note[1] = v;
}"""


def source():
    """The kernel: inputs, outputs, operation, name, preamble."""
    return INPUTS, OUTPUTS, OPERATION, "minigrad_check_range", ""


def check(values, low, high, message, ignored=None):
    """Let the next read raise IndexError(message.format(value)) if one of `values` is outside low … high-1.

    `ignored` is a value that is allowed nevertheless.
    """
    if values.size:
        number, note = place_for(message)
        cuda.kernel(check, source)(values, low, high, low if ignored is None else ignored, number, note)


def place_for(message):
    """(number, note) for a kernel that writes note[0] = number, note[1] = value where note[0] is 0."""
    lib = cuda.library()
    if type(_state["note"]) is not lib.ndarray:
        _state["note"] = lib.zeros(2, "int64")
    _state["pending"] = True
    return _numbers.setdefault(message, len(_numbers) + 1), _state["note"]


def raise_noted():
    """Raise the first error that a kernel has noted since the last read."""
    if not _state["pending"]:
        return
    _state["pending"] = False
    if type(_state["note"]) is not cuda.library().ndarray:
        return  # of a library that is no longer used
    number, value = _state["note"].get().tolist()
    if number:
        _state["note"] = None
        message = next(m for m, n in _numbers.items() if n == number)
        raise IndexError(f"{message.format(value)}; found on the GPU, by an operation before this read")


def read(array):
    """A device array as a numpy.ndarray: the host waits for it."""
    raise_noted()
    return array.get()
