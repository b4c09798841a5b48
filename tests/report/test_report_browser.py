"""The report in a real browser: three widths, light and dark; skipped by name where there is no Chromium."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes
from neurarium.report import render

WIDTHS = (360, 768, 1400)
PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --hide-scrollbars --virtual-time-budget=60000 "
    "--run-all-compositor-stages-before-draw --enable-logging=stderr --window-size=1500,1000"
)

pytestmark = pytest.mark.browser


def _several() -> Dataset:
    chance = numpy.random.default_rng(0)
    x = chance.normal(size=(500, 5)).astype("float32")
    y = (x @ chance.normal(size=(5, 3)) + chance.normal(size=(500, 3)) > 0).astype("float32")
    names = ("a label with quite a long name", "b", "c")

    def part(start: int, stop: int) -> Examples:
        held = {"inputs": torch.from_numpy(x[start:stop]), "targets": torch.from_numpy(y[start:stop])}
        return Examples(held)

    return Dataset(
        "labels", Array((5,)), Classes(names, several=True), part(0, 300), part(300, 400), part(400, 500)
    )


def _mixed(classes: int, rows: int = 600) -> dict:
    chance = numpy.random.default_rng(classes)
    x = chance.normal(size=(rows, 3))
    frame = {f"a column of a rather long name {k}": x[:, k] for k in range(3)}
    frame["place"] = chance.choice(["north", "south", None], size=rows)
    if classes:
        centres = 3 * chance.normal(size=(classes, 3))
        kind = numpy.arange(rows) % classes
        frame |= {key: values + centres[kind, k] for k, (key, values) in enumerate(list(frame.items())[:3])}
        frame["kind"] = [f"class {each:03d}" for each in kind]
    else:
        frame["kind"] = 1e5 * x[:, 0] + 3e4 * chance.normal(size=rows)
    return frame


@pytest.fixture(scope="module")
def pages():
    """A page of each sort: images of ten classes, a table of two, of many, a quantity, several labels."""
    data = {
        "digits": nr.data.load("digits"),
        "two": nr.data.table(_mixed(2), "kind", name="two classes"),
        "many": nr.data.table(_mixed(26, 520), "kind", name="many classes"),
        "quantity": nr.data.table(_mixed(0), "kind", name="a quantity"),
        "labels": _several(),
    }
    found = {}
    for name, each in data.items():
        each.summary["quarantined"] = [
            {"file": "images/of/a/long/path/broken-picture.jpg", "reason": "truncated"}
        ]
        run = nr.studies.train(each, "mlp", options={"widths": "16"}, epochs=2, progress=False)
        nr.studies.examine(run)
        found[name] = render(run, command="neurarium train data.csv --target kind --epochs 2")
    return found


@pytest.fixture(scope="module")
def seen(chromium, pages, tmp_path_factory):
    """What the probe says of every page at every width, light and dark."""
    folder = tmp_path_factory.mktemp("browser")
    held = json.dumps(pages).replace("</", "<\\/").replace("<!--", "<\\!--")
    host = f"<!doctype html><meta charset=utf-8><body><pre id=result></pre><script>{PROBE}\nmain({held}, {list(WIDTHS)})</script>"
    (folder / "host.html").write_text(host, encoding="utf-8")
    results, words = [], ""
    for scheme in (1, 0):
        command = [chromium, *SWITCHES.split(), f"--blink-settings=preferredColorScheme={scheme}"]
        command += [
            f"--user-data-dir={folder / f'profile-{scheme}'}",
            "--dump-dom",
            (folder / "host.html").as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
        written = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
        assert written and written[1], done.stderr[-2000:]
        results += json.loads(html.unescape(written[1]))
        words += done.stderr
    return results, words


def test_pages_read_well_at_every_width_light_and_dark(seen):
    results, _ = seen
    wrong = {
        (each["name"], each.get("width"), "dark" if each.get("dark") else "light"): each["found"]
        for each in results
        if each["found"]
    }
    assert not wrong, "\n".join(f"{key}: {value}" for key, value in wrong.items())
    assert {(each["width"], each["dark"]) for each in results} == {
        (w, d) for w in WIDTHS for d in (True, False)
    }


def test_every_page_has_its_charts(seen):
    results, _ = seen
    least = {"digits": 7, "two": 9, "many": 7, "quantity": 7, "labels": 7}
    for each in results:
        assert each["charts"] >= least[each["name"]], each
        assert each["plots"] >= least[each["name"]] - 1, each
        assert each["texts"] > 150 and each["least"] >= 4.5


def test_nothing_is_said_on_the_console(seen):
    _, words = seen
    assert [line for line in words.splitlines() if "CONSOLE" in line] == []


def test_the_probe_finds_what_is_wrong(chromium, pages, tmp_path):
    """The probe itself: a page with faint text, overlapping text, an empty chart and a wide block is refused."""
    bad = pages["digits"].replace(
        "<main id=main tabindex=-1>",
        '<main id=main tabindex=-1><p style="color:#999">faint</p><div style="width:3000px">wide</div>'
        '<p style="position:absolute;top:0;left:0">one above</p><p style="position:absolute;top:4px;left:0">another</p>'
        "<svg role=img viewBox='0 0 9 9'></svg>",
    )
    held = json.dumps({"bad": bad}).replace("</", "<\\/").replace("<!--", "<\\!--")
    (tmp_path / "host.html").write_text(
        f"<!doctype html><meta charset=utf-8><body><pre id=result></pre><script>{PROBE}\nmain({held}, [768])</script>",
        encoding="utf-8",
    )
    command = [chromium, *SWITCHES.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [*command, (tmp_path / "host.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    found = json.loads(html.unescape(re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)[1]))[
        0
    ]["found"]
    for words in ("scrolls sideways", "contrast", "texts overlap", "a chart without marks"):
        assert any(each.startswith(words) for each in found), found
