"""Scores of some customers: everything that they have by themselves. The score table is made chunk by chunk, in two passes.

`Scorer.score` needs nothing but the rows of its chunk and can run anywhere; what needs everybody is in `second_pass`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.build import closure
from features.definition import Feature
from features.errors import HeadwaterError
from models.evaluation.night_gates import WATCHED
from models.scores import flags
from models.scores.reasons import reasons
from models.scores.score_column import CURVE, REASONS
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from models.targets.target import Target
from models.targets.vip import HighValue
from pipelines.config.settings import Settings
from pipelines.workspace.bundles import Champion
from targeting import holdout, suppression, tiers

MONTH_DAYS = 30.4375
CURVES = {target.name: target.curve for target in TARGETS.values() if target.curve}
REASONED = tuple(target for target in TARGETS.values() if target.reasons)
SHOWN = (
    *("customer_type", "group_size", "region", "arpu_3m", "arpu_ratio_3m", "lifecycle_stage", "lifecycle_direction"),
    *("tenure_days", "tenure_months", "complaint_count_90d", "complaints_open", "contract_days_left", "overdue_amount"),
)
"""Features that the score table is made from, whatever models learn from."""


@dataclass(frozen=True)
class Scorer:
    """What a chunk is scored with. Raises HeadwaterError E521 (exit 5) without any champion.

    Attributes
    ----------
    as_of
        The date that is scored.
    champions
        The model of each target; a target without one has null scores.
    features
        Of the project, in the order of its catalogue.
    feature_set_hash
        What the features are made by; stands in each row.
    settings
        The project's.
    currency
        ISO code of all money; stands in each row.
    peers
        Column -> the usual value of a feature, as text.
    """

    as_of: date
    champions: Mapping[str, Champion]
    features: tuple[Feature, ...]
    feature_set_hash: str
    settings: Settings
    currency: str
    peers: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.champions:
            raise HeadwaterError("E521")

    def score(self, seen: pd.DataFrame) -> pa.Table:
        """Rows of the score table but for bands, trend and action, with helping columns that begin with `_`.

        `seen` holds the features, `FACTS` of features/blocks/permissions.py, and `worth`, `threshold`,
        `high_value_now` and `vip_early`. Customers with too little history have no model outputs, only a status that says so.
        """
        least = self.settings.population.min_history_days
        enough = seen["tenure_days"].to_numpy(dtype=float) >= least if least else np.ones(len(seen), dtype=bool)
        frame = _identity(self, seen, enough)
        known = seen[enough]
        outputs, curves = _predictions(known, self.champions, self.settings)
        frame = _mask_unasked(frame.join(outputs, how="left"), seen)
        frame = frame.assign(vip_early=_early(frame, seen))
        high_value = targets_of(self.champions, self.settings).vip.high_value
        frame = _with_amounts(frame, seen, self.settings)
        frame = _with_tiers(frame, seen, self.settings, high_value, margin_of(self.champions))
        frame = _with_contact_status(frame, seen, self)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.append_column("data_quality_flags", flags.flags(seen))
        places = np.where(enough, np.cumsum(enough) - 1, -1)
        for name, curve in curves.items():
            table = table.append_column(name, _take_or_null(curve, places))
        for target in REASONED:
            scored_places = np.where(frame[target.published].isna(), -1, places)
            table = table.append_column(
                target.reasons_column, _take_or_null(self.reasons(target, known), scored_places)
            )
        return table

    def reasons(self, target: Target, known: pd.DataFrame) -> pa.ListArray:
        """Why each customer has the score; null where no model scores this target."""
        champion = self.champions.get(target.name)
        if champion is None:
            return pa.nulls(len(known), REASONS)
        return reasons(champion.model, known, self.features, self.peers)


def _take_or_null(values: pa.Array, places: np.ndarray) -> pa.Array:
    """`values` at these places; null where a place is below 0."""
    rows = pa.array(places)
    return values.take(pc.if_else(pc.greater_equal(rows, 0), rows, pa.scalar(None, pa.int64())))


def features_needed(features: Sequence[Feature], champions: Mapping[str, Champion]) -> list[Feature]:
    """What the champions learnt from, what the score table shows and flags, and all that these are made from; the rest is not built."""
    learnt = [champion.model.facts_.get("features") for champion in champions.values()]
    if not learnt or None in learnt:
        return list(features)
    columns = {*SHOWN, *flags.READ}.union(*(names for names in learnt if names))
    return closure(features, [feature for feature in features if feature.column in columns])


def targets_of(champions: Mapping[str, Champion], settings: Settings) -> TargetSettings:
    """The targets that the champions were trained for: the high-value amount does not drift with later data.

    Where no champion scores potential VIPs another one tells the amount: it was fixed for all targets at once.
    """
    champion = champions.get("vip") or next(iter(champions.values()))
    return TargetSettings.model_validate(champion.model.facts_.get("targets") or settings.targets.model_dump())


def margin_of(champions: Mapping[str, Champion]) -> float:
    """The share of what is billed that the money of the scores is, as the champion of value was trained: 1 is revenue."""
    champion = champions.get("value")
    known = champion.model.facts_.get("targets") if champion else None
    return float(known["value"].get("margin", 1.0)) if known else 1.0  # before there were margins it was revenue


def _identity(scorer: Scorer, wide: pd.DataFrame, enough: np.ndarray) -> pd.DataFrame:
    """Keys, profile, status and versions: everything that needs no model."""
    frame = pd.DataFrame(
        {
            "customer_id": wide["customer_id"],
            "account_id": wide["account_id"],
            "as_of": wide["as_of"],
            "customer_type": wide["customer_type"],
            "group_size": wide["group_size"],
            "region": wide["region"],
            "currency": scorer.currency,
            "score_status": np.where(enough, "ok", "insufficient_history"),
            "arpu_3m": wide["arpu_3m"],
            "arpu_trend_pct": 100.0 * (wide["arpu_ratio_3m"] - 1.0),
            "is_high_value_now": wide["high_value_now"],
            "lifecycle_stage": wide["lifecycle_stage"],
            "lifecycle_direction": wide["lifecycle_direction"],
            "tenure_months": wide["tenure_months"].astype("Int16"),
            "complaints_90d": wide["complaint_count_90d"].astype("Int16"),
            "complaints_open": wide["complaints_open"].astype("Int16"),
            "overdue_amount": wide["overdue_amount"],
            "last_contact_on": wide["last_contact_on"],
            "consent": wide["consent"].astype("boolean"),
            "contract_end_date": _contract_end(wide),
            "feature_set_hash": scorer.feature_set_hash,
        }
    )
    versions = {target: champion.version for target, champion in scorer.champions.items()}
    return frame.assign(**{target.version_column: versions.get(name) for name, target in TARGETS.items()})


def _contract_end(wide: pd.DataFrame) -> pd.Series:
    ends = pd.to_datetime(wide["as_of"]) + pd.to_timedelta(wide["contract_days_left"], unit="D")
    return ends.dt.date.where(ends.notna(), None)


def _predictions(
    wide: pd.DataFrame, champions: Mapping[str, Champion], settings: Settings
) -> tuple[pd.DataFrame, dict[str, pa.ListArray]]:
    """Every model's outputs under the names of the score table, same index as `wide`; and the curves by their column.

    What belongs to a target without a champion is null.
    """
    frame = pd.DataFrame(index=wide.index)
    outputs = {target: champion.model.outputs(wide) for target, champion in champions.items()}
    for name, target in TARGETS.items():
        days = settings.targets.of(name).horizon_days if name in outputs and _is_dated(name, settings) else pd.NA
        frame[f"{name}_horizon_days"] = pd.array([days] * len(wide), dtype="Int16")
        for output, published in target.outputs.items():
            frame[published] = outputs[name][output] if name in outputs else np.nan
    if not _is_dated("churn", settings):
        frame["median_days_to_churn"] = np.nan
    nothing = pa.nulls(len(wide), CURVE)
    return frame, {
        column: _curves(outputs[name], TARGETS[name].score, settings.targets.of(name).known)
        if name in outputs and _is_dated(name, settings)
        else nothing
        for name, column in CURVES.items()
    }


def _is_dated(target: str, settings: Settings) -> bool:
    """Do the answers of a target have a window of days? Those of a table without dates have none."""
    return settings.targets.of(target).dated


def _curves(outputs: pd.DataFrame, score: str, horizons: tuple[int, ...]) -> pa.ListArray:
    """One (days, probability) per configured horizon."""
    probabilities = outputs[[f"{score}_{h}" for h in horizons]].to_numpy()
    arrays = [np.tile(horizons, len(outputs)).astype("int16"), probabilities.reshape(-1).astype("float32")]
    points = pa.StructArray.from_arrays([pa.array(a) for a in arrays], fields=list(CURVE.value_type))
    ends = np.arange(len(outputs) + 1, dtype="int32") * len(horizons)
    return pa.ListArray.from_arrays(pa.array(ends), points, type=CURVE)


def _mask_unasked(frame: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """Who is high-value, or objects to marketing, has no score of a target that is not for everybody."""
    unasked = frame["is_high_value_now"].eq(True) | suppression.has_objected(seen)
    columns = [c for target in TARGETS.values() if not target.everybody for c in target.outputs.values()]
    return frame.assign(**{column: frame[column].where(~unasked) for column in columns})


def _early(frame: pd.DataFrame, seen: pd.DataFrame) -> pd.Series:
    """Has a customer had no high bill so far? Null where nothing scored them as a potential VIP."""
    return seen["vip_early"].astype("boolean").where(frame["vip_probability"].notna())


def _with_amounts(frame: pd.DataFrame, seen: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Money that follows from the predictions.

    Twelve months are a projection: the horizon's value goes on for as long as the customer is likely to stay, the
    churn probability being the same in every horizon to come. What they are worth if they stay, times the probability
    that they do, is at most what is expected of them.
    """
    horizon, churn_days = settings.targets.value.horizon_days, settings.targets.churn.horizon_days
    stay = 1.0 - frame["churn_probability"]
    per_horizon = stay ** (horizon / churn_days)
    retained = np.fmin(frame["_retained"], frame["value_pred"] / per_horizon)  # without a churn model: as it is
    times = 365.0 / horizon
    whole = sum(np.minimum(times - k, 1.0) * per_horizon**k for k in range(int(np.ceil(times))))
    high = frame["is_high_value_now"].eq(True)
    gap = (seen["threshold"] - seen["worth"]).clip(lower=0.0)
    return frame.assign(
        _retained=retained,
        value_12m_pred=frame["value_pred"] * whole,
        value_if_retained_12m=retained * times,
        value_at_risk=frame["churn_probability"] * retained * (churn_days / horizon),
        vip_gap=gap.where(~high & frame["value_pred"].notna()),
    )


