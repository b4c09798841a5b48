"""Members: packages that load nothing before it is used, and the names of the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from neurarium.core.errors import OptionError
from neurarium.core.members import KINDS, Member, find, lazy, table


def test_attributes_load_on_first_use(monkeypatch):
    module = type(sys)("made_up_package")
    monkeypatch.setitem(sys.modules, "made_up_package", module)
    made = type(sys)("made_up_package.things")
    made.Thing = type("Thing", (), {})
    monkeypatch.setitem(sys.modules, "made_up_package.things", made)
    load, names, exported = lazy("made_up_package", {"Thing": Member("things", "thing", "a thing")})
    assert "Thing" not in vars(module)
    assert load("Thing") is made.Thing and module.Thing is made.Thing
    assert names() == exported == ["Thing"]
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        load("Other")


def test_names_are_listed_without_torch():
    """All kinds whose packages are there: names, summaries and chapters come from the tables alone."""
    code = """
import importlib.util, sys
from neurarium.core.members import KINDS, table
found = {kind: len(table(kind)) for kind in KINDS if importlib.util.find_spec(KINDS[kind])}
assert "torch" not in sys.modules, "torch was imported"
print(found)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert eval(found.stdout)["activation"] > 10


def test_members_are_found_by_their_names_on_the_command_line():
    assert find("activation", "relu").__name__ == "ReLU"
    assert table("network")["mlp"][0] == "MLP"
    with pytest.raises(OptionError, match="no network 'mpl'") as error:
        find("network", "mpl")
    assert "did you mean 'mlp'?" in str(error.value)
    with pytest.raises(OptionError, match="no kind of member 'netwrk'") as error:
        table("netwrk")
    assert "did you mean 'network'?" in str(error.value) and set(KINDS) >= {"network", "loss", "metric"}
