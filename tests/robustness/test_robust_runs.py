"""Broken run folders: loaded as they are, or refused by a typed error; nothing in them is executed or unfolded."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from broken_runs import MARK, mutations, safetensors

import neurarium as nr
from neurarium.core.errors import NeurariumError, UserError
from neurarium.training.run import Run

ROW = {
    "sepal length (cm)": [5.1],
    "sepal width (cm)": [3.5],
    "petal length (cm)": [1.4],
    "petal width (cm)": [0.2],
}
FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "pty.spawn",
    "socket.connect",
    "webbrowser.open",
    "pickle.find_class",
    "shutil.rmtree",
    "ctypes.dlopen",
)
SECONDS = 2.0


class Watch:
    """Notes, by an audit hook, what a file from a stranger must not cause."""

    def __init__(self) -> None:
        self.on, self.seen = False, list[str]()
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in FORBIDDEN:
            self.seen.append(f"{event} {arguments[:1]!r:.80}")
        elif event == "open" and isinstance(arguments[0], str):
            mode = arguments[1] or "r"
            written = (
                isinstance(mode, str) and set(mode) & set("wax+") and not arguments[0].startswith("/dev/")
            )
            if written or "passwd" in arguments[0]:
                self.seen.append(f"open {arguments[0]} {mode}")
        elif event == "import" and arguments[0].partition(".")[0] in (
            "antigravity",
            "this",
            "idlelib",
            "evil",
            "pip",
            "webbrowser",
            "test",
        ):
            self.seen.append(f"import {arguments[0]}")

    def __enter__(self) -> list[str]:
        self.seen, self.on = [], True
        return self.seen

    def __exit__(self, *arguments: Any) -> None:
        self.on = False


WATCH = Watch()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small run of iris with checkpoints, in the working folder."""
    folder = tmp_path_factory.mktemp("runs")
    before = Path.cwd()
    os.chdir(folder)
    data = nr.data.load("iris")
    network = nr.networks.MLP.for_data(data.inputs, data.targets, widths=(4,))
    method = nr.methods.Supervised(network)
    nr.fit(
        method,
        data,
        epochs=2,
        progress=False,
        out="good",
        checkpoint_steps=2,
        config={"data": "iris", "network": "mlp"},
    )
    run = Run.load("good")
    nr.studies.predict(run, ROW)
    try:
        yield folder / "good"
    finally:
        os.chdir(before)


def use(folder: Path) -> str:
    """Load, predict, evaluate and look at the checkpoint; return how it ended."""
    from neurarium.cli.runs import facts
    from neurarium.training.checkpoint import Checkpoints

    facts(folder)  # what `neurarium runs` lists never fails
    run = Run.load(folder)
    frame = nr.studies.predict(run, ROW)
    assert frame.height == 1
    Checkpoints(folder / "checkpoints").newest()
    return "used"


def check(name: str, folder: Path) -> str | None:
    """Return what is wrong with the way a broken run ends; None where nothing is."""
    began = time.process_time()
    with WATCH as seen:
        try:
            use(folder)
        except UserError as error:
            if len(str(error)) > 9000:
                return "a message without an end"
        except (Exception, NeurariumError) as error:
            return f"{type(error).__name__}: {str(error)[:150]}"
    took = time.process_time() - began
    if seen or Path(MARK).exists():
        return f"it did what it must not: {seen or 'a file was written'}"
    if took > SECONDS:
        return f"it took {took:.1f} s"
    return None


def every(good: Path, chosen: Callable[[int], bool]) -> list[str]:
    wrong = []
    for number, (name, change) in enumerate(mutations(good)):
        if not chosen(number):
            continue
        folder = good.parent / "copy"
        shutil.copytree(good, folder)
        change(folder)
        found = check(name, folder)
        wrong += [f"{name}: {found}"] if found else []
        shutil.rmtree(folder)
    return wrong


def test_the_good_run_is_used(good):
    assert use(good) == "used"


def test_there_are_five_hundred_ways(good):
    names = [name for name, _ in mutations(good)]
    assert len(names) >= 500 and len(set(names)) == len(names), len(names)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 20))])
def test_a_broken_run_is_used_as_it_is_or_refused(part, good):
    wrong = every(good, lambda number: number % 20 == part)
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    "options",
    [{"widths": [10**6, 10**6]}, {"features": 10**10}, {"outputs": 10**11}, {"widths": [3 * 10**8]}],
)
def test_a_network_larger_than_its_weights_is_refused_before_memory_is_asked_for(options, good):
    import yaml
    from broken_runs import reseal

    folder = good.parent / "large"
    shutil.copytree(good, folder)
    held = yaml.safe_load((folder / "config.yaml").read_text())
    held["network"]["options"].update(options)
    (folder / "config.yaml").write_text(yaml.safe_dump(held))
    reseal(folder)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError):
        nr.studies.predict(Run.load(folder), ROW)
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000
    )  # KB: 512 MiB and the weights
    shutil.rmtree(folder)


def test_large_weights_that_do_not_fit_take_less_than_twice_their_size(good):
    folder, size = good.parent / "heavy", 200_000_000
    shutil.copytree(good, folder)
    head = {"x": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}
    (folder / "weights.safetensors").write_bytes(safetensors(head, bytes(size)))
    from broken_runs import reseal

    reseal(folder)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match="do not fit"):
        nr.studies.predict(Run.load(folder), ROW)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 2 * size + 64_000_000
    shutil.rmtree(folder)


def test_resuming_a_broken_checkpoint_is_refused_and_changes_nothing(good):
    data = nr.data.load("iris")
    wrong = []
    for number, damage in enumerate(
        (b"", b"PK\x03\x04", bytes(100), safetensors(b"[" * 100_000), safetensors({}), None)
    ):
        folder = good.parent / f"resumed{number}"
        shutil.copytree(good, folder)
        for path in (folder / "checkpoints").glob("*"):
            content = path.read_bytes() if damage is None else damage
            path.write_bytes(content if damage is not None else content[:-5] + bytes(5 + 1))
        weights = (folder / "weights.safetensors").read_bytes()
        torch.manual_seed(0)
        method = nr.methods.Supervised(nr.networks.MLP.for_data(data.inputs, data.targets, widths=(4,)))
        try:
            nr.fit(method, data, epochs=3, progress=False, out=folder, resume=True)
            wrong.append(number)
        except UserError:
            assert (folder / "weights.safetensors").read_bytes() == weights
        shutil.rmtree(folder)
    assert not wrong
