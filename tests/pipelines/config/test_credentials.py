"""Secrets are named, never written; what they are is in no message."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config import credentials
from pipelines.config.documents import Document
from pipelines.config.mapping import Mapping
from pipelines.config.sources import Source
from pipelines.config.validation import filled
from pipelines.wording import errors

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="*"), min_size=1, max_size=20)


@given(password=TEXTS)
def test_any_password_arrives_and_none_is_shown(password):
    url, hidden = credentials.resolved("postgres://reader:${PW}@host:5432/db?sslmode=require", {"PW": password})
    parts = urlsplit(url)
    assert unquote(parts.password or "") == password
    assert (parts.username, parts.hostname, parts.port, parts.path) == ("reader", "host", 5432, "/db")
    assert password not in credentials.without(f"<{password}>", hidden).strip("<>")
    assert credentials.masked(url) == "postgres://reader:***@host:5432/db?sslmode=require"


def test_a_variable_may_hold_the_whole_url():
    given_url = "postgres://reader:a%40b@host/db"
    url, hidden = credentials.resolved("${DATABASE_URL}", {"DATABASE_URL": given_url})
    assert url == given_url
    assert {"a%40b", "a@b", given_url} <= set(hidden)
    assert credentials.without("FATAL: a@b is wrong", hidden) == "FATAL: *** is wrong"


def test_a_path_keeps_its_slashes_and_options_are_encoded():
    url, _ = credentials.resolved("duckdb://${DATA}/x.duckdb", {"DATA": "/some/where"})
    assert url == "duckdb:///some/where/x.duckdb"
    url, hidden = credentials.resolved("snowflake://a@b/c?token=${T}&x=1", {"T": "s&e=c"})
    assert url == "snowflake://a@b/c?token=s%26e%3Dc&x=1"
    assert credentials.masked(url) == "snowflake://a@b/c?token=***&x=1"
    assert "s&e=c" in hidden


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(value):
    environment = {} if value is None else {"PW": value}
    with pytest.raises(HeadwaterError) as error:
        credentials.resolved("postgres://a:${PW}@b/c", environment)
    assert (error.value.problem.code, error.value.problem.values["name"]) == ("E224", "PW")


@pytest.mark.parametrize(
    ("connection", "name"),
    [
        ("postgres://reader:hunter2@host/db", "password"),
        ("postgres://reader:hun/t@er2@host/db", "password"),
        ("postgres://reader:hunter2${PW}@host/db", "password"),
        ("postgres://reader@host/db?password=hunter2", "password"),
        ("snowflake://reader@host/db?access_token=hunter2", "access_token"),
        ("postgres://reader:${PW}@host/db", None),
        ("postgres://reader@host/db?sslmode=require", None),
        ("postgres://reader:${A}${B}@host/db", None),
        ("${DATABASE_URL}", None),
    ],
)
def test_a_secret_written_out_is_found(connection, name):
    assert credentials.written_out(connection) == name


def test_a_refused_connection_stands_in_no_message():
    secret = "hunter2"
    for source in (
        {"connection": f"postgres://reader:{secret}@host/db", "table": "x"},
        {"connection": f"postgres://reader:{secret}@host/db", "table": "x", "wrong": 1},
        f"postgres://reader:{secret}@host/db",
        {"path": f"postgres://reader:{secret}@host/db", "table": f"postgres://reader:{secret}@host/db"},
    ):
        content = {"tables": {"bills": {"source": source, "columns": {}}}}
        with pytest.raises(HeadwaterError) as error:
            filled(Mapping, content, Document("mapping.yaml", content))
        told = f"{error.value} {error.value.__cause__} {errors.lines(error.value, 'en')} {errors.as_dict(error.value, 'zh')}"
        assert secret not in told


def test_the_source_keeps_the_name_and_not_the_value(monkeypatch):
    monkeypatch.setenv("PW", "hunter2")
    source = Source(connection="postgres://a:${PW}@b/c", table="bills")
    assert "hunter2" not in source.model_dump_json() + repr(source)
