"""Recurrent layers: Elman, LSTM and GRU, one direction or both, over padded sequences with a mask.

The weights lie in two ordinary linear modules per direction, `input` and `recurrent`. Where both are plain, torch's fused
kernel computes with their weights; where one was replaced (quantized, adapted, hooked), or a second derivative may be
needed (`sdpa_kernel(SDPBackend.MATH)`, as for `Attention`), the same equations run step by step and call the modules.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.layers.recurrent_variants import GATED, MINIMAL, GatedDirection, MinimalDirection

Cell = Literal["rnn", "lstm", "gru", "min-gru", "min-lstm", "layer-norm-lstm", "projected-lstm"]
Reset = Literal["after", "before"]
Update = Literal["keep", "take"]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


class Direction(nn.Module):
    """One direction of one recurrent layer; see `Recurrent` for the equations and the options."""

    def __init__(
        self,
        inputs: int,
        width: int,
        cell: Cell,
        activation: str,
        forget_bias: float,
        reset: Reset,
        update: Update,
    ):
        super().__init__()
        self.cell, self.width, self.reset, self.update = cell, width, reset, update
        self.input = nn.Linear(inputs, GATES[cell] * width)
        self.recurrent = nn.Linear(width, GATES[cell] * width)
        self.relu = activation == "relu"
        bound = 1 / math.sqrt(width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        if cell == "lstm" and forget_bias:
            with torch.no_grad():  # of the two biases one is enough
                self.input.bias[width : 2 * width].fill_(forget_bias)
                self.recurrent.bias[width : 2 * width].zero_()

    @property
    def parts(self) -> int:
        """How many vectors are carried from step to step: state and memory of an LSTM, else the state alone."""
        return 2 if self.cell == "lstm" else 1

    def forward(self, sequence: Tensor) -> Tensor:
        """Return the states of all steps: `(batch, length, inputs)` -> `(batch, length, width)`."""
        return self.read(sequence)[0]

    def read(self, sequence: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the states of all steps, and what is carried on behind the last: `(batch, parts, width)`, as `before` is."""
        if before is None:
            before = sequence.new_zeros(len(sequence), self.parts, self.width)
        return self._fused(sequence, before) if self._fuses() else self._stepwise(sequence, before)

    def _fuses(self) -> bool:
        plain = all(
            type(each) is nn.Linear
            and not (each._forward_hooks or each._forward_pre_hooks or each._backward_hooks)
            for each in (self.input, self.recurrent)
        )
        once = (
            torch.backends.cuda.flash_sdp_enabled()
        )  # off where somebody asks for kernels with second derivatives
        return plain and once and not (self.cell == "gru" and self.reset == "before")

    def _fused(self, sequence: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        place = sequence.device.type
        weights = [self.input.weight, self.recurrent.weight, self.input.bias, self.recurrent.bias]
        if not torch.is_autocast_enabled(place):
            return self._kernel(sequence, before, weights)
        kind = torch.get_autocast_dtype(place)  # autocast knows linear layers, not this kernel
        with torch.autocast(place, enabled=False):
            return self._kernel(sequence.to(kind), before.to(kind), [each.to(kind) for each in weights])

    def _kernel(self, sequence: Tensor, before: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        if self.cell == "gru" and self.update == "take":  # 1 - sigmoid(a) = sigmoid(-a)
            sign = weights[0].new_ones(3 * self.width)
            sign[self.width : 2 * self.width] = -1
            weights = [each * (sign.unsqueeze(1) if each.ndim == 2 else sign) for each in weights]
        starts = [each.contiguous()[None] for each in before.unbind(dim=1)]
        last = (
            True,
            1,
            0.0,
            self.training,
            False,
            True,
        )  # biases, layers, dropout, training, both ways, batch first
        if self.cell == "lstm":
            states, *after = torch.lstm(sequence, starts, weights, *last)
        else:
            kernel = torch.gru if self.cell == "gru" else torch.rnn_relu if self.relu else torch.rnn_tanh
            states, *after = kernel(sequence, starts[0], weights, *last)
        return states, torch.cat(after).transpose(0, 1)

    def _stepwise(self, sequence: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        said = self.input(sequence)
        state, memory = before[:, 0].to(said.dtype), before[:, -1].to(said.dtype)
        states = []
        for step in range(said.shape[1]):
            if self.cell == "lstm":
                state, memory = self.lstm_step(said[:, step], state, memory)
            elif self.cell == "gru":
                state = self._gru(said[:, step], state)
            else:
                total = said[:, step] + self.recurrent(state)
                state = torch.relu(total) if self.relu else torch.tanh(total)
            states.append(state)
        carried = [state, memory] if self.cell == "lstm" else [state]
        return torch.stack(states, dim=1), torch.stack(carried, dim=1)

    def lstm_step(self, said: Tensor, state: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return state and memory after one step of an LSTM; `said` is what `input` says of the step."""
        enter, forget, candidate, leave = (said + self.recurrent(state)).chunk(4, dim=1)
        memory = forget.sigmoid() * memory + enter.sigmoid() * candidate.tanh()
        return leave.sigmoid() * memory.tanh(), memory

    def _gru(self, said: Tensor, state: Tensor) -> Tensor:
        reset, update, candidate = said.chunk(3, dim=1)
        own_reset, own_update, own_candidate = self.recurrent(state).chunk(3, dim=1)
        reset, update = (reset + own_reset).sigmoid(), (update + own_update).sigmoid()
        if self.reset == "before":  # the candidate's third of the product, of another state
            own_candidate = self.recurrent(reset * state).chunk(3, dim=1)[2]
            new = (candidate + own_candidate).tanh()
        else:
            new = (candidate + reset * own_candidate).tanh()
        kept = update if self.update == "keep" else 1 - update
        return kept * state + (1 - kept) * new


@recorded
class Recurrent(nn.Module):
    """Recurrent layers, stacked, in one direction or both.

    Elman: h_t = tanh(W x_t + b + U h_(t-1) + c).

    LSTM: i, f, o = sigmoid(W x_t + b + U h_(t-1) + c) each with weights of its own, g = tanh(of the same kind),
    m_t = f m_(t-1) + i g, h_t = o tanh(m_t). Rows of the weights: i, f, g, o.

    GRU: r, z = sigmoid(...); n = tanh(W_n x_t + b_n + r (U_n h_(t-1) + c_n)) with reset="after" the product, or
    n = tanh(W_n x_t + b_n + U_n (r h_(t-1)) + c_n) with reset="before" it; h_t = z h_(t-1) + (1 - z) n with
    update="keep" (torch's kernel, Cho et al.), or h_t = (1 - z) h_(t-1) + z n with update="take" (Chung et al.). Rows: r,
    z, n. One turns into the other by negating the rows of z in W, U, b and c, because 1 - sigmoid(a) = sigmoid(-a).

    Args:
        inputs: numbers per step.
        width: numbers of a state.
        cell: "rnn", "lstm" or "gru"; "min-gru", "min-lstm", "layer-norm-lstm", "projected-lstm": see `recurrent_variants`.
        layers: how many, one on the other.
        bidirectional: a second direction, from the last real step to the first; the states stand side by side.
        dropout: between layers, in training.
        activation: of the Elman network: "tanh" or "relu".
        forget_bias: where the LSTM's forget bias starts (Jozefowicz et al. 2015); 0 leaves it to chance.
        reset, update: the conventions of the GRU.
        projection: of "projected-lstm": numbers of its state; half of the width where 0.

    `forward`: `(batch, length, inputs)` and a mask `(batch, length)`, real steps first -> `(batch, length,
    directions * width)`; states behind the last real step are zero, and padding changes nothing.

    Raises:
        OptionError: no such cell, activation or convention; no layer.

    Elman 1990; Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; Cho et al. 2014,
    arXiv:1406.1078, equations 5 to 8; Chung et al. 2014, arXiv:1412.3555.

    >>> states = Recurrent(3, 4, "gru", bidirectional=True)(torch.zeros(2, 5, 3), torch.ones(2, 5, dtype=torch.bool))
    >>> states.shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        cell: Cell = "lstm",
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        activation: str = "tanh",
        forget_bias: float = 1.0,
        reset: Reset = "after",
        update: Update = "keep",
        projection: int = 0,
    ):
        super().__init__()
        _require("cell", cell, (*GATES, *MINIMAL, *GATED))
        _require("activation", activation, ("tanh", "relu"))
        _require("reset", reset, ("after", "before"))
        _require("update", update, ("keep", "take"))
        if layers < 1 or width < 1:
            raise OptionError("a recurrent network is too small", expected="1 layer and 1 number or more",
                              received=f"layers={layers}, width={width}")  # fmt: skip
        if projection and cell != "projected-lstm":
            raise OptionError(f"the cell '{cell}' has no projection", received=f"projection={projection}",
                              fix="cell=projected-lstm")  # fmt: skip
        ways = 2 if bidirectional else 1
        states = (projection or max(width // 2, 1)) if cell == "projected-lstm" else width
        sizes = [inputs, *[ways * states] * (layers - 1)]

        def direction(size: int) -> nn.Module:
            if cell in MINIMAL:
                return MinimalDirection(size, width, cell, forget_bias)
            if cell in GATED:
                return GatedDirection(size, width, cell, forget_bias, states if states != width else 0)
            return Direction(size, width, cell, activation, forget_bias, reset, update)

        self.forwards = nn.ModuleList(direction(size) for size in sizes)
        self.backwards = nn.ModuleList(direction(size) for size in sizes) if bidirectional else None
        self.dropouts = nn.ModuleList(nn.Dropout(dropout) for _ in sizes[1:])
        self.outputs = ways * states

    def forward(self, sequence: Tensor, mask: Tensor) -> Tensor:
        real = mask.unsqueeze(-1).to(sequence.dtype)
        turned = _mirrored(mask)
        for number, direction in enumerate(self.forwards):
            if number:
                sequence = self.dropouts[number - 1](sequence)
            states = direction(sequence)
            if self.backwards is not None:
                other = _taken(self.backwards[number](_taken(sequence, turned)), turned)
                states = torch.cat([states, other], dim=-1)
            sequence = states * real.to(states.dtype)
        return sequence

    def read(self, sequence: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Read on from what was carried; all steps are real, and there is one direction.

        Args:
            sequence: `(batch, length, inputs)`.
            before: `(batch, layers, parts, width)`, zeros at the beginning; an LSTM has two parts, state and memory.

        Returns:
            The states `(batch, length, width)`, and what is carried on.

        Raises:
            RefusalError: the second direction would have to read what comes later.
        """
        if self.backwards is not None:
            raise RefusalError(
                "layers of both directions cannot read on: the second begins at the end",
                fix="bidirectional=false",
            )
        carried = []
        for number, direction in enumerate(self.forwards):
            if number:
                sequence = self.dropouts[number - 1](sequence)
            sequence, after = direction.read(sequence, before[:, number])  # type: ignore[operator]
            carried.append(after)
        return sequence, torch.stack(carried, dim=1)

    def new_state(self, batch: int) -> Tensor:
        """Return an empty state for `read`: zeros `(batch, layers, parts, width)`."""
        first: Any = self.forwards[0]
        like = next(first.parameters())
        return like.new_zeros(batch, len(self.forwards), first.parts, first.width)

    def last(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the state after the last real step, of the second direction after the first: `(batch, outputs)`."""
        count = mask.sum(dim=1)
        final = _taken(states, (count - 1).clamp(min=0)[:, None])[:, 0]
        if self.backwards is None:
            return final
        half = self.outputs // 2
        return torch.cat([final[:, :half], states[:, 0, half:]], dim=1)


def _mirrored(mask: Tensor) -> Tensor:
    """Return the places of a sequence read from its last real step to its first; padding stays where it is."""
    place = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, mask.sum(dim=1, keepdim=True) - 1 - place, place)


def _taken(sequence: Tensor, places: Tensor) -> Tensor:
    return sequence.gather(1, places.unsqueeze(-1).expand(-1, -1, sequence.shape[-1]))


def _require(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise OptionError(f"there is no such {option}", expected=" or ".join(known), received=value)
