"""Raw files of a demo are made once, and again only where other ones are asked for."""

import pytest

from pipelines.demo import raw_files, samples
from pipelines.demo.simulator import simulate


@pytest.fixture
def calls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(simulate, "simulate", lambda folder, *rest: calls.append((str(folder), *rest)))
    monkeypatch.setattr(samples, "write_cdnow", lambda folder: calls.append(str(folder)))
    return calls


def test_the_same_files_are_made_once(calls):
    folders = {raw_files.make("operator", 100, 7) for _ in range(2)}
    assert calls == [("data/operator/raw", 100, 7)] and [str(folder) for folder in folders] == ["data/operator"]


def test_other_sizes_and_seeds_are_other_files(calls):
    for customers, seed in ((100, 7), (200, 7), (200, 8)):
        raw_files.make("operator", customers, seed)
    assert [call[1:] for call in calls] == [(100, 7), (200, 7), (200, 8)]


def test_a_real_set_has_one_size(calls):
    raw_files.make("cdnow", 100, 7)
    raw_files.make("cdnow", 200, 8)
    assert calls == ["data/cdnow/raw"]


def test_files_that_were_not_finished_are_made_again(calls, monkeypatch):
    raw_files.make("cdnow", 1, 1)
    monkeypatch.setattr(simulate, "simulate", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        raw_files.make("operator", 100, 7)
    monkeypatch.setattr(simulate, "simulate", lambda *call: calls.append(call[1:]))
    raw_files.make("operator", 100, 7)
    assert calls[-1] == (100, 7)
