"""Notebook display: small, escaped, by class; networks only where they are asked for."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import pytest
from torch import nn

import neurarium as nr
from neurarium.studies.comparison.several import compare_several


class Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(html: str) -> str:
    parser = Balanced()
    parser.feed(html)
    assert parser.open == [] and "script" not in parser.seen and len(html) < 20_000
    return html


@pytest.fixture(scope="module")
def run():
    return nr.studies.train(nr.data.load("iris"), "mlp", options={"widths": "8"}, epochs=2, progress=False)


def test_datasets_runs_and_reports_show_their_numbers(run):
    data = checked(run.data._repr_html_())
    assert ">106</td>" in data and "versicolor" in data
    shown = checked(run._repr_html_())
    assert nr.report.words.number(run.results["test"]["accuracy"]) in shown and "decisions" in shown
    report = checked(run.reports["test"]._repr_html_())
    assert "22 examples" in report and "log_loss" in report
    assert "temperature" in checked(nr.studies.calibrate_run(run)._repr_html_())
    found = compare_several([run, run], run.data, names=["one", "two"], resamples=50)
    assert "no difference shown" in checked(found._repr_html_())


def test_names_from_data_are_escaped():
    data = nr.data.load("iris")
    data.name = "<script>alert(1)</script>"
    assert "<script>" not in data._repr_html_() and "&lt;script&gt;" in data._repr_html_()


def test_networks_are_shown_when_asked_and_keep_their_own_display():
    network = nr.networks.MLP(4, 2, widths=(8,))
    shown = nr.show(network)
    assert "58 parameters" in checked(shown._repr_html_()) and repr(shown) == repr(network)
    assert not hasattr(nn.Linear(1, 1), "_repr_html_") and not hasattr(network, "_repr_html_")
    assert nr.show(3)._repr_html_() is None and repr(nr.show(3)) == "3"


def test_the_renderer_is_loaded_only_when_it_is_used():
    code = "import neurarium as nr, sys; d = nr.data.load('iris'); a = 'neurarium.report.notebook' in sys.modules; d._repr_html_(); print(a, 'neurarium.report.notebook' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
