"""BERT: a transformer encoder of texts in the layout of published weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec, Tokens
from neurarium.layers.dropout import Dropout
from neurarium.layers.feed_forward import inner_width
from neurarium.layers.positions import LearnedPositions
from neurarium.layers.transformer_block import TransformerBlock
from neurarium.networks.sizing import Distribution, check, elementwise, head_outputs


@recorded
class BERT(nn.Module):
    """An encoder whose first token is read out, as published weights have it.

    x = N(e_token + p_place + t_type); each block x = N(x + Attention(x)), x = N(x + W_2 g(W_1 x + b_1) + b_2); Z = W q(P
    x_1 + c) + b, where x_1 is the token in front that the published tokenizer puts there ([CLS]), and P, c, q the pooler

    Args:
        outputs: how many numbers are predicted.
        vocabulary, padding: of the tokens.
        longest: the longest text, in tokens.
        width, blocks, heads: numbers per token, blocks, and heads of their attention.
        expansion: of a block's inner layer, as a multiple of the width.
        token_types: kinds of tokens (first and second text of a pair); 0 for none.
        dropout: on embedded tokens, attention weights, branches, and before the last layer.
        activation: g.
        pooler: q.
        epsilon: of the norms.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `{"tokens", "mask"}`, with `"types"` `(batch, length)` int64 for pairs -> `(batch, outputs)`. Padding
    changes nothing.

    Raises:
        OptionError: heads that do not divide the width.
        ShapeError: a text longer than the positions.

    Devlin et al. 2019, arXiv:1810.04805, section 3; post-norm as in arXiv:1706.03762.

    >>> tokens = torch.tensor([[2, 5, 3, 0], [0, 0, 0, 0]])
    >>> BERT(3, 10, width=8, heads=2, blocks=1)({"tokens": tokens, "mask": tokens != 0}).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        outputs: int,
        vocabulary: int,
        padding: int = 0,
        longest: int = 512,
        width: int = 256,
        blocks: int = 4,
        heads: int = 4,
        expansion: float = 4.0,
        token_types: int = 2,
        dropout: float = 0.1,
        activation: str = "gelu",
        pooler: str = "tanh",
        epsilon: float = 1e-12,
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        self.entry = BERTEntry(vocabulary, padding, longest, token_types, width, dropout, epsilon)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                width, heads, inner_width(width, expansion, activation), activation, dropout, "post",
                epsilon=epsilon, inner_dropout=0.0,
            )
            for _ in range(blocks)
        )  # fmt: skip
        self.feature_dim = width
        self.head = nn.Sequential(
            nn.Linear(width, width),
            elementwise(pooler),
            Dropout(dropout) if dropout else nn.Identity(),
            nn.Linear(width, head_outputs(outputs, distribution)),
        )
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> BERT:
        """Size the network to a dataset's specs (Tokens -> Classes or Quantity)."""
        check("bert", inputs, targets, options, (Tokens,))
        longest = int(options.get("longest", 512))
        if inputs.length > longest:  # type: ignore[attr-defined]
            raise OptionError(
                "the texts are longer than the network has positions for",
                expected=f"{longest} tokens at most",
                received=inputs.length,  # type: ignore[attr-defined]
                fix=f"--set length={longest}: longer texts are cut",
            )
        return cls(targets.outputs, inputs.vocabulary, inputs.padding, **options)  # type: ignore[attr-defined]

    def states(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the last state of every token, `(batch, length, width)`."""
        x = self.entry(inputs)
        for block in self.blocks:
            x = block(x, padding=inputs["mask"])
        return x

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the last state of the first token, `(batch, feature_dim)`."""
        return self.states(inputs)[:, 0]

    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the weights of every block, `(batch, blocks, heads, queries, keys)`."""
        x, found = self.entry(inputs), []
        for block in self.blocks:
            found.append(block.weights(x, padding=inputs["mask"]))  # type: ignore[operator]
            x = block(x, padding=inputs["mask"])
        return torch.stack(found, dim=1)

    def token_weights(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how much the first token looks at each in the last block, `(batch, length)`: the mean over heads."""
        return self.attention(inputs)[:, -1, :, 0].mean(dim=1)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


class BERTEntry(nn.Module):
    """Tokens, their places and their types, added and normalized."""

    def __init__(
        self,
        vocabulary: int,
        padding: int,
        longest: int,
        types: int,
        width: int,
        dropout: float,
        epsilon: float,
    ):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width, padding_idx=padding)
        self.positions = LearnedPositions(width, longest)
        self.types = nn.Embedding(types, width) if types else None
        self.normalize = nn.LayerNorm(width, eps=epsilon)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        tokens = inputs["tokens"]
        x = self.positions(self.embed(tokens))
        if self.types is not None:
            kinds = inputs["types"] if "types" in inputs else torch.zeros_like(tokens)
            x = x + self.types(kinds)
        return self.dropout(self.normalize(x))
