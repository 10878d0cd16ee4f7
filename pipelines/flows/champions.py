"""Which champions score a night: those that were trained on the very features that it makes."""

from collections.abc import Callable, Mapping

from features import identity
from features.errors import HeadwaterError, Problem
from pipelines.workspace.bundles import Champion


def scoring_champions(
    champions: Mapping[str, Champion | None], feature_set_hash: str, warn: Callable[[Problem], None]
) -> dict[str, Champion]:
    """The champions that were trained on these very features.

    Parameters
    ----------
    champions
        Target of the project -> champion, of any features; None where there is none.
    feature_set_hash
        What the features are made by.
    warn
        Gets a warning for each target that nothing scores.

    Returns
    -------
    dict
        Target -> champion, in the same order; empty only where nothing of `champions` is.

    Raises
    ------
    HeadwaterError
        E525 (exit 5) when every champion was trained on other features, or on other code for them.
    """
    for target, champion in champions.items():
        if champion is None:
            warn(Problem("W521", values={"target": target}))
    present = {target: champion for target, champion in champions.items() if champion is not None}
    scoring = {target: champion for target, champion in present.items() if _trained_on(champion) == feature_set_hash}
    refusals = [_refusal(champion, feature_set_hash) for target, champion in present.items() if target not in scoring]
    if refusals and not scoring:
        raise HeadwaterError("E525", **refusals[0])
    for values in refusals:
        warn(Problem("W525", values=values))
    return scoring


def _trained_on(champion: Champion) -> str | None:
    """The feature-set hash of a champion; None for one that does not say."""
    return champion.model.facts_.get("feature_set_hash")


def _refusal(champion: Champion, feature_set_hash: str) -> dict[str, str]:
    """Values for the message; `why` is the key of what to add where the identity of features was made in another way."""
    same = champion.model.facts_.get("identity") == identity.FORMAT
    return {
        "version": champion.version,
        "found": feature_set_hash,
        "expected": str(_trained_on(champion)),
        "target": champion.target,
        "why": "@identity.same" if same else "@identity.earlier",
    }
