"""What a campaign keeps of each customer from the day on which its list was drawn: by it effects are adjusted, cut and predicted."""

from typing import Literal

from targeting.campaigns import COVARIATES

SegmentName = Literal["region", "tier", "type", "stage"]
SEGMENTS: dict[SegmentName, str] = {
    "region": "region",
    "tier": "tier_current",
    "type": "customer_type",
    "stage": "lifecycle_stage",
}
"""Filter of lists -> its column: what lists are narrowed by, effects are told by."""
NUMBERS = (
    *COVARIATES.values(),
    "value_at_risk",
    "arpu_3m",
    "arpu_trend_pct",
    "tenure_months",
    "complaints_90d",
    "satisfaction_index",
)
WORDS = tuple(SEGMENTS.values())
FEATURES = (*NUMBERS, *WORDS)
FEWEST_CAMPAIGNS = 2
"""Measured campaigns of one action before a model of uplift is tried."""
