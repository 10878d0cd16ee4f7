"""The list beside a slow twin in pandas; who sees ids, who is looked up, and what is taken away."""

import io
import json
import re

import pandas as pd
import pytest

from pipelines.config.mapping import SourceMapping
from pipelines.page import short_names
from pipelines.page.choice import ORDERS, ROWS, Choice, number, places
from pipelines.page.served import Served
from tests.pipelines.page.site import Site, sampled, served, visitor
from tests.scores_sample import AS_OF, sample_frame

CASES = [
    {},
    {"preset": "churn", "region": ["north"]},
    {"preset": "all", "stage": ["declining", "dormant"], "type": ["family"], "order": "bill"},
    {"preset": "vip", "order": "value"},
    {"preset": "churn", "reason": ["complaints"], "order": "churn", "page": "3"},
    {"preset": "vip", "reason": ["contract", "bill_trend"]},
    {"preset": "all", "cell": ["high_high"], "tier": ["gold"]},
    {"preset": "all", "band": ["high", "critical"], "value_band": ["low"], "page": "2"},
    {"preset": "new", "order": "benefit"},
    {"preset": "all", "region": ["nowhere"]},
    {"preset": "nonsense", "order": "customer_id; DROP TABLE beside", "page": "-1"},
]
NAMES = {
    "region": "region",
    "tier": "tier_current",
    "type": "customer_type",
    "stage": "lifecycle_stage",
    "action": "recommended_action",
}
NAMES |= {"value_band": "value_band", "cell": "value_risk_cell", "band": "churn_risk_band"}
RISKY = ("high", "critical")


def address(case: dict) -> str:
    return "&".join(
        f"{name}={value}"
        for name, values in case.items()
        for value in ([values] if isinstance(values, str) else values)
    )


def twin(rows: list[dict], before: list[dict], case: dict) -> list[int]:
    """Places of everybody whom a case is about, one customer at a time."""
    preset = case.get("preset", "urgent")
    preset = preset if preset != "nonsense" else "urgent"
    flagged = {row["customer_id"] for row in before if row["churn_risk_band"] in RISKY}
    kind = "vip" if preset == "vip" else "churn"
    wanted = {
        "urgent": lambda row: row["value_risk_cell"] == "high_high",
        "churn": lambda row: row["churn_probability"] is not None,
        "vip": lambda row: row["is_potential_vip"] is True,
        "new": lambda row: row["churn_risk_band"] in RISKY and row["customer_id"] not in flagged,
        "all": lambda row: True,
    }[preset]

    def passes(row: dict) -> bool:
        plain = all(row[column] in case[name] for name, column in NAMES.items() if name in case)
        codes = {reason["code"] for reason in row[f"{kind}_reasons"] or ()}
        return wanted(row) and plain and ("reason" not in case or bool(codes & set(case["reason"])))

    order = case.get("order", "")
    column = ORDERS.get(order, "vip_probability" if preset == "vip" else "value_at_risk")
    found = [place for place, row in enumerate(rows) if passes(row)]
    return sorted(found, key=lambda place: (rows[place][column] is None, -float(rows[place][column] or 0), place))


@pytest.mark.parametrize("case", CASES, ids=address)
def test_a_choice_shows_whom_a_slow_look_at_everybody_finds(sample_page: Served, case):
    night = sample_page.nights.current()
    expected = twin(night.publication.scores.table().to_pylist(), night.query("SELECT * FROM before"), case)
    from starlette.datastructures import QueryParams

    choice = Choice.of(QueryParams(address(case).replace(" ", "%20").replace(";", "%3B")))
    assert number(night, choice) == len(expected)
    first = ROWS * (choice.page - 1)
    assert places(night, choice) == expected[first : first + ROWS]


def test_the_page_shows_names_and_no_ids(sample_marketer: Site, sample: pd.DataFrame):
    shown = sample_marketer.get("/customers?preset=all").text
    assert len(re.findall(r'href="/customers/[0-9a-z]{6,12}"', shown)) == ROWS
    assert not [who for who in sample["customer_id"] if who in shown]


def test_held_out_customers_are_grey_and_say_so(sample_marketer: Site, sample_page: Served):
    night = sample_page.nights.current()
    held = {row["row"] for row in night.query("SELECT file_row_number AS row FROM scores WHERE is_holdout")}
    counts = {
        page: sum(place in held for place in places(night, Choice(preset="all", page=page))) for page in range(1, 11)
    }
    page, on_page = max(counts.items(), key=lambda count: count[1])
    assert on_page > 1
    shown = sample_marketer.get(f"/customers?preset=all&lang=en&page={page}").text
    assert shown.count('<tr class="held">') == on_page == shown.count(">held out<")


def test_ids_are_shown_to_marketers_on_request_and_on_the_record(sample_page: Served, sample_marketer: Site):
    viewer = visitor(sample_page, "viewer")
    assert "/customers/ids" not in viewer.get("/customers").text
    assert viewer.post("/customers/ids?preset=all").status_code == 403
    shown = sample_marketer.post("/customers/ids?preset=all")
    assert shown.status_code == 200
    assert len(re.findall(r">00861\d{10}<", shown.text)) == ROWS
    refused, unmasked = [json.loads(line) for line in sample_page.audit.path.read_text().splitlines()][-2:]
    assert (refused["who"], refused["what"]) == ("viewer", "refused")
    assert (unmasked["who"], unmasked["what"], unmasked["customers"]) == ("marketer", "unmask", ROWS)


def names(made: Served) -> dict[str, str]:
    """Id -> short name of everybody."""
    rows = made.nights.current().query(
        "SELECT customer_id, digest, length FROM scores JOIN beside ON row = file_row_number"
    )
    return {row["customer_id"]: short_names.name(row["digest"], row["length"]) for row in rows}


