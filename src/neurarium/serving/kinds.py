"""Kinds: how the examples of a request are read and answered, by the preparation of the run. Another kind is another row."""

from __future__ import annotations

from typing import Any, NamedTuple

from neurarium.data.preparation.arrays import ArrayPreparation
from neurarium.data.preparation.dense import DensePreparation
from neurarium.data.preparation.forecasting import ForecastPreparation
from neurarium.data.preparation.images import ImagePreparation
from neurarium.data.preparation.language import LanguagePreparation
from neurarium.data.preparation.mixed import MixedPreparation
from neurarium.data.preparation.piano_rolls import PianoRollPreparation
from neurarium.data.preparation.series import SeriesPreparation
from neurarium.data.preparation.sounds import SoundPreparation
from neurarium.data.preparation.tables import TablePreparation
from neurarium.data.preparation.tagged import TaggedPreparation
from neurarium.data.preparation.text_pairs import TextPairPreparation
from neurarium.data.preparation.traces import TracePreparation
from neurarium.serving.columns import Columns
from neurarium.serving.continuations import Continuations, Prompts
from neurarium.serving.histories import Histories, Traces
from neurarium.serving.mixed_rows import MixedRows
from neurarium.serving.pixels import Arrays, Images
from neurarium.serving.records import Records
from neurarium.serving.rows import Rows
from neurarium.serving.scenes import Files, Scenes
from neurarium.serving.series import Rolls, SeriesReader
from neurarium.serving.sounds import Sounds
from neurarium.serving.texts import Sentences, Texts
from neurarium.serving.translations import Translations


class Kind(NamedTuple):
    """How runs of one kind are served.

    Args:
        reader: made from the preparation. `parse(value, place) -> Example` checks one example; `collate(examples) -> (raw,
            errors by place)` puts checked ones together; `schema()` says what an example is (JSON Schema); `blank()` is an
            example without content, or None; `media` is "image" or "audio" where the bytes of a file are an example;
            `alone`: examples are answered one by one, in turns.
        answers: made from the predictor. `answers(raw) -> a list of answers`, JSON objects or `UserError`s; `schema()`; where
            it has them, `begin(values)` answers in steps up to `together` (1) examples, and `rows(value)` is how many places one takes.
    """

    reader: Any
    answers: Any


KINDS: dict[type, Kind] = {
    TablePreparation: Kind(Rows, Columns),
    MixedPreparation: Kind(MixedRows, Columns),
    ImagePreparation: Kind(Images, Columns),
    ArrayPreparation: Kind(Arrays, Columns),
    SeriesPreparation: Kind(SeriesReader, Columns),
    SoundPreparation: Kind(Sounds, Columns),
    DensePreparation: Kind(Files, Scenes),
    PianoRollPreparation: Kind(Rolls, Records),
    ForecastPreparation: Kind(Histories, Records),
    TracePreparation: Kind(Traces, Records),
    TaggedPreparation: Kind(Sentences, Records),
    TextPairPreparation: Kind(Texts, Translations),
    LanguagePreparation: Kind(Prompts, Continuations),
}
