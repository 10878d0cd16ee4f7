"""From files to a model, whatever its target: the one loader that scoring and notebooks use."""

from collections.abc import Mapping
from importlib import import_module

from lightgbm.basic import LightGBMError

from features.errors import HeadwaterError
from models.estimators import cross_fitted
from models.estimators.estimator import Estimator, Model
from models.estimators.packing import MAIN, kind
from models.targets.registry import TARGETS


def estimator_class(target: str) -> type[Estimator]:
    """The class of a target's models."""
    module, name = TARGETS[target].estimator
    found: type[Estimator] = getattr(import_module(module), name)
    return found


def from_files(files: Mapping[str, str]) -> Model:
    """The model that `to_files` wrote, bit for bit; compare the sha256 of the files first.

    Raises E513 for foreign, missing or unreadable files, E512 for other features than the model's.
    """
    try:
        return _loaded(files)
    except (ValueError, TypeError, LookupError, AttributeError, LightGBMError) as error:
        detail = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise HeadwaterError("E513", file=MAIN, reason=detail) from error


def _loaded(files: Mapping[str, str]) -> Model:
    """The same; what these files say may be anything, and fail in any way that a document can."""
    target = kind(files)
    if target == cross_fitted.KIND:
        return cross_fitted.CrossFitted.from_files(files, from_files)
    if target not in TARGETS:
        raise HeadwaterError("E513", file=MAIN, reason=f"kind {target}")
    return estimator_class(target).from_files(files)
