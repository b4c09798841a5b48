"""The hub: an id is told from a path; what it does not give is told with what to do instead."""

from __future__ import annotations

import sys
import types

import pytest

from neurarium.core.errors import ArtifactError, MissingDependencyError
from neurarium.core.hub import fetched, is_hub_id


def hub(give):
    module = types.ModuleType("huggingface_hub")
    module.snapshot_download = give
    return module


def test_an_id_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_hub_id("google-bert/bert-base-uncased")
    assert not is_hub_id("weights.pth") and not is_hub_id("runs/a/b") and not is_hub_id("../weights")
    (tmp_path / "runs" / "a").mkdir(parents=True)
    assert not is_hub_id("runs/a")


def test_the_files_that_are_wanted_are_asked_for(tmp_path, monkeypatch):
    asked = {}

    def give(name, allow_patterns):
        asked[name] = allow_patterns
        return str(tmp_path)

    monkeypatch.setitem(sys.modules, "huggingface_hub", hub(give))
    assert fetched("owner/name") == tmp_path
    assert {"*.safetensors", "config.json", "tokenizer*", "vocab*"} <= set(asked["owner/name"])
    assert "*" not in asked["owner/name"] and not any(each.endswith(".py") for each in asked["owner/name"])


def test_offline_says_which_files_to_put_where(monkeypatch):
    def give(name, allow_patterns):
        raise ConnectionError("no route\nto host")

    monkeypatch.setitem(sys.modules, "huggingface_hub", hub(give))
    with pytest.raises(ArtifactError) as refused:
        fetched("owner/name")
    said = str(refused.value)
    assert "owner/name: no route" in said and "to host" not in said
    assert all(
        each in said for each in ("config.json", "model.safetensors", "tokenizer.json", "--weights name/")
    )


def test_without_the_extra_its_install_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDependencyError, match=r"neurarium\[hub\]"):
        fetched("owner/name")
