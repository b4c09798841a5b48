"""Token windows: every token but the first is predicted once, by what stands before it."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.data.token_windows import TokenWindows


@given(st.integers(2, 60), st.integers(1, 20))
def test_every_token_is_predicted_once(count, length):
    tokens = torch.arange(count, dtype=torch.int32)
    ones, twos = torch.ones(count, dtype=torch.int64), torch.full((count,), 2)
    windows = TokenWindows(tokens, length, ones, twos)
    batch = windows.take(slice(None))
    told = batch["targets"][batch["targets"] >= 0]
    assert told.tolist() == list(range(1, count)) and batch["targets"].shape[1] == length
    assert batch["spans"].sum(dim=0).tolist() == [count - 1, 2 * (count - 1)]
    real = batch["targets"] >= 0
    assert bool((batch["inputs"]["tokens"][real] + 1 == batch["targets"][real]).all())
    assert bool((batch["inputs"]["tokens"] >= 0).all())


def test_windows_share_one_copy_of_the_text():
    windows = TokenWindows(torch.arange(1001, dtype=torch.int32), 10)
    first, second = windows.batch["inputs"]["tokens"], windows.batch["targets"]
    assert first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
