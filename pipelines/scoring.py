"""One night's score table: features, champions and facts brought together, one row per customer of the population."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.definition import Feature
from features.errors import HeadwaterError
from models.reasons import reasons
from models.scores import conform
from pipelines.bundles import Champion
from pipelines.settings import Settings
from targeting import bands, holdout, suppression, tiers
from targeting.actions import actions

MONTH_DAYS = 30.4375
TARGETS = ("churn", "value", "vip")


@dataclass(frozen=True)
class Seen:
    """What is known on a night, row for row of the same customers.

    `wide` are the features, `facts` consent, last contact and account, `worth` the high-value line.
    `previous` holds customer_id and churn_probability of the latest publication before this date, if any.
    """

    as_of: date
    wide: pd.DataFrame
    facts: pd.DataFrame
    worth: pd.DataFrame
    previous: pd.DataFrame | None
    currency: str


def score(
    seen: Seen,
    champions: dict[str, Champion],
    features: tuple[Feature, ...],
    feature_set_hash: str,
    settings: Settings,
) -> pa.Table:
    """The score table of interfaces.md section 6, in its contract.

    Customers with too little history have no model outputs, only a status that says so.
    """
    missing = sorted(set(TARGETS) - set(champions))
    if missing:
        raise HeadwaterError("E521", names=", ".join(missing))
    enough = seen.wide["tenure_days"].to_numpy() >= settings.population.min_history_days
    frame = identity(seen, champions, feature_set_hash, enough)
    frame = frame.join(predicted(seen.wide[enough], champions, settings), how="left")
    frame = frame.join(explained(seen.wide[enough], champions, features), how="left")
    frame = amounts(frame, seen, settings)
    frame = judged(frame, seen, settings)
    return conform(frame.drop(columns=[c for c in frame if c.startswith("_")]))


def identity(seen: Seen, champions: dict[str, Champion], feature_set_hash: str, enough: np.ndarray) -> pd.DataFrame:
    """Keys, profile, status and versions: everything that needs no model."""
    wide = seen.wide
    frame = pd.DataFrame(
        {
            "customer_id": wide["customer_id"],
            "account_id": seen.facts["account_id"],
            "as_of": wide["as_of"],
            "customer_type": wide["customer_type"],
            "region": wide["region"],
            "currency": seen.currency,
            "score_status": np.where(enough, "ok", "insufficient_history"),
            "arpu_3m": wide["arpu_3m"],
            "arpu_trend_pct": 100.0 * (wide["arpu_ratio_3m"] - 1.0),
            "is_high_value_now": seen.worth["high_value_now"],
            "lifecycle_stage": wide["lifecycle_stage"],
            "lifecycle_direction": wide["lifecycle_direction"],
            "tenure_months": wide["tenure_months"].astype("Int16"),
            "complaints_90d": wide["complaint_count_90d"].astype("Int16"),
            "contract_end_date": contract_end(wide),
            "feature_set_hash": feature_set_hash,
        }
    )
    return frame.assign(**{f"{target}_model_version": champions[target].version for target in TARGETS})


def contract_end(wide: pd.DataFrame) -> pd.Series:
    ends = pd.to_datetime(wide["as_of"]) + pd.to_timedelta(wide["contract_days_left"], unit="D")
    return ends.dt.date.where(ends.notna(), None)


def predicted(wide: pd.DataFrame, champions: dict[str, Champion], settings: Settings) -> pd.DataFrame:
    """Every model's outputs under the names of the score table; same index as `wide`."""
    churn, value, vip = (champions[target].model.predict(wide) for target in TARGETS)
    targets = settings.targets
    frame = pd.DataFrame(
        {
            "churn_horizon_days": targets.churn.horizon_days,
            "churn_probability": churn["churn_probability"],
            "churn_score_raw": churn["churn_score_raw"],
            "churn_curve": curve(churn, targets.churn.known),
            "median_days_to_churn": churn["median_days_to_churn"],
            "value_horizon_days": targets.value.horizon_days,
            "value_pred": value["value_pred"],
            "value_p10": value["value_p10"],
            "value_p90": value["value_p90"],
            "_retained": value["value_if_retained"],
            "vip_horizon_days": targets.vip.horizon_days,
            "vip_probability": vip["vip_probability"],
            "_vip_score_raw": vip["vip_score_raw"],
        },
        index=wide.index,
    )
    return frame.astype({"churn_horizon_days": "Int16", "value_horizon_days": "Int16", "vip_horizon_days": "Int16"})


