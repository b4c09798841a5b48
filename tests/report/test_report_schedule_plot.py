"""The plot of schedules draws what the schedules are."""

from __future__ import annotations

import pytest

from neurarium.core.errors import OptionError
from neurarium.report.schedule_plot import curve, plot_schedules


def test_curves_are_the_factors():
    shares, factors = curve("cosine", 5)
    assert shares == [0, 0.25, 0.5, 0.75, 1] and factors == pytest.approx(
        [1, 0.853553, 0.5, 0.146447, 0], abs=1e-6
    )
    assert curve("constant", 3, warmup=0.5)[1] == [0, 1, 1]


def test_all_of_them_are_drawn(tmp_path):
    plot_schedules(None, tmp_path / "all.svg")
    plot_schedules(["step"], tmp_path / "one.svg")
    sizes = [(tmp_path / f"{name}.svg").stat().st_size for name in ("all", "one")]
    assert sizes[0] > 4 * sizes[1]
    with pytest.raises(OptionError, match="did you mean 'step'"):
        plot_schedules(["stp"], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
