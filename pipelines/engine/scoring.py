"""Scores of some customers, and what of them needs everybody: the score table is made chunk by chunk, in two passes.

`Scorer.scored` makes of each chunk everything that a customer has by himself; it needs nothing but its rows and can run
anywhere. `ranked` looks at a few columns of everybody, and `finished` turns a chunk into rows of the score table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.definition import Feature
from features.errors import HeadwaterError
from models.evaluation import gates
from models.scores.columns import CURVE, REASONS
from models.scores.reasons import reasons
from models.scores.score_table import conform
from models.targets.settings import TargetSettings
from pipelines.config.settings import Settings
from pipelines.workspace.bundles import Champion
from targeting import bands, holdout, suppression, tiers
from targeting.actions import actions

MONTH_DAYS = 30.4375
TARGETS = ("churn", "value", "vip")
NESTED = ("churn_curve", "churn_reasons", "vip_reasons")
OUTPUTS = {
    "churn": {name: name for name in ("churn_probability", "churn_score_raw", "median_days_to_churn")},
    "value": {name: name for name in ("value_pred", "value_p10", "value_p90")} | {"value_if_retained": "_retained"},
    "vip": {"vip_probability": "vip_probability", "vip_score_raw": "_vip_score_raw"},
}
"""What of each model's outputs is published, and under which name."""
RANKED = ("churn_probability", "churn_score_raw", "value_pred", "vip_probability", "_vip_score_raw")
"""What is compared among everybody."""


@dataclass(frozen=True)
class Scorer:
    """What a chunk is scored with. `peers` are the usual values of the features, as text."""

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

    def scored(self, seen: pd.DataFrame) -> pa.Table:
        """Rows of the score table but for bands, trend and action, with helping columns that begin with `_`.

        `seen` holds the features, `account_id`, `consent` and `last_contact_on`, and `worth`, `threshold` and
        `high_value_now`. Customers with too little history have no model outputs, only a status that says so.
        """
        enough = seen["tenure_days"].to_numpy() >= self.settings.population.min_history_days
        frame = _identity(self, seen, enough)
        known = seen[enough]
        outputs, churn_curve = _predicted(known, self.champions, self.settings)
        frame = frame.join(outputs, how="left")
        frame = _contactable(_amounts(frame, seen, self.settings), seen, self)
        told = {f"{target}_reasons": self.reasons(target, known) for target in ("churn", "vip")}
        nested = {"churn_curve": churn_curve} | told
        table = pa.Table.from_pandas(frame, preserve_index=False)
        places = pa.array(np.where(enough, np.cumsum(enough) - 1, -1))
        places = pc.if_else(pc.greater_equal(places, 0), places, pa.scalar(None, pa.int64()))
        unasked = pa.array(frame["vip_probability"].isna())
        for name in NESTED:
            rows = pc.if_else(unasked, pa.scalar(None, pa.int64()), places) if name == "vip_reasons" else places
            table = table.append_column(name, nested[name].take(rows))
        return table

    def reasons(self, target: str, known: pd.DataFrame) -> pa.ListArray:
        """Why each customer has the score; null where no model scores this target."""
        champion = self.champions.get(target)
        if champion is None:
            return pa.nulls(len(known), REASONS)
        return reasons(champion.model, known, self.features, self.peers)


@dataclass(frozen=True)
class Ranks:
    """Where each customer stands among everybody, row for row, and the mean probabilities."""

    frame: pd.DataFrame
    churn: float
    vip: float


def ranked(everybody: pd.DataFrame) -> Ranks:
    """Ranks from the columns `RANKED` of everybody."""
    named = everybody.rename(columns={"_vip_score_raw": "vip_score_raw"})
    means = (float(everybody[f"{name}_probability"].mean()) for name in ("churn", "vip"))
    return Ranks(bands.ranks(named), *means)


def finished(scored: pa.Table, first: int, ranks: Ranks, previous: pd.Series | None, settings: Settings) -> pa.Table:
    """Rows of the score table, in its contract, from a chunk whose first row is row `first` of everybody.

    `previous` is the churn probability of the latest publication before, by customer_id.
    """
    nested = {name: scored[name].combine_chunks() for name in NESTED}
    frame = scored.drop_columns(list(NESTED)).to_pandas(date_as_object=True)
    before = frame["customer_id"].map(previous) if previous is not None else pd.Series(np.nan, index=frame.index)
    frame = frame.assign(churn_probability_prev=before.astype(float))
    standing = ranks.frame.iloc[first : first + len(frame)].reset_index(drop=True)
    banded = bands.bands(frame.join(standing), settings.scores, churn_mean=ranks.churn, vip_mean=ranks.vip)
    frame = frame.join(banded)
    frame = frame.join(actions(frame.rename(columns={"_complaint_open": "complaint_open"}), settings.actions))
    if frame["vip_model_version"].isna().all():  # nobody was asked: unknown, not "no"
        frame = frame.assign(is_potential_vip=None)
    kept = {str(name): frame[name] for name in frame if not str(name).startswith("_")}
    return conform(kept | nested)


def targets_of(champions: Mapping[str, Champion], settings: Settings) -> TargetSettings:
    """The targets that the champions were trained for: the high-value amount does not drift with later data.

    Where no champion scores potential VIPs another one tells the amount: it was fixed for all targets at once.
    """
    champion = champions.get("vip") or next(iter(champions.values()))
    return TargetSettings.model_validate(champion.model.facts_.get("targets") or settings.targets.model_dump())


