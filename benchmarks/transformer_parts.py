"""What 1 / sqrt(d) and positions are for (chapter 15): `python benchmarks/transformer_parts.py`. No data, under a minute.

scores      queries and keys of d standard normal numbers, 64 keys each: the largest attention weight, and the size of the gradient
            that reaches the scores, with the division by sqrt(d) and without.
order       which of two marks comes first in a sequence of 12 tokens? A transformer of one block, for each kind of positions, on
            1,000 sequences that it has not seen. Without positions nothing but chance is possible: the mean of a bag is the same.
"""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from neurarium.networks import Transformer

KEYS, LENGTH = 64, 12


def scores() -> None:
    print(
        "| d | largest weight, divided | not divided | gradient, divided | not divided |\n|---|---|---|---|---|"
    )
    for dim in (16, 64, 256, 1024):
        chance = torch.Generator().manual_seed(dim)
        query, keys = (
            torch.randn(2000, 1, dim, generator=chance),
            torch.randn(2000, KEYS, dim, generator=chance),
        )
        row = []
        for divisor in (dim**0.5, 1.0):
            found = ((query * keys).sum(-1) / divisor).requires_grad_(True)
            weights = found.softmax(-1)
            (weights * torch.randn(weights.shape, generator=chance)).sum().backward()
            row.append((weights.max(-1).values.mean().item(), found.grad.norm(dim=-1).median().item()))
        print(f"| {dim:,} | {row[0][0]:.3f} | {row[1][0]:.3f} | {row[0][1]:.3f} | {row[1][1]:.1e} |")


def sequences(count: int, seed: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Draw sequences of fillers with the marks 1 and 2 in them once, and whether 1 comes first."""
    chance = torch.Generator().manual_seed(seed)
    tokens = torch.randint(3, 20, (count, LENGTH), generator=chance)
    places = torch.rand(count, LENGTH, generator=chance).argsort(1)[:, :2]
    tokens.scatter_(1, places, torch.tensor([[1, 2]]).expand(count, -1))
    return {"tokens": tokens, "mask": torch.ones_like(tokens, dtype=torch.bool)}, (
        places[:, 0] < places[:, 1]
    ).float()


def order() -> None:
    inputs, truth = sequences(1000, 1)
    print("| positions | accuracy on unseen sequences |\n|---|---|")
    for positions in ("none", "sinusoidal", "learned", "rotary"):
        torch.manual_seed(0)
        network = Transformer(
            1, 20, longest=LENGTH, width=32, blocks=1, positions=positions, pooling="mean", dropout=0.0
        )
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
        for turn in range(600):
            batch, wanted = sequences(64, 100 + turn)
            optimizer.zero_grad()
            binary_cross_entropy_with_logits(network(batch).squeeze(1), wanted).backward()
            optimizer.step()
        with torch.no_grad():
            right = ((network.eval()(inputs).squeeze(1) > 0) == (truth > 0.5)).float().mean().item()
        print(f"| {positions} | {right:.3f} |")


if __name__ == "__main__":
    scores()
    print()
    order()
