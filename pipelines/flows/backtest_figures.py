"""Every figure of a backtest, one a row: by origin and over all of them, of everybody and of groups."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from models.evaluation import judging, pooling, promises
from models.evaluation.judging import Outcome
from models.evaluation.metrics import Array
from models.targets.registry import TARGETS
from models.training import Trained
from pipelines.delivery.backtest_data import Champion

FIGURES = pa.schema(
    [
        ("dataset", pa.string()),
        ("target", pa.string()),
        ("as_of", pa.date32()),
        ("window", pa.string()),
        ("group", pa.string()),
        ("model", pa.string()),
        ("chosen", pa.bool_()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
    ]
)
"""A row per figure. `window` says what it is a figure of:

judged     one origin: the candidates on the date that chose nothing; of groups and promises the chosen one
lead       one origin, or all where `as_of` is null: how much better the chosen one is than the rule, more is better
pooled     all origins together, `as_of` is null: the candidates, and `chosen`, whichever that was at each of them
rehearsed  all dates together on which candidates were chosen before that
told       one date, by a model that had not seen it: the share of each feature in what moves its scores
followed   one origin: the rows of its date and later ones, as far as they are known (right-censored): Brier scores of the time to
           the event, and who had left by each horizon, `kaplan_meier` standing for what happened
champion   what training found of the model that is in force, and of the rule beside it, at its own date

`group` is null for everybody; `top=1%` are those with the highest predictions, `tenth=1` those with the smallest,
`region=north` a group, `early` those who had no high bill yet, `untouched` those whom no campaign with a control treated, `feature=arpu_3m` a feature.
`promised` and `observed` are means of the prediction and of what happened. Null bounds are not known."""


def figures(
    name: str, results: Sequence[Trained], champions: Mapping[str, Champion], resamples: int, seed: int
) -> pa.Table:
    """Every figure of a backtest in the schema `FIGURES`.

    Parameters
    ----------
    name
        Of the project.
    results
        By origin and target.
    champions
        Target -> what is in force.
    resamples, seed
        Of the intervals.
    """
    parts = [part for trained in results for part in _origin(trained, resamples, seed)]
    for target, origins in by_target(results).items():
        parts += _together(origins, resamples, seed)
        if target in champions:
            parts.append(_champion(target, champions[target]))
    table = pd.concat([_filled(part) for part in parts], ignore_index=True).assign(dataset=name)
    return pa.Table.from_pandas(table, FIGURES, preserve_index=False).replace_schema_metadata(None)


def by_target(results: Sequence[Trained]) -> dict[str, list[Trained]]:
    """Target -> its origins, oldest first, in the order of the results."""
    found: dict[str, list[Trained]] = {}
    for trained in results:
        found.setdefault(trained.target, []).append(trained)
    return found


def _filled(part: pd.DataFrame) -> pd.DataFrame:
    """With every column of the schema, absent ones null."""
    return part.reindex(columns=FIGURES.names).astype(
        {"n": "Int64", "group": object, "as_of": object, "chosen": "boolean"}
    )


def _origin(trained: Trained, resamples: int, seed: int) -> Iterator[pd.DataFrame]:
    """One target at one origin: everybody, groups, promises, the band by tenth, the lead, rehearsals, importance."""
    outcome, score = told(trained)
    winner, about = trained.winner, {"target": trained.target, "as_of": trained.split.final}
    weights = judging.resamples(outcome.customers, resamples, seed)
    slices = judging.by_slice(outcome, score, trained.sliced, weights=weights)
    slices = slices.assign(group=slices["slice"] + "=" + slices["level"], model=winner)
    kept = promises.promises([(outcome, score)], resamples, seed)
    judged = [trained.metrics, slices, _promised(kept).assign(model=winner)]
    if len(trained.tenths):
        judged.append(trained.tenths.assign(group="tenth=" + trained.tenths["tenth"].astype(str), model=winner))
    if len(trained.apart):
        judged.append(trained.apart.assign(group=TARGETS[trained.target].apart_group))
    for part in judged:
        yield part.assign(**about, window="judged", chosen=part["model"] == winner)
    if len(trained.survival):
        yield trained.survival.assign(**about, window="followed", chosen=trained.survival["model"] == winner)
    yield trained.differences.assign(**about, window="lead", model=winner, chosen=True, n=len(outcome.y))
    yield trained.choice.assign(**about, window="rehearsed", chosen=trained.choice["model"] == winner)
    if len(trained.importances):
        shares = trained.importances.rename(columns={"share": "value"}).assign(metric="importance", model=winner)
        shares["group"] = "feature=" + shares["feature"]
        yield shares.assign(target=trained.target, window="told", chosen=True)


def told(trained: Trained, model: str | None = None) -> tuple[Outcome, Array]:
    """What happened on the judged date, and what the chosen candidate, or another, said of it."""
    final = trained.final
    y, value = (final[name].to_numpy(dtype=float) for name in ("y", "value"))
    outcome = Outcome(TARGETS[trained.target].task, y, value, final["customer_id"].to_numpy())
    return outcome, final[model or trained.winner].to_numpy(dtype=float)


def _promised(kept: pd.DataFrame) -> pd.DataFrame:
    """Two rows per part: what was promised, and what was observed with its interval."""
    kept = kept.assign(group=kept["group"].where(kept["group"] != promises.EVERYBODY, None))
    said = kept[["group", "n"]].assign(metric="promised", value=kept["promised"], low=np.nan, high=np.nan)
    seen = kept[["group", "low", "high", "n"]].assign(metric="observed", value=kept["observed"])
    return pd.concat([said, seen], ignore_index=True)


def _together(origins: Sequence[Trained], resamples: int, seed: int) -> list[pd.DataFrame]:
    """All origins of a target; nothing where there is one only, which is told already."""
    if len(origins) < 2:
        return []
    windows, judged_by = [told(trained) for trained in origins], origins[-1].judged_by
    common = [name for name in origins[-1].candidates if all(name in trained.final for trained in origins)]
    scores = {name: [told(trained, name)[1] for trained in origins] for name in common}
    scores |= {pooling.CHOSEN: [score for _, score in windows]}
    pooled = pooling.pooled([outcome for outcome, _ in windows], scores, resamples, seed)
    kept = _promised(promises.promises(windows, resamples, seed)).assign(model=pooling.CHOSEN)
    pairs = [(outcome, score, told(t, "rule")[1]) for (outcome, score), t in zip(windows, origins, strict=True)]
    lead = pd.DataFrame(
        [vars(pooling.lead(pairs, judged_by, resamples, seed)) | {"n": sum(len(o.y) for o, _ in windows)}]
    )
    about: dict[str, object] = {"target": origins[-1].target}
    return [
        *(part.assign(**about, window="pooled", chosen=part["model"] == pooling.CHOSEN) for part in (pooled, kept)),
        lead.assign(**about, window="lead", model=pooling.CHOSEN, metric=judged_by, chosen=True),
    ]


def _champion(target: str, champion: Champion) -> pd.DataFrame:
    """The record of what is in force: its own figures and those of the rule."""
    facts = champion.facts
    known = pd.DataFrame(facts["metrics"])
    known = known[known["model"].isin([facts["winner"], "rule"])]
    day = date.fromisoformat(facts["dates"]["final"])
    return known.assign(target=target, as_of=day, window="champion", chosen=known["model"] == facts["winner"])
