"""Frozen: a network that is used and never changed: a teacher, a target, a feature extractor."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import ArtifactError, OptionError


class Frozen(nn.Module):
    """Hold a network in eval mode, without gradients to its weights, bitwise unchanged.

    Gradients still flow *through* it to its inputs. Its state dict holds only a hash of its weights, so that a
    checkpoint of the student does not carry the teacher; loading compares the hash. A target network, which follows
    another one, is `carried`: its weights are in the state dict like any other's.

    Args:
        network: what is held; its parameters stop asking for gradients.
        carried: whether the state dict holds the weights themselves; needed where `follow` changes them.

    Raises:
        ArtifactError: on `load_state_dict`, when the held network is another one than was saved.

    >>> teacher = Frozen(nn.BatchNorm1d(2)).train()
    >>> before = teacher.network.running_mean.clone()
    >>> _ = teacher(torch.randn(8, 2))
    >>> torch.equal(before, teacher.network.running_mean)
    True
    """

    def __init__(self, network: nn.Module, *, carried: bool = False):
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.network.zero_grad(set_to_none=True)  # what is left of its own training would only fill memory
        self.carried = carried
        self.register_load_state_dict_post_hook(_forgive)

    def forward(self, inputs: Any) -> Any:
        return self.network(inputs)

    def train(self, mode: bool = True) -> Frozen:
        """Stay in eval mode whatever the method around it does."""
        super().train(mode)
        self.network.eval()
        return self

    @torch.no_grad()
    def follow(self, network: nn.Module, share: float = 1.0) -> None:
        r"""Move the held weights toward another network's: :math:`w \leftarrow (1 - share) \, w + share \, v`.

        Buffers (running statistics, counters) are copied.

        Raises:
            OptionError: the weights are not carried, so that a resumed run would not find them.
        """
        if not self.carried:
            raise OptionError(
                "a frozen network that follows another one is carried", fix="Frozen(net, carried=True)"
            )
        for mine, weight in zip(self.network.parameters(), network.parameters(), strict=True):
            value = weight.full_tensor() if hasattr(weight, "full_tensor") else weight  # sharded over ranks
            mine.lerp_(value.detach(), share)
        for held, other in zip(self.network.buffers(), network.buffers(), strict=True):
            held.copy_(other)

    def fingerprint(self) -> str:
        """Return the SHA-256 of all parameters and buffers."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            if not isinstance(tensor, Tensor):
                continue
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def compare(self, held: str | None) -> None:
        """Raise an ArtifactError unless a saved fingerprint is that of the held network."""
        if held is not None and held != self.fingerprint():
            raise ArtifactError(
                "the frozen network is not the one that the checkpoint was made with",
                expected=f"weights with SHA-256 {held[:12]}...",
                received=f"{self.fingerprint()[:12]}...",
                fix="load the same teacher or target weights before resuming",
            )

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        if self.carried:
            return super().state_dict(*args, destination=destination, prefix=prefix, keep_vars=keep_vars)
        destination = {} if destination is None else destination
        destination[prefix + "fingerprint"] = self.fingerprint()
        return destination

    def _load_from_state_dict(self, state_dict, prefix, *others):
        self._prefix = prefix
        if self.carried:
            super()._load_from_state_dict(state_dict, prefix, *others)
            return
        held = state_dict.get(prefix + "fingerprint")
        if held is None:
            missing = others[2]
            missing.append(prefix + "fingerprint")
        self.compare(held)


def _forgive(module: Frozen, incompatible: Any) -> None:
    """Take the held network's keys off the list of missing ones: they are not saved on purpose."""
    if module.carried:
        return
    prefix = getattr(module, "_prefix", "") + "network."
    incompatible.missing_keys[:] = [key for key in incompatible.missing_keys if not key.startswith(prefix)]
