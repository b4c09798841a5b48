"""Generation: a language model goes on with a text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.display import Displayed
from neurarium.core.errors import DataError, OptionError, RefusalError
from neurarium.core.seeds import generator
from neurarium.data.preparation.language import LanguagePreparation
from neurarium.data.specs import NextToken, Text
from neurarium.studies.decoding.beam_search import Beams, searching
from neurarium.studies.decoding.continuation import Continuation
from neurarium.studies.decoding.sampling import Sampling
from neurarium.studies.prediction.learner import evaluating, learner_of
from neurarium.training.run import Run


@dataclasses.dataclass
class Generation(Displayed):
    """What a language model wrote.

    Args:
        prompt: what it went on with.
        text: what it wrote.
        tokens: how many tokens that are.
        ended: "length", "end" where the model ended the text, or "stop" where a text came that it was to stop before.
        context: how many tokens it sees at once; None for any number.
        slid: how often its context was full, and only the newer half of it was kept.
        unseen: the characters of the prompt that it does not know.
        score: of a beam search, the mean log p of a token.
    """

    prompt: str
    text: str
    tokens: int
    ended: str
    context: int | None
    slid: int = 0
    unseen: str = ""
    score: float | None = None

    def __str__(self) -> str:
        return self.prompt + self.text

    def __repr__(self) -> str:
        return str(self)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def generate(
    run: Run,
    prompt: str = "",
    *,
    tokens: int = 200,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop: Sequence[str] = (),
    seed: int = 0,
    beam: int | None = None,
    cached: bool = True,
    write: Callable[[str], Any] | None = None,
) -> Generation:
    """Go on with a text.

    Args:
        run: a trained language model.
        prompt: the beginning; where it is empty, a new line, or a new text where the model has learned where texts begin.
        tokens: how many to write at most; a model that was trained on several texts may end before.
        temperature, top_k, top_p, repetition_penalty: see `Sampling`; a temperature of 0 takes the likeliest token each time.
        stop: texts before the first of which it ends, whatever their tokens are.
        seed: of the draws.
        beam: search for the likeliest text instead, with so many beginnings at once (see `search_beams`); text has then little
            variety.
        cached: False computes everything again for each token: the same text, more slowly.
        write: called with each piece of text as soon as it is known.

    Raises:
        RefusalError: the run is no language model.
        OptionError: options outside of their range, or of drawing and of searching together.

    >>> import neurarium as nr
    >>> data = nr.data.language(["to be or not to be " * 40], context=16)
    >>> run = nr.studies.train(data, "decoder", options={"width": "16", "blocks": "1", "heads": "2"}, epochs=1, progress=False)
    >>> len(nr.studies.generate(run, "to be", tokens=7).text)
    7
    """
    steps = writing(
        run,
        prompt,
        tokens=tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=repetition_penalty,
        stop=stop,
        seed=seed,
        beam=beam,
        cached=cached,
    )
    with evaluating(learner_of(run)):
        while True:
            try:
                piece = next(steps)
            except StopIteration as end:
                return end.value
            if piece and write is not None:
                write(piece)


def writing(
    run: Run, prompt: str = "", *, tokens: int = 200, temperature: float = 0.8, top_k: int | None = None,
    top_p: float | None = None, repetition_penalty: float = 1.0, stop: Sequence[str] = (), seed: int = 0,
    beam: int | None = None, cached: bool = True,
) -> Generator[str, None, Generation]:  # fmt: skip
    """Go on with a text as `generate` does, and pause after each piece, which is empty while a search goes on.

    Several of one run may be written in turns: each has its own draws, keys and values. The caller puts the network in eval
    mode, without gradients.

    Raises:
        RefusalError, OptionError: as `generate`, at the first piece.
    """
    preparation = preparation_of(run)
    if tokens < 1:
        raise OptionError(
            "there is nothing to write", expected="1 token or more", received=tokens, fix="--tokens 200"
        )
    sampling = Sampling(temperature, top_k, top_p, repetition_penalty)
    stops = _stops(stop)
    drawn = {"top_k": top_k, "top_p": top_p, "repetition_penalty": None if repetition_penalty == 1 else repetition_penalty,
             "stop": stops or None}  # fmt: skip
    given = {name: value for name, value in drawn.items() if value is not None}
    if beam is not None and (beam < 1 or given):
        raise OptionError(
            "a beam search keeps 1 beginning or more, and draws nothing",
            expected="--beam N alone",
            received=", ".join(f"{name}={value}" for name, value in {"beam": beam, **given}.items()),
            fix="leave out " + (" and ".join(f"--{name.replace('_', '-')}" for name in given) or "--beam"),
        )
    begun, unseen = _begun(preparation, prompt)
    network: Any = learner_of(run).deployed
    context = getattr(network, "context", None if hasattr(network, "new_cache") else preparation.length)
    told = Generation(prompt, "", 0, "length", context, unseen=unseen)
    text = Continuation(
        network, begun, context=context, rows=beam or 1, cached=cached, longest=len(begun) + tokens
    )
    if beam is not None:
        return (yield from _searched(told, text, preparation, tokens, beam))
    pieces = []
    codes = _drawn(told, text, preparation, tokens, sampling, generator(seed, "generation"), begun)
    for piece in _until(_spelled(codes, preparation), stops, told):
        pieces.append(piece)
        yield piece
    told.text, told.slid = "".join(pieces), text.slid
    return told


def preparation_of(run: Run) -> LanguagePreparation:
    """Return what turns texts into tokens and back.

    Raises:
        RefusalError: the run is no language model.
    """
    if isinstance(run.targets, NextToken) and isinstance(run.preparation, LanguagePreparation):
        return run.preparation
    raise RefusalError(
        f"{run.folder or 'the run'} is no language model: it predicts {type(run.targets).__name__}",
        expected="a run of --task language-model",
        received=type(run.targets).__name__,
        fix=f"neurarium {'translate' if isinstance(run.targets, Text) else 'predict'} {run.folder or 'RUN'}",
    )


def _begun(preparation: LanguagePreparation, prompt: str) -> tuple[list[int], str]:
    """Return the tokens to go on from, and the characters of the prompt that are unknown."""
    codes = preparation.encode(prompt)
    if prompt and not codes:
        raise DataError("the prompt holds no token", expected="at least one word", received=repr(prompt))
    if not codes and not preparation.ends:
        codes = preparation.encode("\n")
    unknown = preparation.unknown
    unseen = (
        "".join(dict.fromkeys(each for each in prompt if unknown in preparation.encode(each)))
        if unknown in codes
        else ""
    )
    opening = preparation.tokenizer.prefix if preparation.opened else []
    return [*opening, *codes] or [preparation.end], unseen


def _barred(logits: Tensor, preparation: LanguagePreparation) -> Tensor:
    """Leave out what is no text: the unknown token, and an end that was never learned."""
    barred = preparation.barred
    if barred:
        logits = logits.clone()
        logits[..., barred] = -torch.inf
    return logits


def _drawn(
    told: Generation, text: Continuation, preparation: LanguagePreparation, tokens: int, sampling: Sampling,
    chance: torch.Generator, begun: list[int],
) -> Iterator[int]:  # fmt: skip
    used = torch.zeros(text.logits.shape[-1], dtype=torch.bool, device=text.logits.device)
    used[begun] = True
    for number in range(tokens):
        chosen = sampling.choose(_barred(text.logits, preparation), chance, used)
        code = int(chosen)
        used[code] = True
        if code == preparation.end:
            told.ended = "end"
            return
        told.tokens += 1
        yield code
        if number < tokens - 1:
            text.read(chosen)


def _stops(stop: Sequence[str]) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    if "" in stops:
        raise OptionError(
            "an empty text stops everything",
            expected="at least one character",
            received=repr(""),
            fix="leave out --stop",
        )
    return stops


def _until(pieces: Iterator[str], stops: tuple[str, ...], told: Generation) -> Iterator[str]:
    """Yield text up to the first of the texts that stop it; what may be the beginning of one waits for what follows."""
    if not stops:
        yield from pieces
        return
    held = ""
    for piece in pieces:
        held += piece
        found = [held.index(each) for each in stops if each in held]
        if found:
            told.ended = "stop"
            yield held[: min(found)]
            return
        begun = max(
            (size for each in stops for size in range(1, len(each)) if held.endswith(each[:size])), default=0
        )
        yield held[: len(held) - begun]
        held = held[len(held) - begun :]
    yield held


def _spelled(codes: Iterator[int], preparation: LanguagePreparation) -> Iterator[str]:
    """Yield text as soon as it is certain: bytes of a character wait for the last of them."""
    held: list[int] = []
    shown = ""
    for code in codes:
        held.append(code)
        said = preparation.tokenizer.decode(held)
        if preparation.exact and said.endswith("\ufffd") and len(held) < 8:
            continue
        yield said[len(shown) :] if said.startswith(shown) else said
        held, shown = ([], "") if preparation.exact else (held, said)
    if held and preparation.exact:
        yield preparation.tokenizer.decode(held)


def _searched(
    told: Generation, text: Continuation, preparation: LanguagePreparation, tokens: int, beam: int
) -> Generator[str, None, Generation]:
    """Fill in the likeliest text that a beam search finds."""
    vocabulary, end = text.logits.shape[-1], preparation.end
    unwritten = [code for code in preparation.barred if code != end]
    begun = [False]

    def step(latest: Tensor, state: Continuation) -> Tensor:
        logits = state.read(latest) if begun[0] else state.logits  # the prompt is read already
        begun[0] = True
        found = torch.cat([logits, logits.new_full((len(logits), 1), -torch.inf)], dim=1)
        found[:, unwritten] = -torch.inf
        if not preparation.ends:  # an end that was never learned comes last of all
            found[:, end] = logits.amin(dim=1) - 60.0
        return found

    search = searching(
        step, text, 1, begin=vocabulary, padding=vocabulary, end=end, longest=tokens + 1, width=beam,
        device=text.logits.device,
    )  # fmt: skip
    found = yield from _silent(search)
    codes = [code for code in found.tokens[0, 0].tolist() if code != vocabulary]
    told.text, told.tokens, told.slid = preparation.decode(codes), len(codes), text.slid
    told.ended = "end" if len(codes) < tokens else "length"
    told.score = float(found.scores[0, 0])
    yield told.text
    return told


def _silent(search: Generator[None, None, Beams]) -> Generator[str, None, Beams]:
    """Pause with nothing to say while a search goes on."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value
        yield ""
