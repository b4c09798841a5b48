"""Progress: a bar in a terminal, one line that renews itself in a notebook, plain lines elsewhere."""

from __future__ import annotations

import io
import sys
import types

import pytest
from training_helpers import StopAt, classes, classifier, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.training.callbacks import progress
from neurarium.training.callbacks.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def notebook(monkeypatch):
    """A notebook's kernel, as IPython shows itself; returns what was displayed."""
    shown = []

    class Handle:
        def update(self, thing):
            shown.append(repr(thing))

    def display(thing, display_id):
        shown.append(repr(thing))
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    module, part = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    module.get_ipython, part.display = lambda: shell, display
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", part)
    return shown


def test_plain_lines_where_there_is_no_terminal(capsys):
    data = classes()
    nr.fit(
        classifier(), data, epochs=3, batch_size=32, callbacks=[Progress("auto", every=0.0)], progress=False
    )
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:4] for line in lines[:3]] == [
        ["epoch", str(n), "step", str(3 * n)] for n in (1, 2, 3)
    ]
    assert "  validation loss " in lines[0] and ", accuracy " in lines[0] and "\x1b" not in "".join(lines)
    assert lines[3].startswith("done after 9 steps, ") and len(lines) == 4


def test_lines_come_no_more_often_than_asked(capsys):
    nr.fit(regression(), source(), epochs=5, callbacks=[Progress("lines", every=1000.0)], progress=False)
    assert len(capsys.readouterr().err.splitlines()) == 2  # the first, and the last word


def test_a_bar_in_a_terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert progress.place() == "bar"
    nr.fit(regression(), source(), epochs=3, progress="auto")
    text = stream.getvalue()
    assert "training" in text and "12/12" in text and "\x1b[" in text
    assert "done after 12 steps" in text


def test_a_notebook_renews_one_line(notebook, capsys):
    assert progress.place() == "notebook"
    nr.fit(classifier(), classes(), epochs=4, batch_size=32, progress="auto")
    assert notebook[0] == "training"
    half = next(line for line in notebook if "6/12" in line)
    assert half.startswith("█" * 12 + "░" * 12 + " 6/12") and "s left" in half
    assert notebook[-1].startswith("done after 12 steps") and ", accuracy " in notebook[-1]
    assert capsys.readouterr().err == ""


def test_a_terminal_of_ipython_is_no_notebook(monkeypatch):
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert progress.place() == "lines"


def test_nothing_when_nothing_is_asked_for(capsys):
    nr.fit(regression(), source(), epochs=2, progress=False)
    assert capsys.readouterr() == ("", "")


def test_the_reason_to_stop_is_told(capsys):
    nr.fit(regression(), source(), epochs=9, callbacks=[StopAt(2)], progress="lines")
    assert "the test says so after 2 steps" in capsys.readouterr().err


def test_an_unknown_style_is_refused():
    with pytest.raises(OptionError, match="did you mean 'notebook'"):
        Progress("notebok")
