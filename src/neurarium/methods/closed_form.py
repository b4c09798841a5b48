"""ClosedForm: a method that solves instead of descending, in one step over all training examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from neurarium.core.errors import OptionError
from neurarium.data.sources.whole import Whole
from neurarium.training.method import Method


class ClosedForm(Method):
    """What all solutions share: one step, one pass, no rate, no optimizer.

    Subclasses take `**descent`, hand it to `refuse`, and say in `step` how all training examples are solved for.
    """

    closed_form: ClassVar[bool] = True
    shardable: ClassVar[bool] = False

    @staticmethod
    def refuse(descent: Mapping[str, Any], penalties: tuple[float, ...], known: str) -> None:
        """Refuse options of a descent and penalties that are none.

        Raises:
            OptionError: some option of a descent, no penalty, or one that is not above 0.
        """
        if descent:
            raise OptionError(
                "a closed form does not descend", expected=known, received=", ".join(descent),
                fix="leave that out, or train with --method supervised",
            )  # fmt: skip
        if not penalties or min(penalties) <= 0:
            raise OptionError("a penalty is too small", expected="numbers above 0", received=penalties)

    def source(self, examples: Any, *, batch_size: int, seed: int, **options: Any) -> Whole:
        """Return all examples as one batch."""
        if options.get("augment") is not None:
            raise OptionError(
                "a closed form sees each example once", received="--augment", fix="leave it out"
            )
        return Whole(examples, device=options.get("device"))
