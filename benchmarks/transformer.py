"""The decoder beside plain torch: `python benchmarks/transformer.py`. A training step, generation with and without its cache,
memory of attention over 8,192 positions.

step        forward, backward and fused AdamW of 6 blocks, width 384, 6 heads, context 256, GPT-2's form, against the same network
            written by hand with one fused projection for queries, keys and values (as nanoGPT has it). Both start from the same
            weights, and their losses must be equal to 1e-4 before anything is timed. Rounds are interleaved; the table has
            medians, and the median of the ratios in a round, of time and of processor time (which other work disturbs less).
generate    512 tokens, one after the other, the likeliest each: with the cache of keys and values, and by reading the whole text
            again for each. Both must give the same tokens.
memory      the most memory that forward and backward of one attention layer (width 64, 4 heads) over 4,096, 8,192 and 16,384
            positions take: causal, within a window of 256, and, for the shortest, with the scores of all pairs kept; each in a
            process of its own.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.layers import Attention
from neurarium.networks import Decoder

SIZE = {"context": 256, "width": 384, "blocks": 6, "heads": 6}
VOCABULARY = 65


class PlainBlock(nn.Module):
    """A block as it is written by hand."""

    def __init__(self, width: int, heads: int, bias: bool = True):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, bias=bias), nn.LayerNorm(width, bias=bias)
        self.three, self.out = nn.Linear(width, 3 * width, bias), nn.Linear(width, width, bias)
        self.rise, self.fall = nn.Linear(width, 4 * width, bias), nn.Linear(4 * width, width, bias)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        shaped = self.three(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*shaped, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.fall(functional.gelu(self.rise(self.norm2(x))))


class Plain(nn.Module):
    """GPT-2's form, by hand."""

    def __init__(self, vocabulary: int, context: int, width: int, blocks: int, heads: int, bias: bool = True):
        super().__init__()
        self.embed, self.places = nn.Embedding(vocabulary, width), nn.Parameter(torch.zeros(context, width))
        self.blocks = nn.ModuleList(PlainBlock(width, heads, bias) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, bias=bias)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.places[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.embed.weight)


def same_weights(plain: Plain, ours: Decoder) -> None:
    """Give the plain network the weights of ours."""
    with torch.no_grad():
        plain.embed.weight.copy_(ours.embed.weight)
        plain.places.copy_(ours.positions.table)
        plain.norm.load_state_dict(ours.normalize.state_dict())
        for theirs, block in zip(plain.blocks, ours.blocks, strict=True):
            attention, inner = block.attention, block.feed_forward
            three = (attention.query, attention.key, attention.value)
            theirs.three.weight.copy_(torch.cat([each.weight for each in three]))
            if theirs.three.bias is not None:
                theirs.three.bias.copy_(torch.cat([each.bias for each in three]))
            for own, other in (
                (theirs.out, attention.out), (theirs.rise, inner.rise), (theirs.fall, inner.fall),
                (theirs.norm1, block.normalize_attention), (theirs.norm2, block.normalize),
            ):  # fmt: skip
                own.load_state_dict(other.state_dict())