def test_somebody_is_found_by_short_name_by_everybody_and_by_id_by_some(sample_page: Served, sample_marketer: Site):
    viewer = visitor(sample_page, "viewer")
    who, name = next(iter(names(sample_page).items()))
    for typed in (name, name.upper(), f" {name[:3]}-{name[3:]} "):
        assert viewer.post("/customers/find", {"who": typed}).headers["location"] == f"/customers/{name}"
    assert sample_marketer.post("/customers/find", {"who": who}).headers["location"] == f"/customers/{name}"
    assert viewer.post("/customers/find", {"who": who}).status_code == 404
    for nobody in ("zzzzzz", "' OR 1=1 --", "", "<b>"):
        assert sample_marketer.post("/customers/find", {"who": nobody}).status_code == 404
    assert who not in sample_page.audit.path.read_text()


def test_one_name_of_before_may_be_the_beginning_of_two(sample_page: Served, sample_marketer: Site, monkeypatch):
    found = sorted(names(sample_page).values())
    monkeypatch.setattr("pipelines.page.views.customers.by_name", lambda *_: found[:2])
    shown = sample_marketer.post("/customers/find", {"who": found[0]})
    assert shown.status_code == 200 and all(f"/customers/{name}" in shown.text for name in found[:2])


@pytest.fixture(scope="module")
def taken(operator, tmp_path_factory) -> Served:
    """A copy of the operator, from which lists are taken."""
    import shutil

    folder = tmp_path_factory.mktemp("taken") / "operator"
    shutil.copytree(operator, folder, symlinks=True)
    return served(folder, folder / "page")


def test_a_list_of_the_sample_is_taken_away_without_its_control(tmp_path):
    """The answer ends, too: what is sent in pieces asks whether somebody is still there."""
    site = visitor(sampled(tmp_path, {AS_OF: sample_frame(150)}), "marketer")
    answer = site.post("/customers/download?preset=churn", {"kind": "churn", "shape": "csv", "top": "100"})
    ids = answer.text.splitlines()[1:]
    assert answer.status_code == 200 and 60 < len(ids) < 100
    held = site.served.nights.current().query("SELECT customer_id FROM scores WHERE is_holdout OR NOT contact_allowed")
    assert not [row for row in held if row["customer_id"] in answer.text]


def test_contact_details_leave_by_an_account_that_is_named_and_by_no_other(tmp_path):
    """A marketer who is not named is refused, on record; who is named sees the choice and gets addresses, on record, too."""
    rows = sample_frame(150)
    made = sampled(tmp_path, {AS_OF: rows})
    lines = ["id,email", *(f"{one},u{one}@example.com" for one in rows["customer_id"])]
    (tmp_path / "who.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    part = {"source": {"path": str(tmp_path / "who.csv")}, "columns": {"customer_id": "id", "email": "email"}}
    tables = made.project.mapping.model_copy(update={"contact_details": SourceMapping.model_validate(part)})
    named = made.project.settings.contact.model_copy(update={"details_for": ("page:admin", "page:viewer", "marketer")})
    made.project.settings = made.project.settings.model_copy(update={"contact": named}).with_tables(tables)
    form = {"kind": "churn", "shape": "csv", "top": "100", "contacts": "yes"}
    for role, status in {"marketer": 403, "viewer": 403, "admin": 200}.items():
        site = visitor(made, role)
        assert ('name="contacts"' in site.get("/customers?preset=churn").text) == (status == 200)
        answer = site.post("/customers/download?preset=churn", form)
        assert (answer.status_code, "@example.com" in answer.text) == (status, status == 200), role
    told = [json.loads(line) for line in (made.project.workspace.page / "audit.jsonl").read_text().splitlines()]
    assert [line["who"] for line in told if line.get("role") == "contact_details"] == ["marketer"]
    assert told[-1]["what"] == "download" and told[-1]["contact_details"] == told[-1]["rows"] > 60


@pytest.mark.slow
def test_a_list_is_taken_away_as_the_command_does_it(taken: Served):
    """Nobody who is held out, of the list or for good, and nobody who may not be contacted is on the file; it is logged by name."""
    site = visitor(taken, "marketer")
    form = {"kind": "churn", "shape": "csv", "top": "100"}
    answer = site.post("/customers/download?preset=churn&stage=steady", form)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    rows = pd.read_csv(io.StringIO(answer.text), dtype={"customer_id": str})
    scores = taken.nights.current().publication.scores.table().to_pandas().set_index("customer_id")
    members = scores.loc[rows["customer_id"]]
    assert 10 < len(rows) < 100
    assert members["contact_allowed"].all() and not members["is_holdout"].any()
    assert members["lifecycle_stage"].eq("steady").all()
    line = json.loads((taken.project.workspace.root / "exports.jsonl").read_text().splitlines()[-1])
    assert (line["who"], line["rows"], line["preset"]) == ("marketer (page)", len(rows), "csv")
    again = site.post("/customers/download?preset=churn&stage=steady", form | {"shape": "excel-en"})
    assert again.content[:2] == b"PK"


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "x"}, {"shape": "../x"}, {"top": "0"}, {"top": "-1"}, {"top": "1e9"}, {"top": "99999999"}, {"top": ""}],
)
def test_a_list_that_nobody_can_draw_is_refused(sample_marketer: Site, wrong):
    form = {"kind": "churn", "shape": "csv", "top": "100"} | wrong
    assert sample_marketer.post("/customers/download", form).status_code == 400


def test_a_viewer_takes_nothing_away(sample_page: Served):
    form = {"kind": "churn", "shape": "csv", "top": "100"}
    assert visitor(sample_page, "viewer").post("/customers/download", form).status_code == 403
