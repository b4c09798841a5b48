"""Serving: a trained run behind HTTP, its requests checked by the specs and answered in batches."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "Predictor": Member("predictor", summary="a run that answers many small questions at once"),
    "Settings": Member("settings", summary="where and within which limits a run is served"),
    "asgi": Member("application", summary="a run as an ASGI application"),
    "Server": Member("server", summary="a run at an address, to be run and stopped from Python"),
    "serve": Member("server", summary="serve a run until SIGTERM"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
