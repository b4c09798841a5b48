"""Channel attention: the mean over windows by name, in the report; nothing for other networks."""

from __future__ import annotations

import math

import pytest
import torch

import neurarium as nr
from neurarium.report.forecasts import attention_card
from neurarium.studies.examination.channel_attention import channel_attention


@pytest.fixture(scope="module")
def data():
    table = {"t": list(range(160)), "a": [math.sin(n / 3) for n in range(160)]}
    table |= {"b": [math.cos(n / 3) for n in range(160)], "c": [n % 7 for n in range(160)]}
    return nr.data.forecast(table, ("a", "b"), time="t", horizon=4, lookback=12, past=("c",))


def test_channels_and_covariates_stand_there_by_name(data):
    options = {"width": 8, "heads": 2, "blocks": 3}
    run = nr.studies.train(data, "i-transformer", epochs=1, progress=False, options=options, evaluate=False)
    found = channel_attention(run.method, data.test, data.targets, data.inputs)
    assert found["names"][:3] == ["a", "b", "c"] and list(found["blocks"]) == ["1", "3"]
    every = run.network.eval().attention(data.test.take(slice(None))["inputs"])
    for number, rows in found["blocks"].items():
        wanted = every[:, int(number) - 1].mean(dim=(0, 1))[:2]
        torch.testing.assert_close(torch.tensor(rows), wanted, atol=1e-5, rtol=1e-4)
    held = nr.studies.examine(run)["channel attention"]
    assert held == found
    page = attention_card(held)
    assert page.count("<rect") == 2 * 2 * len(found["names"]) and "block 3" in page


def test_networks_of_other_tokens_have_none(data):
    run = nr.studies.train(data, "nlinear", epochs=1, progress=False, evaluate=False)
    assert channel_attention(run.method, data.test, data.targets, data.inputs) == {}
    assert attention_card({}) == ""
