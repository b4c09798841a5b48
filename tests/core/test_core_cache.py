"""The cache: where it is, and that one process fills it while others wait."""

from __future__ import annotations

import os
import threading

import pytest

from neurarium.core import cache
from neurarium.core.cache import STALE, Alone, cache_folder, caching
from neurarium.core.errors import DataError


def test_the_cache_follows_the_platform(monkeypatch, tmp_path):
    monkeypatch.delenv("NEURARIUM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache.sys, "platform", "linux")
    assert cache_folder() == tmp_path / "neurarium"
    monkeypatch.setattr(cache.sys, "platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "neurarium")
    monkeypatch.setattr(cache.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_folder() == tmp_path / "neurarium" / "Cache"


def test_one_fills_it_while_others_wait(tmp_path):
    order, target = [], tmp_path / "file"

    def second() -> None:
        with Alone(target):
            order.append("second")

    with Alone(target):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.05)
        order.append("first")
    waiting.join(5)
    assert order == ["first", "second"]
    assert not list(tmp_path.iterdir())


def test_a_lock_of_a_process_that_died_is_taken_over(tmp_path):
    left = Alone(tmp_path / "file").path
    left.touch()
    os.utime(left, (0, left.stat().st_mtime - STALE - 1))
    with Alone(tmp_path / "file") as lock:
        assert lock.path == left


def test_a_cache_that_cannot_be_written_says_which_variable_chooses_another(tmp_path):
    with pytest.raises(DataError, match="NEURARIUM_CACHE"), caching(tmp_path):
        raise PermissionError(13, "no")
