"""A synthetic score table and evaluations, so that lists, exports and the report can be looked at without a pipeline."""

import dataclasses
import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.catalogue import catalogue
from models.evaluation import judging
from models.scores import score_table
from models.targets.registry import TARGETS
from pipelines.delivery.report_data import Evaluation, ListEntry, ReportData, TableUse
from pipelines.workspace.history import Call
from pipelines.workspace.score_files import ScoreFile
from targeting import action_settings, actions, bands, holdout, list_settings, ranking, suppression, tiers

AS_OF = dt.date(2026, 11, 1)
THRESHOLD = 120.0
TIERS = tiers.TierSettings(
    tiers=tuple(
        tiers.Tier(name=n, from_monthly=a) for n, a in [("basic", 0), ("silver", 80), ("gold", 140), ("diamond", 260)]
    )
)
CONTACT = suppression.ContactSettings(consent="recorded")
WHY = [
    ("usage_trend", "data_mb_ratio_12w", "0.59", "1.02"),
    ("complaints", "complaint_count_90d", "2", "0.1"),
    ("contract", "contract_days_left", "31", "288"),
    ("bill_trend", "arpu_ratio_3m", "0.82", "1.01"),
    ("usage_recency", "usage_days_12w", "40", "78"),
    ("bill_level", "arpu_3m", "88.5", "61.2"),
    ("lifecycle", "lifecycle_stage", "declining", "steady"),
]


def sample_scores(customers: int = 2_000, seed: int = 7) -> pa.Table:
    """A score table as one night would publish it: mixed statuses, consents, holdout and previous scores."""
    return score_table.conform(sample_frame(customers, seed))


