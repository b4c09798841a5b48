"""Exact resume: killed with SIGKILL at any moment and resumed, a run is bitwise the run that was never killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training_helpers import StopAt, classes, difference, regression, source

import neurarium as nr
from neurarium.core.codec import load_tree
from neurarium.core.errors import ArtifactError, OptionError

HERE = Path(__file__).parent
FORKS = hasattr(os, "fork")


class Zygote:
    """The other end of zygote.py."""

    def __init__(self):
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "zygote.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip

    def run(
        self, folder: Path, deaths: Path, *, kill: int | None = None, after: float | None = None
    ) -> dict[str, Any]:
        """Run once; kill it at a point, or after some seconds; return how it ended."""
        request = {"folder": str(folder), "deaths": str(deaths), "kill": kill, "after": after}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    if not FORKS:
        pytest.skip("processes cannot be forked here")
    found = Zygote()
    yield found
    found.close()


@pytest.fixture(scope="module")
def whole(zygote, tmp_path_factory) -> dict[str, Any]:
    """The run that is never killed: its folder, how many points it has, how long it takes."""
    place = tmp_path_factory.mktemp("whole")
    ended = zygote.run(place / "run", place / "deaths")
    assert ended["code"] == 0
    return {"folder": place / "run", "points": ended["points"], "seconds": ended["seconds"]}


def same(folder: Path, whole: Path) -> None:
    """Weights, optimizer, average and log are bitwise those of the whole run; nothing half-written is left."""
    states = [load_tree(each / "final.safetensors") for each in (folder, whole)]
    assert difference(*states) is None
    assert (folder / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    results = [json.loads((each / "results.json").read_text()) for each in (folder, whole)]
    assert (
        results[0]["best"] == results[1]["best"]
        and results[0]["weights_sha256"] == results[1]["weights_sha256"]
    )
    assert not list(folder.rglob("*.part"))
    assert sorted(each.name for each in folder.iterdir()) == sorted(each.name for each in whole.iterdir())


def killed_at_points(
    zygote: Zygote, whole: dict[str, Any], place: Path, times: int, seed: int
) -> Counter[str]:
    """Kill runs at random points, each up to four times, until there were so many deaths; return where they died."""
    chance, done, deaths = random.Random(seed), 0, place / "deaths"
    number = 0
    while done < times:
        folder, number = place / f"run-{number}", number + 1
        for _ in range(min(4, times - done)):
            ended = zygote.run(folder, deaths, kill=chance.randint(1, whole["points"] // 3))
            done += ended["killed"] == 9
            assert ended["killed"] == 9 or ended["code"] == 0
        assert zygote.run(folder, deaths)["code"] == 0
        same(folder, whole["folder"])
    return Counter(deaths.read_text().splitlines())


def killed_by_the_clock(zygote: Zygote, whole: dict[str, Any], place: Path, times: int, seed: int) -> int:
    """Kill runs at random times; return how many were still alive then."""
    chance, caught = random.Random(seed), 0
    for number in range(times):
        folder = place / f"clock-{number}"
        ended = zygote.run(folder, place / "deaths", after=chance.uniform(0, whole["seconds"]))
        caught += ended["killed"] == 9
        assert zygote.run(folder, place / "deaths")["code"] == 0
        same(folder, whole["folder"])
    return caught


def test_killed_at_sixteen_points_and_four_times(zygote, whole, tmp_path):
    where = killed_at_points(zygote, whole, tmp_path, times=16, seed=0)
    writing = sum(count for name, count in where.items() if name not in ("step", "added"))
    assert sum(where.values()) == 16 and writing >= 6 and where["inside a file"] >= 1
    killed_by_the_clock(zygote, whole, tmp_path, times=4, seed=0)


@pytest.mark.slow
def test_killed_two_hundred_times(zygote, whole, tmp_path):
    where = killed_at_points(zygote, whole, tmp_path, times=160, seed=1)
    assert sum(where.values()) == 160 and len(where) == 8
    killed_by_the_clock(zygote, whole, tmp_path, times=40, seed=1)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path):
    def trained(out, **options):
        return nr.fit(
            regression(dropout=0.2),
            source(),
            steps=12,
            out=out,
            checkpoint_steps=2,
            progress=False,
            **options,
        )

    reference = trained(tmp_path / "whole")
    trained(tmp_path / "run", callbacks=[StopAt(7)])
    newest = sorted((tmp_path / "run" / "checkpoints").glob("*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    resumed = trained(tmp_path / "run", resume=True)
    assert difference(reference.method.state_dict(), resumed.method.state_dict()) is None
    assert resumed.history == reference.history


def interrupted(tmp_path) -> Path:
    nr.fit(
        regression(), source(), steps=12, out=tmp_path / "run", evaluate_every=2, checkpoint_steps=2, progress=False,
        callbacks=[StopAt(7)],
    )  # fmt: skip
    return tmp_path / "run"


def test_when_all_checkpoints_are_damaged_it_says_so(tmp_path):
    folder = interrupted(tmp_path)
    for path in (folder / "checkpoints").glob("*.safetensors"):
        path.write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match="damaged"):
        nr.fit(regression(), source(), steps=12, out=folder, resume=True, progress=False)


def test_a_log_that_lost_lines_is_not_gone_on_with(tmp_path):
    folder = interrupted(tmp_path)
    log = folder / "metrics.jsonl"
    log.write_text(log.read_text().splitlines()[0] + "\n")
    with pytest.raises(ArtifactError, match="shortened after the checkpoint"):
        nr.fit(regression(), source(), steps=12, out=folder, resume=True, progress=False)


def test_another_network_or_batch_size_cannot_go_on_with_it(tmp_path):
    folder = interrupted(tmp_path)
    with pytest.raises(ArtifactError, match="is not of this method"):
        nr.fit(regression(width=9), source(), steps=12, out=folder, resume=True, progress=False)
    with pytest.raises(OptionError, match="4 batches per epoch"):
        nr.fit(regression(), source(64, 8), steps=12, out=folder, resume=True, progress=False)


def test_a_folder_with_a_run_is_not_written_over(tmp_path):
    folder = interrupted(tmp_path)
    before = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    with pytest.raises(nr.core.errors.UserError, match="not empty"):
        nr.fit(regression(), source(), steps=12, out=folder, progress=False)
    assert before == {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 8, 11, 12])
def test_stopped_anywhere_in_an_epoch(stop, tmp_path):
    """Four batches per epoch: the middle, the last batch, the first of the next, with evaluations of its own or not."""
    for every in (None, 3):

        def trained(out, every=every, **options):
            return nr.fit(
                regression(dropout=0.3),
                source(),
                epochs=3,
                evaluate_every=every,
                out=out,
                progress=False,
                **options,
            )

        reference, folder = trained(None), tmp_path / f"run-{every}"
        trained(folder, callbacks=[StopAt(stop)])
        resumed = trained(folder, resume=True)
        assert difference(reference.method.state_dict(), resumed.method.state_dict()) is None
        assert reference.history == resumed.history


def test_the_run_of_a_dataset_goes_on_too(tmp_path):
    data = classes()

    def trained(out, **options):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 3))
        method = nr.methods.Supervised(net, class_weights="balanced")
        return nr.fit(method, data, epochs=3, batch_size=16, out=out, progress=False, **options)

    reference = trained(None)
    trained(tmp_path / "run", callbacks=[StopAt(8)])
    resumed = trained(tmp_path / "run", resume=True)
    assert reference.history == resumed.history
    assert difference(dict(reference.network.state_dict()), dict(resumed.network.state_dict())) is None


class Masked(nn.Module):
    """A network of a user with an infinite constant, as the masks of attention are."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.register_buffer("mask", torch.tensor([0.0, 0.0, -torch.inf]))

    def forward(self, inputs):
        return self.layer(inputs["numeric"]) + torch.where(self.mask < 0, -1.0, 0.0)


@pytest.mark.parametrize("name", ["tabm", "realmlp", "mlp", "masked"])
def test_networks_for_tables_leave_checkpoints_and_go_on(name, tmp_path):
    """The outer bins of an embedding end at infinity: constants, which spoil no checkpoint."""
    iris = nr.data.load("iris")
    options = {"embedding": "piecewise-linear"} if name in ("tabm", "mlp") else {}

    def trained(out, **more):
        torch.manual_seed(0)
        chosen = (
            Masked()
            if name == "masked"
            else nr.networks.choice.network_for(iris.inputs, iris.targets, name, **options).network
        )
        return nr.fit(
            nr.methods.Supervised(chosen), iris, epochs=3, batch_size=16, out=out, progress=False, **more
        )

    reference = trained(None)
    trained(tmp_path / "run", callbacks=[StopAt(8)])
    assert list((tmp_path / "run" / "checkpoints").glob("step-*8.safetensors"))
    resumed = trained(tmp_path / "run", resume=True)
    assert reference.history == resumed.history
    assert difference(dict(reference.network.state_dict()), dict(resumed.network.state_dict())) is None
