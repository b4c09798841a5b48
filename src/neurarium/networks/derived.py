"""What networks are sized by: options that follow from the data, and that no person gives."""

from __future__ import annotations

SIZED = (
    "features",
    "cardinalities",
    "bins",
    "outputs",
    "combination",
    "channels",
    "vocabulary",
    "padding",
    "alphabet",
    "image_height",
    "image_width",
    "texts",
    "images",
    "rate",
    "lookback",
    "horizon",
    "past",
    "future",
    "ids",
    "numbers",
    "rhythms",
)
