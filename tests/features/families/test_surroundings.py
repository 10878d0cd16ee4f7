"""Ratios to everybody: 1 where a region is like all others, and few customers cannot say much."""

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from features.build import build
from features.settings import FeatureSettings
from features.spine import everyone
from tests.features.blocks.rows import SEEN_ON
from tests.tables import table
from tests.world import everything

LEFT = [f for f in everything() if f.column == "left_in_region_90d"]


def left_in_region(con: ibis.BaseBackend, regions: dict[str, tuple[int, int]]) -> dict[str, float]:
    """The figure of somebody in each region of so many customers and so many who left in May."""
    people = [
        {"customer_id": f"{region}{n}", "region": region, "left": n >= here}
        for region, (here, left) in regions.items()
        for n in range(here + left)
    ]
    frame = pd.DataFrame(people)
    told = table(
        "customers", "customer_id | activated_on | deactivated_on | region\nx | 2020-01-01 | 2020-01-02 | null"
    )
    rows = con.to_pyarrow(told.limit(0))
    day = pd.Timestamp("2024-05-10").date()
    columns = {"customer_id": frame.customer_id, "region": frame.region}
    columns |= {"deactivated_on": [day if left else None for left in frame.left]}
    columns |= {"activated_on": [pd.Timestamp("2020-01-01").date()] * len(frame)}
    columns |= {"known_at": [pd.Timestamp("2020-01-01")] * len(frame)}
    filled = {f.name: pa.array(columns.get(f.name, [None] * len(frame)), f.type) for f in rows.schema}
    customers = con.create_table("around_customers", pa.table(filled, rows.schema), temp=True, overwrite=True)
    spine = con.create_table("around_spine", everyone(customers, [SEEN_ON], "UTC"), temp=True, overwrite=True)
    answer = con.to_pyarrow(build({"customers": customers}, spine, LEFT, FeatureSettings())).to_pylist()
    return {row["customer_id"].rstrip("0123456789"): row["left_in_region_90d"] for row in answer}


def test_an_attacked_city_stands_out_and_a_season_does_not(con: ibis.BaseBackend):
    calm = left_in_region(con, {"north": (950, 50), "south": (950, 50)})
    assert calm["north"] == calm["south"] == pytest.approx(1.0, abs=0.002)
    season = left_in_region(con, {"north": (800, 200), "south": (800, 200)})
    assert season["north"] == pytest.approx(1.0, abs=0.002)
    attacked = left_in_region(con, {"north": (800, 200), "south": (950, 50)})
    assert attacked["north"] > 1.5 and attacked["south"] < 0.5


def test_a_hamlet_says_little_and_nobody_leaving_says_nothing(con: ibis.BaseBackend):
    hamlet = left_in_region(con, {"city": (950, 50), "hamlet": (4, 2)})
    assert 1.0 < hamlet["hamlet"] < 1.2, "two of six are eight times as many as elsewhere, and chance"
    assert set(left_in_region(con, {"city": (10, 0), "hamlet": (3, 0)}).values()) == {None}