def sample_frame(customers: int = 2_000, seed: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = _facts(rng, customers)
    frame = frame.join(_predictions(rng, frame))
    frame = frame.join(bands.bands(frame, bands.BandSettings()))
    rated = tiers.ratings(frame["arpu_3m"], frame["value_if_retained_12m"] / 12, TIERS)
    frame = frame.join(tiers.held(rated, None, AS_OF, TIERS))
    frame["tier_predicted"] = tiers.tiers(frame["value_pred"] / 3, TIERS)
    frame = frame.join(actions.actions(frame, action_settings.ActionSettings()))
    frame = frame.join(suppression.contact_status(frame, AS_OF, CONTACT))
    settings = holdout.HoldoutSettings(salt="sample", share=0.05)
    frame["random_bucket"] = holdout.random_buckets(frame["customer_id"], settings.salt)
    frame["is_holdout"] = holdout.is_holdout(frame["random_bucket"].to_numpy(), settings)
    known = [name for name in score_table.SCHEMA.names if name in frame]
    return frame[known]


def _facts(rng: np.random.Generator, n: int) -> pd.DataFrame:
    stage = rng.choice(["onboarding", "growing", "steady", "declining", "dormant"], n, p=[0.08, 0.2, 0.45, 0.2, 0.07])
    arpu = np.round(np.exp(rng.normal(4.1, 0.55, n)), 2)
    status = rng.choice(["ok", "insufficient_history", "excluded"], n, p=[0.96, 0.03, 0.01])
    return pd.DataFrame(
        {
            "customer_id": [f"00861{i:010d}" for i in rng.permutation(n)],
            "as_of": AS_OF,
            "customer_type": rng.choice(["personal", "family", "group"], n, p=[0.8, 0.15, 0.05]),
            "region": rng.choice(["north", "south", "east", "west"], n),
            "currency": "CNY",
            "score_status": status,
            "arpu_3m": arpu,
            "arpu_trend_pct": rng.normal(0, 12, n),
            "is_high_value_now": arpu >= THRESHOLD,
            "vip_gap": np.clip(THRESHOLD - arpu, 0, None),
            "lifecycle_stage": stage,
            "lifecycle_direction": rng.choice(["improving", "steady", "worsening"], n, p=[0.2, 0.5, 0.3]),
            "tenure_months": rng.integers(1, 120, n),
            "complaints_90d": rng.poisson(0.15, n),
            "consent": rng.choice([True, False, None], n, p=[0.85, 0.08, 0.07]),
            "open_complaints": (waiting := rng.binomial(1, 0.03, n)),
            "complaints_open": waiting,
            "overdue_amount": 0.0,
            "feature_set_hash": "f3a1c0de",
            "churn_model_version": "churn/4",
            "value_model_version": "value/3",
            "vip_model_version": "vip/2",
        }
    )


def _predictions(rng: np.random.Generator, facts: pd.DataFrame) -> pd.DataFrame:
    n, falling = len(facts), facts["lifecycle_stage"].isin(["declining", "dormant"])
    raw = rng.normal(-3.0, 0.9, n) + 1.3 * falling
    churn = 1 / (1 + np.exp(-raw))
    growth = rng.normal(0.05, 0.25, n)
    retained = facts["arpu_3m"] * 3 * (1 + growth)
    vip_raw = rng.normal(-4.2, 1.0, n) + 2.5 * growth - facts["vip_gap"] / 60
    vip = pd.Series(1 / (1 + np.exp(-vip_raw))).where(~facts["is_high_value_now"])
    value = retained * (1 - 0.6 * churn)
    return pd.DataFrame(
        {
            "churn_horizon_days": 90,
            "churn_probability": churn,
            "churn_score_raw": raw,
            "churn_probability_prev": np.where(
                rng.random(n) < 0.9, np.clip(churn + rng.normal(0, 0.04, n), 0, 1), np.nan
            ),
            "churn_curve": [_curve(p) for p in churn],
            "median_days_to_churn": np.round(90 * np.log(2) / -np.log1p(-churn), 0),
            "value_horizon_days": 90,
            "value_pred": value,
            "value_p10": value * 0.6,
            "value_p90": value * 1.5,
            "value_12m_pred": value * 3.6,
            "value_if_retained_12m": retained * 4,
            "value_at_risk": churn * retained,
            "vip_horizon_days": 180,
            "vip_probability": vip,
            "vip_early": pd.Series(facts["arpu_3m"] < 0.8 * THRESHOLD, dtype="boolean").where(vip.notna()),
            "vip_score_raw": vip_raw,
            "churn_reasons": [_reasons(rng, 3) for _ in range(n)],
            "vip_reasons": [_reasons(rng, 2) for _ in range(n)],
        }
    )


def _curve(probability: float) -> list[dict[str, Any]]:
    return [{"days": d, "probability": 1 - (1 - probability) ** (d / 90)} for d in (30, 60, 90)]


def _reasons(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    chosen = [WHY[i] for i in rng.choice(len(WHY), count, replace=False)]
    return [
        {
            "code": code,
            "rank": rank,
            "direction": 1,
            "contribution": round(1.2 / rank, 2),
            "feature": feature,
            "value": value,
            "peer_value": peer,
        }
        for rank, (code, feature, value, peer) in enumerate(chosen, 1)
    ]


def sample_report(customers: int = 2_000, seed: int = 7) -> ReportData:
    """A whole report: churn clearly better than the rule, value a little, and too few potential VIPs to judge."""
    table = sample_scores(customers, seed)
    lists = [("vip", ranking.vip_list), ("churn", ranking.churn_list)]
    drawn = [(kind, draw(table, list_settings.ListSettings(top=200))) for kind, draw in lists]
    return ReportData(
        name="operator",
        as_of=AS_OF,
        run_id="2026-11-01-7f3a9c",
        scores=table,
        tiers=TIERS.names,
        models={"churn": "churn/4", "value": "value/3", "vip": "vip/2"},
        evaluations=sample_evaluations(seed),
        quality=[
            TableUse("customers", 2_010, 2_000, 7, 3, None),
            TableUse("bills", 61_204, 61_204, 0, 0, dt.date(2026, 10, 5)),
            TableUse("usage", 208_000, 207_951, 49, 0, dt.date(2026, 10, 31)),
        ],
        lists=[ListEntry(kind, made.list_id, made.counts, (f"{made.list_id}.xlsx",)) for kind, made in drawn],
        warnings={
            "zh": ["W301 usage：49 行因数值为负被隔离（0.02%）。"],
            "en": ["W301 usage: 49 rows with a negative value were quarantined (0.02 %)."],
        },
        features={feature.column: feature for feature in catalogue(("voice_minutes", "data_mb"))},
        threshold=THRESHOLD,
        recent=sample_calls(),
    )


def sample_calls() -> list[Call]:
    """Fourteen runs: the night that writes the page, one that failed, and what else there may be."""
    zone = dt.timezone(dt.timedelta(hours=8))
    begun = [dt.datetime(2026, 11, 1, 2, 0, tzinfo=zone) - dt.timedelta(hours=12 * n) for n in range(14)]
    own = Call("1m8p833a5", {"command": "nightly", "started": str(begun[0])}, "running", {"as_of": str(AS_OF)})
    calls = [dataclasses.replace(own, nights=frozenset(["2026-11-01-7f3a9c"]))]
    for n, when in enumerate(begun[1:]):
        outcome = ("failed", "killed", "published", "refused", "busy", "done")[n % 6]
        head = {"command": "nightly" if n % 3 else "list churn", "started": when.isoformat()}
        ended = None if outcome == "killed" else when + dt.timedelta(seconds=10**n % 7_000)
        error = {"code": "E401"} if outcome == "failed" else None
        calls.append(Call(f"1m8p83{n:03}", head, outcome, {"as_of": f"2026-10-{31 - n}"}, ended=ended, error=error))
    return calls


@cache
def sample_evaluations(seed: int = 7) -> dict[str, Evaluation]:
    """By target; those who ask share them, and change none."""
    rng = np.random.default_rng(seed)
    return {
        "churn": _classified(rng, 6_000, base=-2.6, strengths={"trees": 1.5, "linear": 1.2, "rule": 0.6}),
        "value": _valued(rng, 6_000),
        "vip": _classified(rng, 1_200, base=-4.4, strengths={"trees": 1.1, "linear": 1.0, "rule": 0.7}),
    }


def _classified(rng: np.random.Generator, n: int, base: float, strengths: dict[str, float]) -> Evaluation:
    hidden = rng.normal(0, 1.4, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-(base + hidden)))).astype(int)
    final = pd.DataFrame({"y": y})
    for name, strength in strengths.items():
        seen = strength * hidden + rng.normal(0, 1.0, n)
        raw = np.polyfit(seen, hidden, 1)[0] * seen + base
        final[name] = 1 / (1 + np.exp(-raw))
    months = [dt.date(2026, month, 1) for month in range(1, 9)]
    rates = pd.DataFrame({"as_of": months, "rate": y.mean() * rng.uniform(0.85, 1.15, 8), "n": n})
    return Evaluation(_metrics("churn", final), final, "trees", beats_rule=True, rates=rates)


def _valued(rng: np.random.Generator, n: int) -> Evaluation:
    y = np.exp(rng.normal(5, 0.7, n)) * (rng.random(n) > 0.07)
    final = pd.DataFrame({"y": y})
    for name, noise in {"trees": 0.28, "linear": 0.30, "rule": 0.31}.items():
        final[name] = y * np.exp(rng.normal(0, noise, n)) + rng.exponential(15, n)
    return Evaluation(_metrics("value", final), final, "trees", beats_rule=True)


def _metrics(target: str, final: pd.DataFrame) -> pd.DataFrame:
    y = final["y"].to_numpy(dtype=float)
    outcome = judging.Outcome(TARGETS[target].task, y, y, np.arange(len(final)))
    models = {name: final[name].to_numpy() for name in ("trees", "linear", "rule")}
    return judging.table(outcome, models, judging.resamples(outcome.customers, 60, 7))


def read_scores(path: Path) -> tuple[dict[str, str], pa.Table]:
    """Metadata and all rows of a published file."""
    file = ScoreFile(path)
    return file.meta, file.table()
