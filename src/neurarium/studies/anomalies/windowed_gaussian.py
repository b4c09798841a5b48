"""The windowed Gaussian: how odd a value is beside those of a window before it. What stands beside every detector of anomalies."""

from __future__ import annotations

import math

import numpy


def windowed_gaussian(values: numpy.ndarray, window: int = 6400, step: int = 100) -> numpy.ndarray:
    """Return 1 - Q(|x_t - mean| / deviation), Q(z) = erfc(z / sqrt 2) / 2, of each value `(length,)`.

    Mean and deviation are of all values before; once there are `window` of them, of the last window, which moves on every `step`
    values. A deviation of nothing is 0.000001. The score is kept to 12 digits, as the published results were written: ties of
    scores near 1 decide the benchmark.

    Lavin and Ahmad, arXiv:1510.03336; NAB's `windowedGaussian` detector.

    >>> windowed_gaussian(numpy.array([1.0, 1.0, 2.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    found, listed = [0.0] * len(values), values.tolist()
    mean, deviation = 0.0, 1.0
    for place, value in enumerate(listed):
        if place:
            z = abs(value - mean) / deviation
            found[place] = float(f"{1 - 0.5 * math.erfc(z / math.sqrt(2)):.12g}")
        if place < window:
            seen = values[: place + 1]
        elif (place - window + 1) % step == 0:
            seen = values[place + 1 - window : place + 1]
        else:
            continue
        mean, deviation = float(numpy.mean(seen)), float(numpy.std(seen)) or 0.000001
    return numpy.array(found)
