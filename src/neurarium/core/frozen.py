"""Frozen: a network that is used and never changed: a teacher, a target, a feature extractor."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import ArtifactError


class Frozen(nn.Module):
    """Hold a network in eval mode, without gradients to its weights, bitwise unchanged.

    Gradients still flow *through* it to its inputs. Its state dict holds only a hash of its weights, so that a
    checkpoint of the student does not carry the teacher; loading compares the hash.

    Args:
        network: what is held; its parameters stop asking for gradients.

    Raises:
        ArtifactError: on `load_state_dict`, when the held network is another one than was saved.

    >>> teacher = Frozen(nn.BatchNorm1d(2)).train()
    >>> before = teacher.network.running_mean.clone()
    >>> _ = teacher(torch.randn(8, 2))
    >>> torch.equal(before, teacher.network.running_mean)
    True
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.register_load_state_dict_post_hook(_forgive)

    def forward(self, inputs: Any) -> Any:
        return self.network(inputs)

    def train(self, mode: bool = True) -> Frozen:
        """Stay in eval mode whatever the method around it does."""
        super().train(mode)
        self.network.eval()
        return self

    def fingerprint(self) -> str:
        """Return the SHA-256 of all parameters and buffers."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            if not isinstance(tensor, Tensor):
                continue
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        destination = {} if destination is None else destination
        destination[prefix + "fingerprint"] = self.fingerprint()
        return destination

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing, unexpected, errors):
        held = state_dict.get(prefix + "fingerprint")
        if held is None:
            missing.append(prefix + "fingerprint")
        elif held != self.fingerprint():
            raise ArtifactError(
                "the frozen network is not the one that the checkpoint was made with",
                expected=f"weights with SHA-256 {held[:12]}...",
                received=f"{self.fingerprint()[:12]}...",
                fix="load the same teacher or target weights before resuming",
            )
        self._prefix = prefix


def _forgive(module: Frozen, incompatible: Any) -> None:
    """Take the held network's keys off the list of missing ones: they are not saved on purpose."""
    prefix = getattr(module, "_prefix", "") + "network."
    incompatible.missing_keys[:] = [key for key in incompatible.missing_keys if not key.startswith(prefix)]
