"""Looks: size, channels and rules of a set of images, chosen from the heads of its files, with reasons."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence

import numpy

from neurarium.core.errors import OptionError
from neurarium.core.wording import counted
from neurarium.data.dataset import Decision
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.pictures import Header, Rules, deep_values, usual_levels
from neurarium.data.specs import Image

KEEP_UP_TO, SIDE = (
    256,
    128,
)  # images of one size up to 256 pixels stay; others get a shorter side of at most 128
MEASURED = 64  # deep images whose values are looked at
WAYS = {
    "crop": "the middle of each is cut to the shape and resized",
    "letterbox": "each is resized to fit, with a border",
    "stretch": "each is resized, whatever its proportions",
}


def choose_looks(
    found: Mapping[str, Folder],
    size: int | tuple[int, int] | None,
    channels: int | None,
    rules: Rules,
) -> tuple[Image, Rules, list[Decision]]:
    """Choose what all images become.

    Args:
        found: the files of each part, "train" among them.
        size, channels: what was asked for.
        rules: what was asked for; `levels` are filled in where some images have more than 8 bits.

    Raises:
        OptionError: a size or a number of channels that no image can have.
    """
    heads = [head for folder in found.values() for head in folder.headers]
    (height, width), decisions = _size(found["train"].headers, heads, size, rules)
    if channels not in (None, 1, 3):
        raise OptionError("images have 1 channel (grey) or 3 (colors)", expected="1 or 3", received=channels)
    grey = all(head.grey for head in heads)
    depth = channels or (1 if grey else 3)
    if channels is None:
        colored = sum(not head.grey for head in heads)
        reason = "every image is grey" if grey else f"{colored:,} of {len(heads):,} images have colors"
        decisions.append(Decision("channels", depth, reason, "--set channels="))
    rules, more = _levels(found, rules)
    return Image(depth, height, width), rules, [*decisions, *more, *_odd(heads, rules)]


def _size(
    train: Sequence[Header], heads: Sequence[Header], size: int | tuple[int, int] | None, rules: Rules
) -> tuple[tuple[int, int], list[Decision]]:
    if size is not None:
        chosen = (size, size) if isinstance(size, int) else (size[0], size[1])
        if min(chosen) < 1 or max(chosen) > 10_000:
            raise OptionError("there are no images of such a size", expected="1 to 10000", received=size)
        return chosen, []
    sizes = {(head.height, head.width) for head in heads}
    if len(sizes) == 1 and max(next(iter(sizes))) <= KEEP_UP_TO:
        height, width = next(iter(sizes))
        return (height, width), [Decision("size", f"{height} x {width}", "all images have it", "--set size=")]
    middle = int(statistics.median(min(head.height, head.width) for head in train))
    side = max(1, min(SIDE, middle))
    reason = (
        f"{len(sizes):,} different sizes, the median of the shorter sides is {middle}"
        + (f", and {SIDE} the most that is taken unasked" if middle > SIDE else "")
        + f": {WAYS[rules.aspect]}"
    )
    return (side, side), [Decision("size", f"{side} x {side}", reason, "--set size=, --set aspect=")]


def _levels(found: Mapping[str, Folder], rules: Rules) -> tuple[Rules, list[Decision]]:
    """Choose one range of values for all images of more than 8 bits, so that they stay comparable."""
    deep = [path for folder in found.values() for path in folder.deep]
    if rules.levels is not None:
        if not rules.levels[0] < rules.levels[1]:
            raise OptionError("levels are a lower and a higher value", expected="--set levels=0,4095",
                              received=rules.levels)  # fmt: skip
        return rules, []
    if not deep:
        return rules, []
    values = [deep_values(path) for path in deep[:: -(-len(deep) // MEASURED)]]
    known = [each[numpy.isfinite(each)] for each in values if each is not None]
    known = [each for each in known if each.size]
    if not known:
        return rules, []
    low, high = float(min(each.min() for each in known)), float(max(each.max() for each in known))
    whole = all((each == each.round()).all() for each in known)
    levels = usual_levels(low, high, whole)
    reason = f"{counted(len(deep), 'image')} with more than 8 bits, values from {low:g} to {high:g}"
    choice = f"{levels[0]:g} becomes 0, {levels[1]:g} becomes 255"
    return dataclasses.replace(rules, levels=levels), [Decision("levels", choice, reason, "--set levels=")]


def _odd(heads: Sequence[Header], rules: Rules) -> list[Decision]:
    """What is done with images that are not plain."""
    found = []
    clear = sum(head.clear for head in heads)
    if clear:
        found.append(Decision("transparency", f"over {rules.background}", f"{counted(clear, 'image')} with transparent parts, or room for them",
                              "--set background="))  # fmt: skip
    spaces = sorted({head.mode for head in heads} & {"CMYK", "YCbCr", "LAB", "HSV", "P", "1"})
    if spaces:
        said = {"P": "palette", "1": "black and white"}
        reason = f"some images are {', '.join(said.get(each, each) for each in spaces)}"
        found.append(Decision("color spaces", "converted to those of the rest", reason, "--set channels="))
    turned = sum(head.turned for head in heads)
    if turned:
        reason = f"{counted(turned, 'image')} held another way, as the camera noted"
        found.append(Decision("orientation", "turned upright", reason, "remove the EXIF tag from the files"))
    animated = sum(head.frames for head in heads)
    if animated:
        reason = f"{counted(animated, 'image')} with several pictures"
        found.append(Decision("animation", "the first picture", reason, "give the pictures as files"))
    return found
