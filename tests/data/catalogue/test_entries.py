"""The catalogue says what it must of every set, and listing it loads nothing heavy."""

import subprocess
import sys

import pytest

from neurarium.core.errors import OptionError
from neurarium.data.catalogue.entries import ENTRIES, entry

WANTED = {
    "digits", "iris", "wine", "breast-cancer", "diabetes", "mnist", "fashion-mnist", "adult", "california-housing",
    "uci-boston", "uci-concrete", "uci-energy", "uci-kin8nm", "uci-naval", "uci-power", "uci-protein", "uci-wine-red",
    "uci-yacht", "cifar10", "hymenoptera", "usps",
}  # fmt: skip


# Their publisher has folders only, which every archive of them packs in another way: they are put there by hand.
PACKED = {"free-spoken-digits", "spoken-digit-strings", "nab"}


def test_the_sets_are_there():
    assert set(ENTRIES) >= WANTED


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_is_complete(name):
    found = ENTRIES[name]
    assert found.name == name == name.lower().replace("_", "-")
    assert found.summary and found.licence and found.citation and found.home.startswith("http")
    known = (
        "classification",
        "regression",
        "language",
        "forecast",
        "translation",
        "frames",
        "transcription",
        "anomaly",
        "tagging",
    )
    assert found.task in known
    assert found.variants
    for variant in found.variants:
        assert ":" in variant.read
        for file in variant.files:
            assert variant.tree or file.sha256 or file.md5
            assert all(address.startswith(("https://", "http://")) for address in file.addresses)
            assert {len(file.sha256), len(file.md5), len(variant.tree)} <= {0, 32, 64}
    if not found.embedded:
        assert name in PACKED or all(file.addresses for file in found.variants[0].files), (
            "the first variant is the one to download"
        )
        assert name in PACKED or found.to_json()["addresses"]


def test_names_forgive_case_and_underscores():
    assert entry("California_Housing").name == "california-housing"
    with pytest.raises(OptionError, match="did you mean 'fashion-mnist'"):
        entry("fashionmnist")


def test_listing_needs_no_torch():
    code = (
        "import sys; from neurarium.data.catalogue import ENTRIES, status; "
        "[status(name) for name in ENTRIES]; print('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
