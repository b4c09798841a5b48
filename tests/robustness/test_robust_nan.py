"""NaN and infinity at many sites: stopped within a step, the source named, the last good weights usable."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from injections import AFTER, BATCH, ROWS, At, Site, dataset, method, sites

import neurarium as nr
from neurarium.core.codec import load_tree
from neurarium.core.errors import NotFiniteError, UserError
from neurarium.training.finiteness import first_bad

ROW = 37
SITES = sites()


def spoiled(site: Site) -> Any:
    """Return what puts the value into a training example."""

    def spoil(batch: dict[str, Any]) -> None:
        part = {"an input": "inputs", "a target": "targets", "an example's weight": "weights"}[site.place]
        held = batch[part]["numeric"] if isinstance(batch[part], dict) else batch[part]
        held[ROW].view(-1)[:1].fill_(site.value) if held.ndim > 1 else held[ROW].fill_(site.value)

    return spoil if site.change is None else None


def test_there_are_forty_sites():
    assert len(SITES) >= 40 and len({str(each) for each in SITES}) == len(SITES)


@pytest.mark.parametrize("site", SITES, ids=str)
def test_it_stops_within_a_step_and_names_the_source(site: Site, tmp_path: Path):
    data = dataset(site.network, spoiled(site))
    learner = method(site.network, data, **dict(site.options))
    watch = At(site.change)
    with pytest.raises(NotFiniteError) as raised:
        nr.fit(
            learner,
            data,
            epochs=4,
            batch_size=BATCH,
            progress=False,
            callbacks=[watch],
            out=tmp_path / "run",
            checkpoint_steps=1,
        )
    text = str(raised.value)
    assert site.says in text, text
    assert raised.value.fix
    if site.change is None:
        assert f"example {ROW} of the split" in text and "batch" in text
        assert watch.steps < ROWS // BATCH
    elif not site.late:
        assert watch.steps == AFTER and ("batch 2 of 4 in epoch 2" in text)
    else:
        assert watch.steps <= 2 * ROWS // BATCH  # one step more, or the evaluation at the epoch's end
    if not site.late and not site.place.startswith("the weight "):
        assert first_bad(dict(learner.named_parameters())) is None
    usable(site, tmp_path / "run")


def usable(site: Site, folder: Path) -> None:
    """The newest checkpoint is finite, and gives finite predictions and a finite loss."""
    saved = sorted((folder / "checkpoints").glob("*.safetensors"))
    assert bool(saved) or site.change is None
    clean = dataset(site.network)
    for path in saved[-1:]:
        state = load_tree(path)["method"]
        kept = {
            name.removeprefix("network."): each for name, each in state.items() if name.startswith("network.")
        }
        assert first_bad(kept) is None
        learner = method(site.network, clean)
        learner.network.load_state_dict(kept)
        learner.network.eval()
        with torch.no_grad():
            outputs = learner.network(clean.test[:]["inputs"])
        assert torch.isfinite(outputs).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"learning_rate": math.nan}, "learning"),
        ({"learning_rate": math.inf}, "learning"),
        ({"weight_decay": math.nan}, "weight"),
        ({"loss_options": {"label_smoothing": math.nan}}, "smoothing"),
        ({"clip_norm": math.nan}, "clip"),
        ({"average": math.nan}, "average"),
        ({"warmup": math.nan, "schedule": "cosine"}, "warmup"),
    ],
    ids=lambda value: str(value),
)
def test_an_option_that_is_no_number_is_refused(options, says):
    data = dataset("cnn")
    with pytest.raises(UserError, match=says):
        nr.fit(method("cnn", data, **options), data, epochs=1, batch_size=BATCH, progress=False)


def test_an_augmentation_that_spoils_the_batch_is_named():
    data = dataset("cnn")

    def augment(batch: Any, chance: Any) -> Any:
        return {**batch, "inputs": batch["inputs"] * math.nan}

    learner = method("cnn", data)
    with pytest.raises(NotFiniteError, match="the batch: 'inputs"):
        nr.fit(learner, data, epochs=1, batch_size=BATCH, progress=False, augment=augment)
    assert first_bad(dict(learner.named_parameters())) is None


def test_an_initialization_of_nan_is_named_at_the_first_step():
    data = dataset("mlp")
    learner = method("mlp", data)
    for each in learner.network.parameters():
        torch.nn.init.constant_(each, math.nan)
    with pytest.raises(NotFiniteError, match=r"the weights of the network: '.*' holds nan"):
        nr.fit(learner, data, epochs=1, batch_size=BATCH, progress=False)
