"""Who is told: secrets stand in the environment alone, and what does not fit is refused with its place."""

from pathlib import Path

import pytest
import yaml

from features.errors import HeadwaterError
from pipelines.config import settings
from tests.demo_project import ROOT


def written(folder: Path, **notify: object) -> Path:
    content = yaml.safe_load((ROOT / "configs" / "operator.yaml").read_text(encoding="utf-8")) | {"notify": notify}
    path = folder / "operator.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    (folder / "mappings").symlink_to(ROOT / "configs" / "mappings")
    (folder / "playbook.yaml").symlink_to(ROOT / "configs" / "playbook.yaml")
    return path


def test_a_receiver_in_short_is_one_of_everything(tmp_path):
    path = written(
        tmp_path, receivers={"ops": "${HEADWATER_NOTIFY_OPS}", "sales": {"url": "${S}", "about": ["no_list"]}}
    )
    notify = settings.load(path, environment={}).notify
    assert notify.for_kind("failure") == ["ops"] and notify.for_kind("no_list") == ["ops", "sales"]


@pytest.mark.parametrize(
    "notify",
    [
        {"receivers": {"ops": {"url": "${OPS}", "about": ["everything"]}}},
        {"receivers": {"ops": {"url": "${OPS}", "about": []}}},
        {"by": "6 o'clock"},
        {"by": "24:00"},
        {"warnings": 0},
        {"warnings": ["E401"]},
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(tmp_path, notify):
    with pytest.raises(HeadwaterError) as error:
        settings.load(written(tmp_path, **notify), environment={})
    assert error.value.problem.code == "E204"
    assert error.value.problem.column.startswith("notify.")


@pytest.mark.parametrize(
    "url", ["dingtalk://geheim", "mailto://me:geheim@example.com?to=${TO}", "json://x?token=geheim"]
)
def test_an_address_that_is_written_out_is_refused_and_not_repeated(tmp_path, url):
    with pytest.raises(HeadwaterError) as error:
        settings.load(written(tmp_path, receivers={"ops": url}), environment={})
    assert error.value.problem.code == "E293" and error.value.problem.column == "notify.receivers.ops.url"
    assert "geheim" not in str(error.value)


def test_variables_of_receivers_are_no_settings_and_settings_of_notify_are(tmp_path):
    path = written(tmp_path)
    environment = {"HEADWATER_NOTIFY_OPS": "json://x", "HEADWATER_NOTIFY__BY": "05:30"}
    assert settings.load(path, environment=environment).notify.by == "05:30"
    with pytest.raises(HeadwaterError) as error:
        settings.load(path, environment={"HEADWATER_NOTIFY__BUY": "1"})
    assert error.value.problem.code == "E221"


def test_who_is_told_changes_no_run(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    plain = settings.load(written(one), environment={})
    told = settings.load(written(two, receivers={"ops": "${OPS}"}, by="06:00"), environment={})
    assert plain.fingerprint() == told.fingerprint()


def test_who_is_told_is_known_where_the_rest_is_wrong(tmp_path):
    path = written(tmp_path, receivers={"ops": "${OPS}"})
    path.write_text(path.read_text(encoding="utf-8") + "unheard_of: 1\n", encoding="utf-8")
    with pytest.raises(HeadwaterError):
        settings.load(path, environment={})
    found = settings.load_notify(path)
    assert found is not None and found.name == "operator" and list(found.notify.receivers) == ["ops"]
    path.write_text("notify: [", encoding="utf-8")
    assert settings.load_notify(path) is None
    assert settings.load_notify(tmp_path / "nothing.yaml") is None


def test_a_schedule_that_is_none_is_refused_at_once(tmp_path):
    path = written(tmp_path)
    for key, value in {"HEADWATER_SCHEDULE__CRON": "every night", "HEADWATER_SCHEDULE__RETRAIN": "0 25 * * *"}.items():
        with pytest.raises(HeadwaterError) as error:
            settings.load(path, environment={key: value})
        assert error.value.problem.code == "E204"
    assert settings.load(path, environment={"HEADWATER_SCHEDULE__RETRAIN": "null"}).schedule.retrain is None
