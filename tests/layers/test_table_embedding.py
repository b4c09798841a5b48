"""A row of numbers and categories as one vector."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.layers.table_embedding import TableEmbedding

ROW = {"numeric": torch.tensor([[0.5, -1.0]]), "categorical": torch.tensor([[2, 70, 1]])}


def test_plain_numbers_and_one_hot_categories_stand_side_by_side():
    layer = TableEmbedding(2, (3, 100, 2), dim=4)
    found = layer(ROW)[0]
    assert found[:5].tolist() == [0.5, -1.0, 0.0, 1.0, 1.0]
    assert torch.equal(found[5:], layer.categorical.table.weight[70])
    assert layer.chunks == (1, 1, 2, 1, 4)
    assert layer.feature_dim == 9


@pytest.mark.parametrize(
    "embedding", ["linear", "periodic", "periodic-lite", "periodic-biased", "piecewise-linear"]
)
def test_embedded_numbers_have_their_width(embedding):
    layer = TableEmbedding(2, (3, 100, 2), embedding, dim=4, category_dim=6)
    assert layer.chunks == (4, 4, 2, 1, 6)
    assert layer(ROW).shape == (1, 17)
    assert not torch.equal(layer(ROW), layer({**ROW, "numeric": ROW["numeric"] + 1}))


def test_tensors_are_flattened():
    inputs = torch.randn(3, 2, 2)
    assert torch.equal(TableEmbedding(4)(inputs), inputs.flatten(1))


def test_a_column_that_training_saw_in_one_way_alone_takes_no_place():
    layer = TableEmbedding(1, (1,))
    assert layer(
        {"numeric": torch.ones(2, 1), "categorical": torch.zeros(2, 1, dtype=torch.int64)}
    ).shape == (2, 1)


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="no column"):
        TableEmbedding(0)
    with pytest.raises(OptionError, match="did you mean 'periodic'"):
        TableEmbedding(2, embedding="periodc")
    layer = TableEmbedding(2, (3,))
    for wrong in (
        {"numeric": torch.zeros(1, 2)},
        {"numeric": torch.zeros(1, 3), "categorical": torch.zeros(1, 1).long()},
    ):
        with pytest.raises(ShapeError, match="2 numbers and 1 categories"):
            layer(wrong)
