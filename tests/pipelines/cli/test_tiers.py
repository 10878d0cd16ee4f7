"""`headwater tiers`: the pyramid of the published night, in both languages."""

import pandas as pd
import pytest

from models.scores.columns import SCHEMA
from tests.pipelines.cli.calls import call, document


def test_the_pyramid_is_that_of_the_published_rows_and_nobody_is_without_a_tier(operator, monkeypatch):
    monkeypatch.chdir(operator)
    rows = pd.read_parquet("workspace/operator/latest.parquet")
    assert rows[["tier_current", "tier_reason", "tier_review", "tier_rated_on"]].notna().all(axis=None)
    assert set(rows["tier_current"]) == {"general", "silver", "gold", "diamond"} <= {*rows["tier_predicted"], "diamond"}
    found = document("tiers")
    counted = {row["tier"]: row["customers"] for row in found["pyramid"]["tiers"]}
    assert counted == rows["tier_current"].astype(str).value_counts().to_dict()
    assert sum(row["share_of_revenue"] for row in found["pyramid"]["tiers"]) == pytest.approx(1, abs=1e-5)
    same = document("tiers", "--from", found["as_of"], "--to", found["as_of"])
    assert all(same["migration"][tier][tier] == n for tier, n in counted.items())
    assert sum(sum(moves.values()) for moves in same["migration"].values()) == len(rows)
    assert "金卡" in call("tiers", "--lang", "zh", "--from", found["as_of"]) and "gold" in call("tiers", "--lang", "en")
    assert "tier_review" in SCHEMA.names


def test_the_value_of_an_account_is_the_sum_of_its_members_to_the_cent(operator, monkeypatch):
    monkeypatch.chdir(operator)
    rows = pd.read_parquet("workspace/operator/latest.parquet")
    sums = rows.groupby("account_id")["value_12m_pred"].agg(lambda values: sum(values.dropna()))
    members = rows.groupby("account_id").size()
    assert (rows["account_members"] == rows["account_id"].map(members)).all() and members.max() > 1
    valued = rows["account_value_12m"].notna()
    assert (
        rows.loc[valued, "account_value_12m"] == rows.loc[valued, "account_id"].map(sums)
    ).all() and valued.mean() > 0.9
    groups = rows["customer_type"].eq("group")
    assert rows.loc[groups, "group_size"].notna().all() and rows.loc[~groups, "group_size"].isna().all()
    assert rows["owner"].notna().all()
