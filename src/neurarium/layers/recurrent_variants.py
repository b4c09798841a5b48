"""Variants of recurrent layers: minGRU and minLSTM by a scan over all steps, LSTMs with layer normalization or a projection.

Each stands in the place of `recurrent.Direction`: `forward`, `read`, `parts`, `width`, `outputs`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from neurarium.layers.linear_recurrence import linear_scan

MINIMAL = {"min-gru": 2, "min-lstm": 3}
GATED = ("layer-norm-lstm", "projected-lstm")


class MinimalDirection(nn.Module):
    """One direction of minGRU or minLSTM: gates see the input alone, so that all steps are computed at once.

    minGRU: h_t = (1 - z_t) h_(t-1) + z_t g(W_h x_t), z = sigmoid(W_z x_t); minLSTM: h_t = f' h_(t-1) + i' g(W_h x_t), with
    f' = f / (f + i), i' = i / (f + i); g(a) = a + 1/2 where a >= 0, else sigmoid(a). What is kept lies between 0 and 1 and
    what is taken in is positive, so that no step cancels or grows, and no logarithms are needed for it to be exact.

    Feng et al. 2024, arXiv:2410.01201, sections 3.1, 3.2 and appendix B; the scan is `linear_scan`.

    >>> MinimalDirection(3, 4, "min-gru")(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 5, 4])
    """

    parts = 1

    def __init__(self, inputs: int, width: int, cell: str, forget_bias: float = 0.0):
        super().__init__()
        self.cell, self.width, self.outputs = cell, width, width
        self.input = nn.Linear(inputs, MINIMAL[cell] * width)
        bound = 1 / math.sqrt(width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        if cell == "min-lstm" and forget_bias:
            with torch.no_grad():
                self.input.bias[:width].fill_(forget_bias)

    def forward(self, sequence: Tensor) -> Tensor:
        """Return the states of all steps: `(batch, length, inputs)` -> `(batch, length, width)`."""
        return self.read(sequence)[0]

    def read(self, sequence: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the states of all steps by the scan, and the last one, `(batch, 1, width)`."""
        keep, take = self.gates(sequence)
        start = None if before is None else before[:, 0].to(take.dtype)
        states = linear_scan(keep, take, start)
        return states, states[:, -1:]

    def gates(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is kept of the state and what is taken in, each `(batch, length, width)`."""
        *gates, new = self.input(sequence).chunk(MINIMAL[self.cell], dim=-1)
        value = torch.where(new >= 0, new + 0.5, new.sigmoid())
        apart = (
            gates[0] if self.cell == "min-gru" else softplus(-gates[0]) - softplus(-gates[1])
        )  # log(i / f), B.2.2
        enter = apart.sigmoid()
        return 1 - enter, enter * value


class GatedDirection(nn.Module):
    """One direction of an LSTM with layer normalization, or with its state projected to fewer numbers.

    layer-norm-lstm: (i, f, g, o) = LN(W x_t) + LN(U h_(t-1)), m_t = f m_(t-1) + i g, h_t = o tanh(LN(m_t)); the bias is that of
    the first norm. projected-lstm: (i, f, g, o) = W x_t + b + U r_(t-1), h_t = o tanh(m_t), r_t = P h_t is the state.

    Ba et al. 2016, arXiv:1607.06450, equations 20 to 22; Sak et al. 2014, arXiv:1402.1128, equations 7 to 12 (without
    peepholes).

    >>> GatedDirection(3, 8, "projected-lstm", projection=2)(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 5, 2])
    """

    parts = 1

    def __init__(self, inputs: int, units: int, cell: str, forget_bias: float = 1.0, projection: int = 0):
        super().__init__()
        normal = cell == "layer-norm-lstm"
        self.cell, self.units, self.outputs = cell, units, projection or units
        self.width = self.outputs + units  # what is carried: the state beside the memory
        self.input = nn.Linear(inputs, 4 * units, bias=not normal)
        self.recurrent = nn.Linear(self.outputs, 4 * units, bias=False)
        self.project = nn.Linear(units, projection, bias=False) if projection else nn.Identity()
        bound = 1 / math.sqrt(units)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        self.of_input, self.of_state, self.of_memory = (
            nn.LayerNorm(size) if normal else nn.Identity() for size in (4 * units, 4 * units, units)
        )
        bias = self.of_input.bias if normal else self.input.bias
        with torch.no_grad():
            bias[units : 2 * units].fill_(forget_bias)  # type: ignore[index]

    def forward(self, sequence: Tensor) -> Tensor:
        """Return the states of all steps: `(batch, length, inputs)` -> `(batch, length, outputs)`."""
        return self.read(sequence)[0]

    def read(self, sequence: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the states of all steps, and state and memory side by side, `(batch, 1, outputs + units)`."""
        said = self.of_input(self.input(sequence))
        carried = said.new_zeros(len(said), self.width) if before is None else before[:, 0].to(said.dtype)
        state, memory = carried.split([self.outputs, self.units], dim=1)
        states = []
        for step in range(said.shape[1]):
            enter, forget, new, leave = (said[:, step] + self.of_state(self.recurrent(state))).chunk(4, dim=1)
            memory = forget.sigmoid() * memory + enter.sigmoid() * new.tanh()
            state = self.project(leave.sigmoid() * self.of_memory(memory).tanh())
            states.append(state)
        return torch.stack(states, dim=1), torch.cat([state, memory], dim=1).unsqueeze(1)
