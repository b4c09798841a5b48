"""Streams: each row of a batch goes on where the row of the batch before ended."""

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data.sources import TokenStreams
from neurarium.data.token_windows import TokenWindows

TEXT = TokenWindows(torch.arange(61, dtype=torch.int32), 7)


def test_rows_read_on():
    batches = list(TokenStreams(TEXT, 3))
    rows = torch.cat([batch["inputs"]["tokens"] for batch in batches], dim=1)
    assert rows.tolist() == [list(range(row * 20, row * 20 + 20)) for row in range(3)]
    told = torch.cat([batch["targets"] for batch in batches], dim=1)
    assert torch.equal(told, rows + 1) and [batch["targets"].shape[1] for batch in batches] == [7, 7, 6]


def test_memory_belongs_to_its_state_and_ends_with_the_epoch():
    source = TokenStreams(TEXT, 3)
    read = iter(source)
    next(read)
    source.memory = torch.full((3, 1), 5.0)
    again = TokenStreams(TEXT, 3)
    again.load_state_dict(source.state_dict())
    assert again.memory.tolist() == [[5.0]] * 3
    assert next(iter(again))["inputs"]["tokens"][:, 0].tolist() == [7, 27, 47]
    list(read)
    assert source.memory is None and source.epoch == 1


def test_ranks_have_streams_of_their_own():
    parts = [next(iter(TokenStreams(TEXT, 3, rank=rank, world=2)))["inputs"]["tokens"] for rank in range(2)]
    whole = next(iter(TokenStreams(TEXT, 3)))["inputs"]["tokens"]
    assert torch.equal(torch.cat(parts), whole)


def test_a_short_text_has_fewer_streams():
    assert len(next(iter(TokenStreams(TEXT, 500)))["targets"]) == 8
    with pytest.raises(OptionError, match="too short for so many processes"):
        TokenStreams(TokenWindows(torch.arange(8, dtype=torch.int32), 7), 4, rank=0, world=2)