def _with_tiers(
    frame: pd.DataFrame, seen: pd.DataFrame, settings: Settings, high_value: HighValue, margin: float
) -> pd.DataFrame:
    """The tier that is predicted, and how each customer would be rated on their own; all of what is billed, whatever its margin."""
    now, unit_days, line = frame["arpu_3m"], MONTH_DAYS, pd.Series(1.0, index=frame.index)
    if settings.tiers.relative:
        now, line = seen["worth"], seen["threshold"].where(seen["threshold"] > 0)
        unit_days = MONTH_DAYS if high_value.measure == "monthly_bill" else float(high_value.lookback_days)
    scale = unit_days / settings.targets.value.horizon_days / margin
    rated = tiers.ratings(now / line, frame["_retained"] * scale / line, settings.tiers)
    return frame.assign(
        tier_predicted=tiers.tiers(frame["value_pred"] * scale / line, settings.tiers),
        _tier_rated=rated["rated"],
        _tier_cause=rated["cause"],
    )


def _with_contact_status(frame: pd.DataFrame, seen: pd.DataFrame, scorer: Scorer) -> pd.DataFrame:
    """Holdout, and who may be contacted."""
    settings = scorer.settings
    contact = seen[["consent", "last_contact_on", "overdue_amount", "customer_type"]].assign(
        open_complaints=seen["complaints_open"]
    )
    buckets = holdout.random_buckets(frame["customer_id"], settings.holdout.salt)
    frame = frame.assign(
        random_bucket=buckets,
        is_holdout=holdout.is_holdout(buckets, settings.holdout),
    )
    return frame.join(suppression.contact_status(contact, scorer.as_of, settings.contact))


