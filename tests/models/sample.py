"""A small subscription business with a known mechanism: what the tests of models learn from."""

from datetime import date

import numpy as np
import pandas as pd

from models.settings import CandidateSettings, Rules, TrainingSettings, TreeSettings
from models.splits import Protocol, Split, plan
from models.targets.target import RuleSettings

FEATURES = ("arpu", "trend", "silence", "noise", "known_late", "plan")
TODAY = date(2025, 12, 1)
HORIZON = 30

SETTINGS = TrainingSettings(
    candidates=CandidateSettings(
        trees=TreeSettings(n_estimators=30, learning_rate=0.1, num_leaves=7, max_depth=3, min_child_samples=20),
        rules=Rules(
            churn=RuleSettings(column="arpu", higher=False),
            value=RuleSettings(column="arpu", factor=1.0),
            vip=RuleSettings(column="arpu"),
        ),
    ),
    resamples=60,
)


def split(dates: int = 5) -> Split:
    """Monthly dates, a horizon of one month."""
    return plan(TODAY, Protocol(every="30d", count=dates, reporting_delay_days=0), HORIZON)


def snapshots(customers: int = 400, seed: int = 1, dates: tuple[date, ...] | None = None) -> pd.DataFrame:
    """Labelled rows: a falling trend and silence bring churn, arpu and trend bring value."""
    rng = np.random.default_rng(seed)
    return pd.concat([snapshot(day, customers, rng) for day in dates or split().dates], ignore_index=True)


def snapshot(day: date, customers: int, rng: np.random.Generator) -> pd.DataFrame:
    arpu = rng.gamma(4.0, 15.0, customers)
    trend = rng.normal(0, 1, customers)
    silence = rng.exponential(10, customers)
    plan_ = rng.choice(["P10", "P50", "P90"], customers, p=[0.5, 0.3, 0.2])
    risk = -1.6 - 1.2 * trend + 0.05 * silence + 0.8 * (plan_ == "P90")
    soon = rng.random(customers) < 1 / (1 + np.exp(-risk))
    late = soon | (rng.random(customers) < 0.1)
    value = np.where(late, 0.3, 1.0) * arpu * np.exp(0.35 * trend + rng.normal(0, 0.3, customers))
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(customers)],
            "as_of": day,
            "arpu": arpu,
            "trend": np.where(rng.random(customers) < 0.1, np.nan, trend),
            "silence": silence,
            "noise": rng.normal(0, 1, customers),
            "known_late": np.nan,
            "plan": plan_,
            "churned_15": soon,
            "churned_30": late,
            "value": value,
        }
    )
    high = arpu > np.quantile(arpu, 0.8)
    became = value > np.quantile(value, 0.8)
    return frame.assign(vip=pd.array(np.where(high, None, became), dtype="boolean"))
