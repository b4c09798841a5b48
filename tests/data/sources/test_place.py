"""The parts of a batch: together they are all of it, and each is nearly as large."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from neurarium.data.sources.place import place_of, share_of


@given(st.integers(0, 100), st.integers(1, 9))
def test_parts_are_all_and_even(size, world):
    parts = [share_of(size, rank, world) for rank in range(world)]
    assert parts[0][0] == 0 and parts[-1][1] == size
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert max(high - low for low, high in parts) - min(high - low for low, high in parts) <= 1


def test_without_other_processes_it_is_the_only_one():
    assert place_of() == (0, 1) and place_of(2, 3) == (2, 3)
