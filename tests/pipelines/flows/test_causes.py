"""A refusal names the feature, the table and the file that moved a figure, and its advice follows from that."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from models.evaluation import movers, sketches
from models.evaluation.checks import Check
from pipelines.flows import causes, seen
from pipelines.flows.causes import Cause
from pipelines.flows.seen import Seen
from pipelines.ingest.readers.sources import InputFile
from pipelines.wording.texts import LANGUAGES, text
from tests.models.evaluation.test_movers import Additive

FILES = {"usage": ["usage_09", "usage_10"], "bills": ["bill_09", "bill_10"]}


def feature(column, source, reads=()):
    return SimpleNamespace(column=column, source=source, reads=reads)


FEATURES = (feature("arpu_3m", "bills"), feature("sms", "usage"), feature("idle", "usage"))


def rows(**factors):
    frame = pd.DataFrame({"arpu_3m": range(50, 1550), "sms": [n % 7 for n in range(1500)], "idle": 1.0})
    return frame.astype(float).assign(**{name: frame[name] * factor for name, factor in factors.items()})


class Model(Additive):
    def contributions(self, X):
        return super().contributions(X.rename(columns={"arpu_3m": "arpu"})).rename(columns={"arpu": "arpu_3m"})


def look(frame):
    return Seen(sketches.sketch(frame, ["arpu_3m", "sms", "idle"]), movers.uses({"churn": Model()}, frame))


def inputs(*changed):
    return {
        name: [InputFile(path, 1, f"{path}{'x' if path in changed else ''}", 1, 0) for path in paths]
        for name, paths in FILES.items()
    }


def cause(monkeypatch, name, before, now, *, changed=(), versions=("churn/1", "churn/1"), check=None):
    old = {table: [vars(file) for file in files] for table, files in inputs().items()}
    meta = {"run_id": "r", "input_files": json.dumps(old), "models": json.dumps({"churn": {"version": versions[0]}})}
    night = SimpleNamespace(
        workspace=None,
        project=SimpleNamespace(features=FEATURES),
        tables=SimpleNamespace(fingerprints=inputs(*changed)),
        champions={"churn": SimpleNamespace(version=versions[1])},
    )
    monkeypatch.setattr(seen, "load", lambda *_: None if before is None else look(before))
    failed = check or Check(name, 1.0, 0.5, False, f"gates.{name}", 0.2, 0.05)
    return Cause.of(night, failed, SimpleNamespace(meta=meta), look(now))


def said(found, lang="en"):
    values = found.values() | {"before": "2026-10-31", "held": "usage.sms"}
    return [text(f"terms.{values[key].removeprefix('@')}", lang, **values) for key in ("cause", "advice")]


def test_usage_in_another_unit_is_named_with_its_newest_file(monkeypatch):
    found = cause(monkeypatch, "level_churn_probability", rows(), rows(sms=60), changed=["usage_10"])
    assert (found.column, found.file, found.tables) == ("sms", "usage_10", ("usage",))
    what, advice = said(found)
    assert "sms (3 → 180)" in what and "usage_10" in what
    assert advice.startswith("look at usage_10 (usage)") and "headwater retrain" in advice
    assert advice.index("headwater retrain") < advice.index("gates.level")


def test_what_is_paid_names_bills(monkeypatch):
    found = cause(monkeypatch, "money_arpu_3m", rows(), rows(arpu_3m=6, sms=60), changed=["bill_10", "usage_10"])
    assert (found.column, found.file, found.limit) == ("arpu_3m", "bill_10", "gates.money")


def test_without_a_new_file_the_mapping_is_looked_at(monkeypatch):
    found = cause(monkeypatch, "level_churn_probability", rows(), rows(sms=60))
    assert found.files == () and "mapping" in said(found)[1]


def test_another_model_is_the_cause_where_there_is_one(monkeypatch):
    found = cause(monkeypatch, "level_churn_probability", rows(), rows(), versions=("churn/1", "churn/2"))
    assert "churn/2 scores instead of churn/1" in said(found)[0]
    assert "headwater rollback churn" in said(found)[1]


def test_small_moves_do_not_explain_a_doubling(monkeypatch):
    """Days went by between two nights; that is not why all scores are twice as high."""
    found = cause(monkeypatch, "level_churn_probability", rows(), rows(sms=1.04), changed=["usage_10"])
    assert found.movers == () and found.known
    assert "explain" in said(found)[0]


def test_a_night_that_kept_nothing_says_so(monkeypatch):
    found = cause(monkeypatch, "level_churn_probability", None, rows(sms=60))
    assert not found.known and "no earlier night" in said(found)[0]


def test_a_size_names_its_table(monkeypatch):
    check = Check("size_usage.sms", 1.0, 0.3, False, "gates.size", 1.0, 2.5)
    found = cause(monkeypatch, "size", rows(), rows(), changed=["usage_10", "bill_10"], check=check)
    assert (found.tables, found.files, found.limit) == (("usage",), ("usage_10",), "gates.money")
    assert "usage.sms" in said(found)[1]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("changed", [(), ("usage_10",)])
@pytest.mark.parametrize("factor", [1, 60])
def test_everything_can_be_said_in_both_languages_and_never_begins_with_a_limit(monkeypatch, lang, changed, factor):
    found = cause(monkeypatch, "level_churn_probability", rows(), rows(sms=factor), changed=changed)
    what, advice = said(found, lang)
    assert what and advice.index("headwater") < advice.index("gates.")


def test_files_that_were_known_are_not_new():
    old = {name: [vars(f) for f in files] for name, files in inputs().items()}
    new = {name: [vars(f) for f in files] for name, files in inputs("bill_10").items()}
    assert causes.new_files(old, new, ("usage", "bills")) == ["bill_10"]
    assert causes.new_files({}, new, ("usage",)) == ["usage_09", "usage_10"]


def test_what_is_compared_with_others_comes_from_the_tables_of_what_it_reads():
    made = (*FEATURES, feature("sms_of_peers", "peers", ["sms"]), feature("both", "wide", ["sms_of_peers", "arpu_3m"]))
    found = causes.sources(made)
    assert (found["sms_of_peers"], found["both"]) == (("usage",), ("usage", "bills"))