def _identity(scorer: Scorer, wide: pd.DataFrame, enough: np.ndarray) -> pd.DataFrame:
    """Keys, profile, status and versions: everything that needs no model."""
    frame = pd.DataFrame(
        {
            "customer_id": wide["customer_id"],
            "account_id": wide["account_id"],
            "as_of": wide["as_of"],
            "customer_type": wide["customer_type"],
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
            "contract_end_date": _contract_end(wide),
            "feature_set_hash": scorer.feature_set_hash,
        }
    )
    versions = {target: champion.version for target, champion in scorer.champions.items()}
    return frame.assign(**{f"{target}_model_version": versions.get(target) for target in TARGETS})


def _contract_end(wide: pd.DataFrame) -> pd.Series:
    ends = pd.to_datetime(wide["as_of"]) + pd.to_timedelta(wide["contract_days_left"], unit="D")
    return ends.dt.date.where(ends.notna(), None)


def _predicted(
    wide: pd.DataFrame, champions: Mapping[str, Champion], settings: Settings
) -> tuple[pd.DataFrame, pa.ListArray]:
    """Every model's outputs under the names of the score table, same index as `wide`; and the churn curves.

    What belongs to a target without a champion is null.
    """
    targets, frame = settings.targets, pd.DataFrame(index=wide.index)
    outputs = {target: champion.model.predict(wide) for target, champion in champions.items()}
    for target, names in OUTPUTS.items():
        days = getattr(targets, target).horizon_days if target in outputs else pd.NA
        frame[f"{target}_horizon_days"] = pd.array([days] * len(wide), dtype="Int16")
        for name, published in names.items():
            frame[published] = outputs[target][name] if target in outputs else np.nan
    if "churn" not in outputs:
        return frame, pa.nulls(len(wide), CURVE)
    return frame, _curves(outputs["churn"], targets.churn.known)


def _curves(churn: pd.DataFrame, horizons: tuple[int, ...]) -> pa.ListArray:
    """One (days, probability) per configured horizon."""
    probabilities = churn[[f"churn_probability_{h}" for h in horizons]].to_numpy()
    arrays = [np.tile(horizons, len(churn)).astype("int16"), probabilities.reshape(-1).astype("float32")]
    points = pa.StructArray.from_arrays([pa.array(a) for a in arrays], fields=list(CURVE.value_type))
    ends = np.arange(len(churn) + 1, dtype="int32") * len(horizons)
    return pa.ListArray.from_arrays(pa.array(ends), points, type=CURVE)


def _amounts(frame: pd.DataFrame, seen: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Money that follows from the predictions.

    Twelve months are a projection: the horizon's value goes on for as long as the customer is likely to stay, the
    churn probability being the same in every horizon to come.
    """
    horizon, churn_days = settings.targets.value.horizon_days, settings.targets.churn.horizon_days
    stay = 1.0 - frame["churn_probability"]
    per_horizon = stay ** (horizon / churn_days)
    times = 365.0 / horizon
    whole = sum(np.minimum(times - k, 1.0) * per_horizon**k for k in range(int(np.ceil(times))))
    high = frame["is_high_value_now"].astype(bool)
    unasked = high | suppression.refused(seen)  # who objects to marketing is not scored as a potential VIP
    gap = (seen["threshold"] - seen["worth"]).clip(lower=0.0)
    months = horizon / MONTH_DAYS
    return frame.assign(
        value_12m_pred=frame["value_pred"] * whole,
        value_if_retained_12m=frame["_retained"] * times,
        value_at_risk=frame["churn_probability"] * frame["_retained"] * (churn_days / horizon),
        vip_probability=frame["vip_probability"].where(~unasked),
        _vip_score_raw=frame["_vip_score_raw"].where(~unasked),
        vip_gap=gap.where(~high & frame["value_pred"].notna()),
        tier_current=tiers.tiers(frame["arpu_3m"], settings.tiers),
        tier_predicted=tiers.tiers(frame["value_pred"] / months, settings.tiers),
    )


def _contactable(frame: pd.DataFrame, seen: pd.DataFrame, scorer: Scorer) -> pd.DataFrame:
    """Holdout, and who may be contacted."""
    settings = scorer.settings
    contact = seen[["consent", "last_contact_on", "overdue_amount", "customer_type"]].assign(
        open_complaints=seen["complaints_open"]
    )
    buckets = holdout.random_buckets(frame["customer_id"], settings.holdout.salt)
    frame = frame.assign(
        random_bucket=buckets,
        is_holdout=holdout.is_holdout(buckets, settings.holdout),
        _complaint_open=contact["open_complaints"] > 0,
    )
    return frame.join(suppression.contact_status(contact, scorer.as_of, settings.contact))


def plain(table: pa.Table) -> pa.Table:
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

    GATED = gates.WATCHED

    def __init__(self) -> None:
        self._gated: list[pa.Table] = []
        self.high_risk = self.potential_vips = 0
        self.value_at_risk = Decimal(0)

    def add(self, table: pa.Table) -> None:
        self._gated.append(plain(table.select(list(self.GATED))))
        risky = pc.is_in(table["churn_risk_band"].cast(pa.string()), pa.array(["high", "critical"]))
        self.high_risk += pc.sum(risky).as_py() or 0
        self.potential_vips += pc.sum(table["is_potential_vip"]).as_py() or 0
        self.value_at_risk += pc.sum(table["value_at_risk"]).as_py() or 0

    @cached_property
    def gated(self) -> pd.DataFrame:
        return pa.concat_tables(self._gated).unify_dictionaries().to_pandas()

    def facts(self) -> dict[str, Any]:
        return {
            "customers": len(self.gated),
            "scored": int((self.gated["score_status"] == "ok").sum()),
            "churn_probability_mean": round(float(self.gated["churn_probability"].mean()), 4),
            "high_risk": self.high_risk,
            "potential_vips": self.potential_vips,
            "value_at_risk": str(self.value_at_risk),
        }
