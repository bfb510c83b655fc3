"""The axes of a chart: round ticks, and where between the ends of the axis a value stands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST = 1e-300  # smaller numbers are drawn as 0
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """An axis from its first tick to its last."""

    ticks: Sequence[float]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Return where `value` stands: 0 is the axis' beginning and 1 its end, where numbers beyond it stand, too."""
        if self.logarithmic:
            low, high, value = (math.log10(max(number, SMALLEST)) for number in (self.ticks[0], self.ticks[-1], value))
        else:
            low, high = self.ticks[0], self.ticks[-1]
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5


def linear_axis(values: Sequence[float], count: int = 5) -> Axis:
    """Return an axis with about `count` ticks that reaches from the smallest of `values` to the largest."""
    return Axis(nice_ticks(min(values), max(values), count))


def logarithmic_axis(values: Sequence[float], count: int = 5) -> Axis:
    """Return a logarithmic axis with at most `count` + 1 ticks for `values`, of which those that are not above 0 are left out.

    The ticks are 1, 2 and 5 times the powers of ten, or these powers alone, or every second, third … of them.
    """
    positive = [value for value in values if value >= SMALLEST] or [1.0]
    low, high = min(positive), max(positive)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high) - 1e-9)
    fine = [float(f"{factor}e{power}") for power in range(first, last + 1) for factor in (1, 2, 5)]
    begin = max(index for index, tick in enumerate(fine) if tick <= low * (1 + 1e-9))
    end = max(begin + 1, min(index for index, tick in enumerate(fine) if tick >= high * (1 - 1e-9)))
    if end - begin <= count:
        return Axis(fine[begin : end + 1], logarithmic=True)
    step = math.ceil((last - first) / count)
    return Axis([float(f"1e{power}") for power in range(first, last + step, step)], logarithmic=True)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers that reach from `low` to `high`, or further where these two are too close to tell apart."""
    size = max(abs(low), abs(high))
    if high - low <= 1e-9 * size or size < SMALLEST:
        size = 1.0 if size < SMALLEST else size
        high, low = low + size / 2, low - size / 2
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def tick_label(value: float) -> str:
    """Return a tick as text: a power of ten below 0.001 or above 10,000 as 10⁻⁴, other numbers in full or as 2.5e−07."""
    if value > 0 and not 1e-3 <= value <= 1e4 and f"{value:.6e}".startswith("1.000000e"):
        return "10" + str(round(math.log10(value))).translate(SUPERSCRIPTS)
    return f"{value:.6g}".replace("-", "−")
