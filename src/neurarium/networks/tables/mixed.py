"""MixedNetwork: numbers, categories, texts and images of one row, each through a trunk of its own, joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.members import find
from neurarium.core.options import coerce
from neurarium.core.recipe import recorded
from neurarium.data.specs import Mixed, Spec
from neurarium.layers.dropout import Dropout
from neurarium.layers.embeddings import PiecewiseLinearEncoding
from neurarium.networks.sizing import Distribution, check, columns, elementwise, head_outputs


@recorded
class MixedNetwork(nn.Module):
    """A trunk per part of a row; what they say, normalized, side by side, through one layer to the head.

    H_p = LN_p(trunk_p(x_p)) for each part p; Z = W g(V [H_1; H_2; ...] + c) + b

    Args:
        outputs: how many numbers are predicted.
        features, cardinalities, bins: of the table part, as for `MLP`; without columns it has no trunk.
        texts: (key, vocabulary, padding) of each text.
        images: (key, channels) of each image.
        table_trunk, text_trunk, image_trunk: the names of the trunks: any network for such inputs with `features` and a `head`.
        table_options, text_options, image_options: their options, as `widths=64,64;dropout=0.1`.
        width: numbers of the joint layer.
        dropout: the probability that a number of the joint layer is set to zero in training.
        activation: g.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: the flat dict of a `Mixed` spec -> `(batch, outputs)`.

    Raises:
        OptionError: no part at all, or a trunk that is none.

    >>> network = MixedNetwork(2, features=3, texts=(("text_note", 50, 0),))
    >>> tokens = torch.zeros(5, 7, dtype=torch.int64)
    >>> network({"numeric": torch.zeros(5, 3), "text_note_tokens": tokens, "text_note_mask": tokens != 0}).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        outputs: int,
        features: int = 0,
        cardinalities: tuple[int, ...] = (),
        bins: tuple[int, ...] = (),
        texts: tuple[tuple[str, int, int], ...] = (),
        images: tuple[tuple[str, int], ...] = (),
        table_trunk: str = "mlp",
        text_trunk: str = "text-bag",
        image_trunk: str = "cnn",
        table_options: str = "",
        text_options: str = "",
        image_options: str = "",
        width: int = 256,
        dropout: float = 0.1,
        activation: str = "relu",
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        self.trunks = nn.ModuleDict()
        if features or cardinalities:
            usual = {"embedding": "piecewise-linear"} if table_trunk == "mlp" else {}
            sizes = {"features": features, "cardinalities": cardinalities, "bins": bins}
            self.trunks["table"] = _trunk(table_trunk, usual | _read(table_options), sizes)
        for key, vocabulary, padding in texts:
            sizes = {"vocabulary": vocabulary, "padding": padding}
            self.trunks[key] = _trunk(text_trunk, _read(text_options), sizes)
        for key, channels in images:
            self.trunks[key] = _trunk(image_trunk, _read(image_options), {"channels": channels})
        if not self.trunks:
            raise OptionError(
                "the inputs have no column", expected="at least one number, text or image per row"
            )
        self.texts = tuple(key for key, *_ in texts)
        self.normalize = nn.ModuleDict(
            {key: nn.LayerNorm(each.feature_dim) for key, each in self.trunks.items()}
        )  # type: ignore[arg-type]
        widths: list[int] = [each.feature_dim for each in self.trunks.values()]  # type: ignore[misc]
        self.join = nn.Linear(sum(widths), width)
        self.activate = elementwise(activation)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = width
        self.head = nn.Linear(width, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> MixedNetwork:
        """Size the network to a dataset's specs (Mixed -> Classes or Quantity)."""
        check("mixed", inputs, targets, options, (Mixed,))
        mixed: Any = inputs
        network = cls(
            targets.outputs,  # type: ignore[attr-defined]
            **columns(mixed.table),
            texts=tuple((key, each.vocabulary, each.padding) for key, each in mixed.texts),
            images=tuple((key, each.channels) for key, each in mixed.images),
            **options,
        )
        if mixed.table.edges:
            for module in network.modules():
                if isinstance(module, PiecewiseLinearEncoding):
                    module.set_edges(mixed.table.edges)
        return network

    def part(self, key: str, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what the trunk of one part says, normalized, `(batch, its feature_dim)`."""
        if key == "table":
            own: Any = {name: inputs[name] for name in ("numeric", "categorical") if name in inputs}
        elif key in self.texts:
            own = {name: inputs[f"{key}_{name}"] for name in ("tokens", "mask")}
        else:
            own = inputs[key]
        found = self.trunks[key].features(own)  # type: ignore[operator]
        return self.normalize[key](
            found.mean(dim=1) if found.ndim == 3 else found
        )  # a mean over TabM's members

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the joint layer, `(batch, feature_dim)`."""
        parts = torch.cat([self.part(key, inputs) for key in self.trunks], dim=1)
        return self.dropout(self.activate(self.join(parts)))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


def _trunk(name: str, options: Mapping[str, Any], sizes: Mapping[str, Any]) -> nn.Module:
    """Build a network of one part, and take its head off."""
    builder = find("network", name)
    values = coerce(builder, dict(options), what=f"trunk '{name}'")
    try:
        trunk = builder(outputs=1, **sizes, **values)
    except TypeError as error:
        raise OptionError(
            f"the network '{name}' is no trunk for such a part",
            expected=f"a network that is sized by {', '.join(sizes)}",
            received=name,
            fix="leave the choice of the trunk out",
        ) from error
    if not hasattr(trunk, "features") or not hasattr(trunk, "feature_dim"):
        raise OptionError(f"the network '{name}' is no trunk", expected="one with features", received=name)
    trunk.head = nn.Identity()
    return trunk


def _read(options: str) -> dict[str, str]:
    """Read `widths=64,64;dropout=0.1`."""
    pairs = [each.partition("=") for each in options.split(";") if each.strip()]
    if not all(mark for _, mark, _ in pairs):
        raise OptionError(
            "options of a trunk are given as key=value", expected="widths=64,64;dropout=0.1", received=options
        )
    return {key.strip(): value.strip() for key, _, value in pairs}
