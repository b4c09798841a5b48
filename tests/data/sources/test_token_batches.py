"""Windows that begin anywhere: all of the text each epoch, the same when resumed and over ranks."""

import pytest
import torch

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.sources import TokenBatches
from neurarium.data.sources.token_batches import token_batches
from neurarium.data.token_windows import TokenWindows

TEXT = TokenWindows(torch.arange(103, dtype=torch.int32), 8)


def tokens(batches):
    return [batch["inputs"]["tokens"] for batch in batches]


def test_an_epoch_reads_all_of_the_text_from_another_start():
    source = TokenBatches(TEXT, 4, seed=3)
    first, second = tokens(source), tokens(source)
    assert len(first) == len(source) == 4 and source.epoch == 2
    for epoch in (first, second):
        seen = torch.cat(epoch)
        assert len(seen) == 13 and len(set(seen.flatten().tolist())) >= 95
    assert not torch.equal(torch.cat(first), torch.cat(second))
    assert len({int(row[0]) % 8 for row in torch.cat([*first, *second])}) > 1


def test_targets_are_the_next_tokens():
    for batch in TokenBatches(TEXT, 5, seed=0):
        assert torch.equal(batch["targets"], batch["inputs"]["tokens"] + 1)
        assert batch["targets"].dtype == torch.int64


def test_it_goes_on_where_it_stood():
    whole = tokens(TokenBatches(TEXT, 4, seed=1))
    source = TokenBatches(TEXT, 4, seed=1)
    read = iter(source)
    next(read), next(read)
    again = TokenBatches(TEXT, 4, seed=1)
    again.load_state_dict(source.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(tokens(again), whole[2:], strict=True))


def test_ranks_share_each_batch():
    whole = tokens(TokenBatches(TEXT, 5, seed=2))
    parts = [tokens(TokenBatches(TEXT, 5, seed=2, rank=rank, world=2)) for rank in range(2)]
    for number, batch in enumerate(whole):
        assert torch.equal(torch.cat([part[number] for part in parts]), batch)


def test_a_short_text_is_one_window():
    batch = next(iter(TokenBatches(TokenWindows(torch.arange(4, dtype=torch.int32), 8), 2)))
    assert batch["targets"].tolist() == [[1, 2, 3]]


def test_what_does_not_fit_is_refused():
    with pytest.raises(OptionError, match="batch size"):
        TokenBatches(TEXT, 0)
    with pytest.raises(RefusalError, match="augmentation"):
        token_batches(TEXT, 2, 0, {"augment": object()})