def curve(churn: pd.DataFrame, horizons: tuple[int, ...]) -> pd.Series:
    """One (days, probability) per configured horizon."""
    columns = [churn[f"churn_probability_{h}"].to_numpy() for h in horizons]
    rows = [
        [{"days": h, "probability": float(p)} for h, p in zip(horizons, row, strict=True)]
        for row in zip(*columns, strict=True)
    ]
    return pd.Series(rows, index=churn.index, dtype=object)


def explained(wide: pd.DataFrame, champions: dict[str, Champion], features: tuple[Feature, ...]) -> pd.DataFrame:
    """Why: the business reasons of churn and of potential VIP, strongest first."""
    found = {f"{t}_reasons": reasons(champions[t].model, wide, features) for t in ("churn", "vip")}
    return pd.DataFrame({name: pd.Series(rows, index=wide.index, dtype=object) for name, rows in found.items()})


def amounts(frame: pd.DataFrame, seen: Seen, settings: Settings) -> pd.DataFrame:
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
    unasked = high | suppression.refused(seen.facts)  # who objects to marketing is not scored as a potential VIP
    gap = (seen.worth["threshold"] - seen.worth["worth"]).clip(lower=0.0)
    return frame.assign(
        value_12m_pred=frame["value_pred"] * whole,
        value_if_retained_12m=frame["_retained"] * times,
        value_at_risk=frame["churn_probability"] * frame["_retained"] * (churn_days / horizon),
        vip_probability=frame["vip_probability"].where(~unasked),
        _vip_score_raw=frame["_vip_score_raw"].where(~unasked),
        vip_reasons=frame["vip_reasons"].where(~unasked, None),
        vip_gap=gap.where(~high & frame["value_pred"].notna()),
    )


def judged(frame: pd.DataFrame, seen: Seen, settings: Settings) -> pd.DataFrame:
    """Bands, tiers, holdout, contact and action: what marketing acts on."""
    frame = frame.assign(churn_probability_prev=previous(frame, seen))
    ranked = bands.bands(frame.rename(columns={"_vip_score_raw": "vip_score_raw"}), settings.scores)
    frame = frame.join(ranked)
    months = settings.targets.value.horizon_days / MONTH_DAYS
    buckets = holdout.random_buckets(frame["customer_id"], settings.holdout.salt)
    frame = frame.assign(
        tier_current=tiers.tiers(frame["arpu_3m"], settings.tiers),
        tier_predicted=tiers.tiers(frame["value_pred"] / months, settings.tiers),
        random_bucket=buckets,
        is_holdout=holdout.is_holdout(buckets, settings.holdout),
        data_quality_flags=None,
    )
    contact = contact_facts(seen)
    frame = frame.join(suppression.contact_status(contact, seen.as_of, settings.contact))
    open_complaint = (contact["open_complaints"] > 0).to_numpy()
    return frame.join(actions(frame.assign(complaint_open=open_complaint), settings.actions))


def previous(frame: pd.DataFrame, seen: Seen) -> pd.Series:
    """The customer's churn probability in the latest publication before this one."""
    if seen.previous is None:
        return pd.Series(np.nan, index=frame.index)
    before = seen.previous.set_index("customer_id")["churn_probability"].astype(float)
    return frame["customer_id"].map(before)


def contact_facts(seen: Seen) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "consent": seen.facts["consent"],
            "last_contact_on": seen.facts["last_contact_on"],
            "open_complaints": seen.wide["complaints_open"],
            "overdue_amount": seen.wide["overdue_amount"],
            "customer_type": seen.wide["customer_type"],
        }
    )


def summary(table: pa.Table) -> dict[str, Any]:
    """The few numbers that a night is told by."""
    frame = table.select(
        ["score_status", "churn_probability", "churn_risk_band", "is_potential_vip", "value_at_risk"]
    ).to_pandas()
    ok = frame["score_status"] == "ok"
    return {
        "customers": len(frame),
        "scored": int(ok.sum()),
        "churn_probability_mean": round(float(frame["churn_probability"].mean()), 4),
        "high_risk": int(frame["churn_risk_band"].isin(["high", "critical"]).sum()),
        "potential_vips": int(frame["is_potential_vip"].fillna(False).sum()),
        "value_at_risk": str(frame["value_at_risk"].dropna().sum()),
    }
