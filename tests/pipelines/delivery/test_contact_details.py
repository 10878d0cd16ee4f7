"""Contact details leave with a list for those who may, of those who may be contacted, and stay nowhere else."""

import json
import stat
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest

from features.errors import HeadwaterError
from pipelines.config.mapping import SourceMapping
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import Settings
from pipelines.delivery import lists, said_no
from pipelines.delivery.contact_details import may_take
from pipelines.workspace import calls
from pipelines.workspace.paths import Workspace
from targeting.suppression import ContactSettings
from tests.pipelines.delivery.test_lists import TABLE, publication
from tests.raw import Raw

IDS = TABLE["customer_id"].to_pylist()
MACHINES = {
    "csv": ("customer_id", "email", "phone", "+86138{:08d}"),
    "braze": ("external_id", "email", "phone", "+86138{:08d}"),
    "hubspot": ("headwater_customer_id", "email", "phone", "+86138{:08d}"),
    "klaviyo": ("headwater_customer_id", "Email Address", "Phone Number", "+86138{:08d}"),
    "sfmc": ("SubscriberKey", "EmailAddress", "MobileNumber", "86138{:08d}"),
    "dynamics": ("CustomerId", "EMail", "MobilePhone", "+86138{:08d}"),
}


@pytest.fixture
def project(tmp_path) -> SimpleNamespace:
    """A workspace without a list, whose customers each have a telephone and an address; every third has no number."""
    rows = ["id,name,phone,email"]
    rows += [f"{one},N{n},{'' if n % 3 == 0 else f'138 {n:08d}'},u{n}@example.com" for n, one in enumerate(IDS)]
    (tmp_path / "who.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    columns = {"customer_id": "id", "contact_name": "name", "phone": "phone", "email": "email"}
    part = {"source": {"path": str(tmp_path / "who.csv"), "format": "csv"}, "columns": columns}
    named = (calls.user().partition("@")[0], "page:anna")
    settings = Settings().model_copy(update={"contact": ContactSettings(details_for=named, phone_prefix="+86")})
    details = SourceMapping.model_validate(part)
    settings._tables = load_mapping(Raw(tmp_path).write()).model_copy(update={"contact_details": details})
    workspace = Workspace.open(tmp_path / "own", "operator")
    return SimpleNamespace(settings=settings, workspace=workspace, features=(), mapping=settings.tables)


def taken(project, shape: str, contacts: str | None = None, top: int = 40):
    result = lists.draw(project, publication(), "churn", {"top": top})
    path = lists.file_of(project, result, shape, contacts=True)
    return lists.write(project, publication(), result, shape, path, contacts=contacts or calls.user())


@pytest.mark.parametrize("shape", MACHINES)
def test_each_receiver_gets_the_addresses_that_it_takes(project, shape):
    key, mail, number, form = MACHINES[shape]
    exported = taken(project, shape)
    told = pd.read_csv(exported.path, dtype=str, keep_default_na=False)
    places = [IDS.index(one) for one in told[key]]
    assert told[mail].tolist() == [f"u{n}@example.com" for n in places]
    assert told[number].tolist() == ["" if n % 3 == 0 else form.format(n) for n in places]
    assert exported.reachable == exported.rows == len(told) > 20
    assert shape != "klaviyo" or told.columns[0] == mail


def test_people_get_them_as_they_were_delivered_and_the_file_is_its_owner_s_alone(project):
    exported = taken(project, "excel-zh")
    book = openpyxl.load_workbook(exported.path)
    head, first = (list(row) for row in book["名单"].iter_rows(max_row=2, values_only=True))
    n = IDS.index(first[1])
    assert head[2:5] == ["联系人", "电话", "电子邮箱"]
    assert first[2:5] == [f"N{n}", None if n % 3 == 0 else f"138 {n:08d}", f"u{n}@example.com"]
    assert any("用完请删除" in str(row[0].value) for row in book["汇总"].iter_rows())
    assert stat.S_IMODE(exported.path.stat().st_mode) == 0o600


def test_without_being_asked_for_they_are_in_no_file(project):
    result = lists.draw(project, publication(), "churn", {"top": 40})
    exported = lists.write(project, publication(), result, "csv", lists.file_of(project, result, "csv"))
    assert exported.reachable is None and "example.com" not in exported.path.read_text()
    assert "email" not in exported.path.read_text()


def test_who_is_not_named_takes_none_and_nothing_is_written(project):
    with pytest.raises(HeadwaterError) as raised:
        taken(project, "csv", contacts="page:bert")
    assert (raised.value.problem.code, raised.value.exit_code) == ("E723", 7)
    assert not [path for path in project.workspace.root.rglob("*") if path.is_file()]


def test_a_name_of_the_system_is_none_of_the_page():
    settings = ContactSettings(details_for=("anna", "page:bert"))
    allowed = ("anna", "anna@host", "page:bert")
    refused = ("page:anna", "bert", "bert@host", "", "@host", "ann", "root@anna")
    assert [may_take(settings, user) for user in (*allowed, *refused)] == [True] * 3 + [False] * 7
    assert not may_take(ContactSettings(), "anna")


def test_that_they_left_is_on_record_and_they_are_nowhere_else(project):
    exported = taken(project, "braze")
    line = json.loads((project.workspace.root / "exports.jsonl").read_text().splitlines()[-1])
    assert (line["contact_details"], line["rows"], line["unreachable"]) == (exported.rows, exported.rows, 0)
    files = [path for path in project.workspace.root.rglob("*") if path.is_file()]
    assert [path for path in files if b"@example.com" in path.read_bytes()] == [exported.path]


def test_who_has_refused_since_takes_their_address_off_with_them(project, monkeypatch):
    first = taken(project, "csv")
    gone = pd.read_csv(first.path, dtype=str)["customer_id"][:5].tolist()
    monkeypatch.setattr(said_no.refusals, "refused", lambda *_: frozenset(gone))
    monkeypatch.setattr(project.workspace.__class__, "serving_date", lambda _: None)
    _, again = lists.draw_again(project, "churn", "csv", None, contacts=True)
    text = again.path.read_text()
    assert again.rows == first.rows - 5
    assert not [one for one in gone if one in text or f"u{IDS.index(one)}@" in text]


def test_a_receiver_by_address_gets_each_once_and_nobody_without(project):
    """A family with one address is one profile; who has neither stays out, counted."""
    path = project.mapping.contact_details.source.path
    rows = [
        "id,name,phone,email",
        *(f"{one},N,,{'' if n % 2 else f'f{n // 4}@example.com'}" for n, one in enumerate(IDS)),
    ]
    Path(path).write_text("\n".join(rows) + "\n", encoding="utf-8")
    exported = taken(project, "klaviyo", top=300)
    told = pd.read_csv(exported.path, dtype=str)
    assert told["Email Address"].is_unique and exported.unreachable > 50
    everybody = taken(project, "braze", top=300)
    assert exported.rows + exported.unreachable == everybody.rows


def test_a_receiver_by_address_gets_no_empty_file(project):
    rows = ["id,name,phone,email", *(f"{one},N,1380 ask,=cmd@x.com" for one in IDS)]
    Path(project.mapping.contact_details.source.path).write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(HeadwaterError) as raised:
        taken(project, "klaviyo")
    assert raised.value.problem.code == "E347" and raised.value.problem.column == "contact_details"
