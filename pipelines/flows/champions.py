"""Which champions score a night: those that were trained on the very features that it makes."""

from collections.abc import Callable, Container, Mapping, Sequence

from features import identity
from features.errors import HeadwaterError, Problem
from pipelines.workspace.bundles import Champion


def scoring_champions(
    champions: Mapping[str, Champion | None],
    feature_set_hash: str,
    tables: Container[str],
    warn: Callable[[Problem], None],
) -> dict[str, Champion]:
    """The champions that were trained on these very features, and whose tables are all there still.

    Parameters
    ----------
    champions
        Target of the project -> champion, of any features; None where there is none.
    feature_set_hash
        What the features are made by.
    tables
        Names of those that are mapped.
    warn
        Gets a warning for each target that nothing scores.

    Returns
    -------
    dict
        Target -> champion, in the same order; empty only where nothing of `champions` is.

    Raises
    ------
    HeadwaterError
        E525 (exit 5) when every champion was trained on other features, or on other code for them, and E535 when the last
        of them learnt from a table that is not mapped any more.
    """
    for target, champion in champions.items():
        if champion is None:
            warn(Problem("W521", values={"target": target}))
    present = {target: champion for target, champion in champions.items() if champion is not None}
    scoring = {target: champion for target, champion in present.items() if fits(champion, feature_set_hash)}
    gone = {target: _gone(champion, tables) for target, champion in scoring.items()}
    refusals = [refusal(champion, feature_set_hash) for target, champion in present.items() if target not in scoring]
    if refusals and not scoring:
        raise HeadwaterError("E525", **refusals[0])
    for values in refusals:
        warn(Problem("W525", values=values))
    problems = [_without_tables(scoring[target], target, names) for target, names in gone.items() if names]
    if problems and len(problems) == len(scoring):
        raise HeadwaterError("E535", **problems[0].values)
    for problem in problems:
        warn(problem)
    return {target: champion for target, champion in scoring.items() if not gone[target]}


def _without_tables(champion: Champion, target: str, tables: Sequence[str]) -> Problem:
    return Problem("W535", values={"version": champion.version, "target": target, "tables": ", ".join(tables)})


def _gone(champion: Champion, tables: Container[str]) -> list[str]:
    """The tables that a champion was trained with and that are not mapped any more: all of their columns are null now."""
    return [name for name in champion.model.facts_.get("tables", ()) if name not in tables]


def fits(champion: Champion, feature_set_hash: str) -> bool:
    """Was a champion trained on the features that are made today?"""
    return _trained_on(champion) == feature_set_hash


def _trained_on(champion: Champion) -> str | None:
    """The feature-set hash of a champion; None for one that does not say."""
    return champion.model.facts_.get("feature_set_hash")


def refusal(champion: Champion, feature_set_hash: str) -> dict[str, str]:
    """Values for the message; `why` is the key of what to add where the identity of features was made in another way."""
    same = champion.model.facts_.get("identity") == identity.FORMAT
    return {
        "version": champion.version,
        "found": feature_set_hash,
        "expected": str(_trained_on(champion)),
        "target": champion.target,
        "why": "@identity.same" if same else "@identity.earlier",
    }
