"""Sources: anything that yields batches and knows where it stands."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Minibatches": Member("minibatches", summary="shuffled minibatches of a split"),
    "Buckets": Member("buckets", summary="sequences of like lengths in one batch, padding cut", chapter="15"),
    "Whole": Member("whole", summary="the whole split as one batch, for closed-form learners"),
    "Stream": Member("stream", summary="batches from a function of the step: episodes, replay, simulations"),
    "TokenBatches": Member(
        "token_batches", summary="windows of a long text that begin anywhere", chapter="15"
    ),
    "TokenStreams": Member(
        "token_streams", summary="a long text read on, for networks that remember", chapter="10b"
    ),
    "Source": Member("source", summary="the contract: iterable, state_dict, load_state_dict"),
}
__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
