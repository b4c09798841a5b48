"""The report of a run: stands alone, tells the figures, escapes what comes from outside."""

from __future__ import annotations

import dataclasses
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy
import pytest

import neurarium as nr
from neurarium.cli.outcome import metrics_table
from neurarium.report import render, write_report
from neurarium.report.quality import metrics

EVIL = "<script>alert('x')</script>"
VOID = {"meta", "br", "img"}


class Reader(HTMLParser):
    """Checks that elements close in their order, and gathers what would be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "xlink:href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run of each kind of target, with evil names."""
    chance = numpy.random.default_rng(0)
    x = chance.normal(size=(160, 2))
    labels = numpy.where(x[:, 0] > 0, EVIL, "calm & quiet")
    several = numpy.array([EVIL, "b", "c"])[(x[:, 0] > 0) + (x[:, 1] > 0).astype(int)]
    values = 1000 * x[:, 0] + 10 * x[:, 1]
    frames = {"two": labels, "three": several, "value": values}
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for name, target in frames.items():
        table = {f"{EVIL} a": x[:, 0], "b": x[:, 1], "target": target}
        data = nr.data.table(table, "target", name=f"{name} {EVIL}")
        found[name] = nr.studies.train(
            data, "mlp", options={"widths": "8"}, epochs=6, out=folder / name, progress=False
        )
        nr.studies.examine(found[name])
    return found


@pytest.mark.parametrize("name", ["two", "three", "value"])
def test_the_page_stands_alone_and_is_well_formed(runs, name):
    run = runs[name]
    html = render(run, command=f"neurarium train {EVIL}")
    reader = read(html)
    assert (
        all(re.fullmatch(r"#[\w-]+|data:image/png;base64,.*", link) for link in reader.links)
        and "http://" not in html
    )
    assert reader.tags.count("script") == 1  # our own, whose hash the policy names
    assert "default-src 'none'" in html and EVIL not in html and "&lt;script&gt;" in html
    assert all(
        f'id="{link[1:]}"' in html or f"id={link[1:]}" in html for link in reader.links if link[0] == "#"
    )
    headings = [int(tag[1]) for tag in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    names = re.findall(r'\bid="([^"]+)"', html)
    assert len(names) == len(set(names)) and html.count("<main ") == 1
    assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", html))
    assert all(
        re.search("<title", svg) or "aria-hidden" in svg for svg in re.findall(r"<svg.*?</svg>", html, re.S)
    )
    assert "prefers-color-scheme: dark" in html and "width=device-width" in html
    assert "nan" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S).lower().replace("finance", "")
    assert html.count("<svg") >= 3


def test_the_figures_are_those_of_the_run(runs):
    run = runs["two"]
    metrics, html = run.results["test"], render(run)
    assert f"{100 * metrics['accuracy']:.1f}<small>%</small>" in html
    assert f"{metrics['auc']:.4f}" in html and "ROC curve" in html and "Confusion matrix" in html
    low = run.reports["test"].intervals["accuracy"].low
    assert f"{100 * low:.1f} %" in html
    for decision in run.decisions:
        assert re.escape(decision.subject.split()[0]) in html
    html = render(runs["value"])
    assert "Predicted against true" in html and "Errors" in html and "Confusion matrix" not in html
    assert f"{runs['value'].results['test']['rmse']:,.2f}" in html


def test_intervals_are_spoken_of_only_where_there_are_some(runs):
    reports = runs["two"].reports
    bare = {split: dataclasses.replace(report, intervals={}) for split, report in reports.items()}
    assert "Small print" in metrics(reports, {}) and "Small print" not in metrics(bare, {})
    told, silent = ([str(each.header) for each in metrics_table(held).columns] for held in (reports, bare))
    assert told[-1].endswith("95 % interval, test") and "interval" not in silent[-1]


def test_the_confusion_matrix_holds_every_count(runs):
    run, html = runs["three"], render(runs["three"])
    cells = re.findall(r"<td[^>]*title='([^']*)'>([^<]*)</td>", html)
    counts = [0 if text == "·" else int(text.replace(",", "")) for _, text in cells]
    assert counts == [int(value) for row in run.reports["test"].confusion for value in row]


def test_a_loaded_run_gives_the_same_page(runs):
    run = runs["value"]
    write_report(run, command="neurarium train x")
    again = nr.load(run.folder)
    assert render(again, command="neurarium train x") == Path(run.folder, "report.html").read_text()


def test_the_card_tells_the_facts(runs):
    run = runs["two"]
    write_report(run)
    text = Path(run.folder, "card.md").read_text()
    assert text.startswith("# mlp on two")
    assert (
        f"| accuracy | {run.results['validation']['accuracy']:.4f} | {run.results['test']['accuracy']:.4f} ["
        in text
    )
    assert "validation split picked the weights" in text
    assert "intervals are calibrated on" in Path(_written(runs["value"]), "card.md").read_text()


def _written(run):
    write_report(run)
    return run.folder


def test_a_run_in_memory_has_a_page_and_no_folder(runs):
    data = nr.data.load("iris")
    run = nr.studies.train(data, "perceptron", epochs=2, progress=False)
    assert "iris · perceptron" in render(run)
    with pytest.raises(nr.core.errors.OptionError, match="no folder"):
        write_report(run)


def test_without_test_and_validation():
    data = nr.data.table({"a": range(40), "b": [0, 1] * 20}, "b", validation=0, test_fraction=0)
    run = nr.studies.train(data, "perceptron", epochs=2, progress=False)
    assert run.results == {} and "not measured" in render(run)
    read(render(run))
