"""Data: what is learned from. Readers of tables, images and arrays, splits, preparation, the catalogue of public sets."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "table": Member(
        "assembly.tables", "table", "rows of numbers and categories from CSV, Parquet, frames, arrays", "03"
    ),
    "images": Member("assembly.images", "images", "images from a folder per class, idx or npz files", "03"),
    "texts": Member("assembly.text_folders", "texts", "texts from a folder per class, a file each", "15"),
    "language": Member(
        "assembly.language",
        "language",
        "text for language models: a file, a folder, a column of a table",
        "15",
    ),
    "tagged": Member("assembly.tagged", "tagged", "sentences whose words have tags, CoNLL or lists", "10b"),
    "text_pairs": Member(
        "assembly.text_pairs",
        "text-pairs",
        "texts and their translations or summaries, from two files or a table",
        "13",
    ),
    "masks": Member("assembly.masks", "masks", "images with a class for each pixel, in two folders", "10a"),
    "boxes": Member(
        "assembly.boxes", "boxes", "images with boxes around things, by a COCO file or a CSV", "10a"
    ),
    "series": Member(
        "assembly.series", "series", "labelled time series from .ts files, tables, arrays", "21"
    ),
    "forecast": Member(
        "assembly.forecasting",
        "forecast",
        "windows of series and what comes next, from a table with times",
        "21",
    ),
    "traces": Member("assembly.traces", "traces", "long series that are watched for what is odd", "21"),
    "arrays": Member("assembly.arrays", "arrays", "arrays and tensors in memory", "03"),
    "sounds": Member(
        "assembly.sounds",
        "sounds",
        "recordings: a folder per class, names with labels, a table of paths",
        "21",
    ),
    "load": Member("catalogue.loading", "load", "a public data set by name", "03"),
    "fetch": Member("catalogue.fetching", "fetch", "find or download the files of a public data set", "03"),
    "Dataset": Member("dataset"),
    "Decision": Member("dataset"),
    "Preparation": Member("dataset"),
    "Examples": Member("examples"),
    "FileExamples": Member("examples"),
    "Spec": Member("specs"),
    "spec_from_json": Member("specs"),
    "Array": Member("specs"),
    "Table": Member("specs"),
    "Image": Member("specs"),
    "Tokens": Member("specs"),
    "Words": Member("specs"),
    "Series": Member("specs"),
    "Window": Member("specs"),
    "Horizon": Member("specs"),
    "Windows": Member("windows"),
    "Classes": Member("specs"),
    "Quantity": Member("specs"),
    "Mask": Member("specs"),
    "Tags": Member("specs"),
    "Frames": Member("specs"),
    "Boxes": Member("specs"),
    "NextToken": Member("specs"),
    "Text": Member("specs"),
    "Waveform": Member("specs"),
    "Transcript": Member("specs"),
    "Unlabeled": Member("specs"),
    "TablePreparation": Member("preparation.tables"),
    "ImagePreparation": Member("preparation.images"),
    "TextPairPreparation": Member("preparation.text_pairs"),
    "DensePreparation": Member("preparation.dense"),
    "PianoRollPreparation": Member("preparation.piano_rolls"),
    "TaggedPreparation": Member("preparation.tagged"),
    "ForecastPreparation": Member("preparation.forecasting"),
    "ArrayPreparation": Member("preparation.arrays"),
    "Expectation": Member("specs"),
    "TracePreparation": Member("preparation.traces"),
    "SeriesPreparation": Member("preparation.series"),
    "SoundPreparation": Member("preparation.sounds"),
    "load_preparation": Member("preparation.loading"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
