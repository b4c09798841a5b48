import pytest
import torch
from PIL import Image

from neurarium.core.errors import OptionError
from neurarium.core.members import table
from neurarium.report.activation_plot import curve, plot_activations


@pytest.mark.parametrize("name", sorted(table("activation")))
def test_curves_are_functions_with_their_derivatives(name):
    # Between the points lie the kinks: none is on a point.
    points = torch.linspace(-3.97, 3.91, 400)
    values, slopes = curve(name, points)
    before, _ = curve(name, points - 1e-3)
    after, _ = curve(name, points + 1e-3)
    assert values.shape == slopes.shape == (400,)
    assert ((after - before) / 2e-3 - slopes).abs().median() < 1e-3


def test_picture_has_a_panel_for_each(tmp_path):
    plot_activations(["relu", "gelu", "swiglu", "maxout", "softmax"], tmp_path / "five.png")
    plot_activations(["relu"], tmp_path / "one.svg")
    with Image.open(tmp_path / "five.png") as image:
        assert image.width > 2000 and len(image.convert("L").resize((200, 60)).getcolors()) > 20
    assert (
        "derivative" in (tmp_path / "one.svg").read_text() or (tmp_path / "one.svg").stat().st_size > 10_000
    )


def test_unknown_name_is_refused(tmp_path):
    with pytest.raises(OptionError, match="relu"):
        plot_activations(["reluu"], tmp_path / "x.png")
    assert not list(tmp_path.iterdir())
