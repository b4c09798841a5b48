import json

import pytest

from neurarium.data.preparation.dense_targets import BoxTarget, MaskTarget
from neurarium.data.preparation.label_sets import LabelSets
from neurarium.data.preparation.several_targets import SeveralTargets
from neurarium.data.preparation.stored_targets import target_from_json
from neurarium.data.preparation.targets import Labels, Quantities
from neurarium.data.preparation.transcripts import Transcripts

LABELS = Labels("y", ("a", "b"))
QUANTITIES = Quantities(("y", "z"), ("plain", "percent"), (1.0, 2.0), (3.0, 4.0))
SETS = LabelSets(("tags",), ("red", "large"), ";")


@pytest.mark.parametrize(
    "target",
    [
        LABELS,
        QUANTITIES,
        SETS,
        SeveralTargets((LABELS, QUANTITIES, SETS)),
        MaskTarget(("sky", "sea"), (0, 7), (255,), 32, 48),
        BoxTarget(("cat",), 5, 32, 48),
        Transcripts("said", ("a", "b", " "), 30),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_file_keeps_every_kind(target):
    assert target_from_json(json.loads(json.dumps(target.to_json()))) == target