def step(rounds: int, batch: int, precision: str) -> None:
    torch.manual_seed(0)
    ours = Decoder(VOCABULARY, **SIZE)
    plain = Plain(VOCABULARY, **SIZE)
    same_weights(plain, ours)
    tokens = torch.randint(0, VOCABULARY, (batch, SIZE["context"] + 1))
    asked: dict[str, Callable[[Tensor], Tensor]] = {
        "ours": lambda t: ours({"tokens": t}),
        "plain": lambda t: plain(t),
    }
    half = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")

    def loss(name: str) -> Tensor:
        with half:
            logits = asked[name](tokens[:, :-1])
        return functional.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())

    both = [loss(name).item() for name in asked]
    assert abs(both[0] - both[1]) < (1e-4 if precision == "float32" else 1e-2), both
    optimizers = {
        name: torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
        for name, network in (("ours", ours), ("plain", plain))
    }

    def work(name: str) -> tuple[float, float]:
        start, busy = time.perf_counter(), time.process_time()
        optimizers[name].zero_grad(set_to_none=True)
        loss(name).backward()
        optimizers[name].step()
        return time.perf_counter() - start, time.process_time() - busy

    for name in asked:
        work(name)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
    for turn in range(rounds):
        for name in asked if turn % 2 else reversed(asked):
            taken[name].append(work(name))
    for place, what in enumerate(("seconds", "processor seconds")):
        ours_took, plain_took = ([each[place] for each in taken[name]] for name in asked)
        ratio = statistics.median(a / b for a, b in zip(ours_took, plain_took, strict=True))
        print(
            f"step, {precision}, batch {batch}, {what}: ours {statistics.median(ours_took):.3f}, plain "
            f"{statistics.median(plain_took):.3f}, {ratio:.3f} times"
        )


def generate(count: int) -> None:
    torch.manual_seed(0)
    network = Decoder(VOCABULARY, **{**SIZE, "context": count + 8}, positions="rotary").eval()
    prompt = torch.randint(0, VOCABULARY, (1, 8))

    def cached() -> Tensor:
        cache, tokens, new = network.new_cache(1, count + 8), prompt, prompt
        for _ in range(count):
            new = network.advance(new, cache)[:, -1:].argmax(-1)
            tokens = torch.cat([tokens, new], dim=1)
        return tokens

    def whole() -> Tensor:
        tokens = prompt
        for _ in range(count):
            new = network({"tokens": tokens})[:, -1:].argmax(-1)
            tokens = torch.cat([tokens, new], dim=1)
        return tokens

    found, seconds = [], []
    with torch.inference_mode():
        for way in (cached, whole):
            start = time.process_time()
            found.append(way())
            seconds.append(time.process_time() - start)
    assert torch.equal(*found), "the cache gave other tokens"
    print(
        f"generate, {count} tokens, processor seconds: cache {seconds[0]:.2f} s, without {seconds[1]:.2f} s, {seconds[1] / seconds[0]:.1f} times"
        f" faster, the same tokens ({len(found[0].unique())} different ones)"
    )


WAYS = ("nothing", "causal", "window", "scores")
PAIRS = 4096  # positions up to which the scores of all pairs are kept for comparison


def memory(length: int) -> None:
    """Print the peak of each way over that of a process that only holds the inputs."""
    peaks = {}
    for way in WAYS if length <= PAIRS else WAYS[:-1]:
        told = subprocess.run(
            [sys.executable, __file__, "--peak", way, "--length", str(length)],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[way] = float(told.stdout)
    for way in list(peaks)[1:]:
        print(f"memory, {length:,} positions, {way}: {peaks[way] - peaks['nothing']:.0f} MB")


def peak(way: str, length: int) -> None:
    torch.manual_seed(0)
    layer = Attention(64, 4, window=256 if way == "window" else None)
    words = torch.randn(1, length, 64, requires_grad=True)
    if way == "scores":
        near = torch.ones(length, length, dtype=torch.bool).tril()
        (layer.weights(words, mask=near) @ words[:, None]).sum().backward()
    elif way != "nothing":
        layer(words, causal=True).sum().backward()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=["step", "generate", "memory", []], default=[])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--length", type=int, nargs="*", default=[4096, 8192, 16384])
    parser.add_argument("--peak", choices=WAYS)
    chosen = parser.parse_args()
    if chosen.peak:
        return peak(chosen.peak, chosen.length[0])
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    what = chosen.what or ["step", "generate", "memory"]
    if "step" in what:
        step(chosen.rounds, chosen.batch, "float32")
        step(chosen.rounds, chosen.batch, "bfloat16")
    if "generate" in what:
        generate(chosen.tokens)
    if "memory" in what:
        for length in chosen.length:
            memory(length)


if __name__ == "__main__":
    main()