def plain_types(table: pa.Table) -> pa.Table:
    """Money as floats, words as numbered ones: small, whatever the chunk."""
    kinds = {
        field.name: pa.float64() if pa.types.is_decimal(field.type) else pa.string()
        for field in table.schema
        if pa.types.is_decimal(field.type) or pa.types.is_dictionary(field.type)
    }
    table = table.cast(pa.schema([(field.name, kinds.get(field.name, field.type)) for field in table.schema]))
    words = [place for place, field in enumerate(table.schema) if pa.types.is_string(field.type)]
    for place in words:
        table = table.set_column(place, table.column_names[place], pc.dictionary_encode(table.column(place)))
    return table


class Summary:
    """The few numbers that a night is told by, and what its gates look at, gathered chunk by chunk."""

    def __init__(self) -> None:
        self._watched: list[pa.Table] = []
        self.high_risk = self.potential_vips = 0
        self.value_at_risk = Decimal(0)

    def add(self, table: pa.Table) -> None:
        self._watched.append(plain_types(table.select(list(WATCHED))))
        risky = pc.is_in(table["churn_risk_band"].cast(pa.string()), pa.array(["high", "critical"]))
        self.high_risk += pc.sum(risky).as_py() or 0
        self.potential_vips += pc.sum(table["is_potential_vip"]).as_py() or 0
        self.value_at_risk += pc.sum(table["value_at_risk"]).as_py() or 0

    @cached_property
    def watched(self) -> pd.DataFrame:
        return pa.concat_tables(self._watched).unify_dictionaries().to_pandas()

    def facts(self) -> dict[str, Any]:
        return {
            "customers": len(self.watched),
            "scored": int((self.watched["score_status"] == "ok").sum()),
            "churn_probability_mean": round(float(self.watched["churn_probability"].mean()), 4),
            "high_risk": self.high_risk,
            "potential_vips": self.potential_vips,
            "value_at_risk": str(self.value_at_risk),
        }
