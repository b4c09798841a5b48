"""What all tests share: one thread, no windows, reproducible examples, a cache of their own, data sets by name."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
# Small matrices: a second thread gains nothing, and on a busy machine its waiting costs ten times the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The same examples in every run: a law that fails, fails for everybody. No deadline: machines differ.
hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
hypothesis.settings.load_profile("reproducible")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Examples are sought in the library; of the tests' own files only those named so are collected."""
    return True if collection_path.suffix == ".py" and not collection_path.name.startswith("test_") else None


@pytest.fixture(autouse=True)
def _the_same_chance_in_every_run() -> None:
    """Begin each test with the same global seed, whichever tests ran before it in this process."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests from reading or filling the user's cache of data sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEURARIUM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a browser; tests that need one are skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def tagged_corpus() -> ModuleType:
    """Return the module with the generated language of tagged sentences (`corpus`, `write_conll`)."""
    place = Path(__file__).parent / "data" / "assembly" / "tagged_corpus.py"
    spec = importlib.util.spec_from_file_location("tagged_corpus", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return `path(name)`: a data set's folder below NEURARIUM_DATA; the test is skipped by name where it is absent."""

    def path(name: str) -> Path:
        folder = Path(os.environ.get("NEURARIUM_DATA", "")) / name
        if "NEURARIUM_DATA" not in os.environ or not folder.exists():
            pytest.skip(f"the data set '{name}' is not there (NEURARIUM_DATA)")
        return folder

    return path
