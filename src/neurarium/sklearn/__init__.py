"""scikit-learn: any network as a classifier or regressor of scikit-learn, for its pipelines and searches."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "Classifier": Member("estimators", "classifier", "any network as a classifier of scikit-learn", "03"),
    "Regressor": Member("estimators", "regressor", "any network as a regressor of scikit-learn", "03"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
