"""Range checks on the device: a kernel notes a number that is out of range, and the host raises the error at its next read.

The host cannot look at the number without waiting for the device, and CuPy wraps an index silently. So a check costs one launch, or
part of one, and no wait.
"""

from __future__ import annotations

from .cupy_library import in_use, kernel, library

_numbers: dict = {}  # message -> the number that a kernel notes for it
_state: dict = {"note": None, "pending": False}  # note: an array [number of the message or 0, value] on the device

OPERATION = """long long v = value;
if ((v < low || v >= high) && v != ignored && note[0] == 0) {
    note[0] = message;
    note[1] = v;
}"""


def source():
    """Return the kernel of `check`: inputs, outputs, operation, name, preamble."""
    return "S value, int64 low, int64 high, int64 ignored, int64 message", "raw int64 note", OPERATION, "minigrad_check_range", ""


def check(values, low, high, message, ignored=None):
    """Let the next read raise IndexError(message.format(value)) if one of `values` is outside low … high-1 and is not `ignored`."""
    if values.size:
        number, note = place_for(message)
        kernel(check, source)(values, low, high, low if ignored is None else ignored, number, note)


def place_for(message):
    """Return (number, note) for a kernel that checks values itself: it sets note[0] = number and note[1] = value if note[0] is 0."""
    lib = library()
    if type(_state["note"]) is not lib.ndarray:
        _state["note"] = lib.zeros(2, "int64")
    _state["pending"] = True
    return _numbers.setdefault(message, len(_numbers) + 1), _state["note"]


def raise_noted():
    """Raise the first error that a kernel has noted since the last read, if any."""
    if not _state["pending"]:
        return
    _state["pending"] = False
    if type(_state["note"]) is not library().ndarray:
        return  # an array of a library that is no longer in use
    number, value = _state["note"].get().tolist()
    if number:
        _state["note"] = None
        message = next(m for m, n in _numbers.items() if n == number)
        raise IndexError(f"{message.format(value)}; found on the GPU, by an operation before this read")


def read(array):
    """Return a device array as a numpy.ndarray. The host waits for the device, and raises what a kernel has noted."""
    raise_noted()
    return array.get()


def synchronize() -> None:
    """Wait for the work queued on the GPU, so that a timer measures it; raise IndexError if a kernel has found an index out of range."""
    if (used := in_use()) is not None:
        raise_noted()
        used.cuda.Device().synchronize()
