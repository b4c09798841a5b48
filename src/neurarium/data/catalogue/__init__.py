"""The catalogue of public data sets: names, licences, addresses, hashes. Listing it needs neither torch nor a network."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "ENTRIES": Member("entries"),
    "Entry": Member("descriptions"),
    "File": Member("descriptions"),
    "Variant": Member("descriptions"),
    "entry": Member("entries"),
    "status": Member("fetching"),
    "fetch": Member("fetching"),
    "load": Member("loading"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
