"""`headwater doctor`: what is in order, and what is not with its way out."""

from features.errors import HeadwaterError
from pipelines.cli import doctor
from pipelines.cli.run import Run
from tests.pipelines.cli.calls import document


def test_doctor_finds_everything_in_order(own_operator):
    found = document("doctor")
    assert [f["name"] for f in found["findings"] if f["needed"] and not f["fine"]] == []


def test_an_error_becomes_a_finding_with_its_way_out():
    finding = doctor._failed_finding("champions", HeadwaterError("E521"), Run("doctor", lang="en"), needed=False)
    assert (finding.name, finding.fine, finding.needed) == ("champions", False, False)
    assert finding.detail and "headwater" in finding.fix


def test_a_project_that_cannot_be_opened_has_no_findings_of_its_own(tmp_path):
    run = Run("doctor", config=tmp_path / "nowhere.yaml", lang="en")
    findings = {finding.name: finding for finding in (check(run) for check in doctor.CHECKS.values())}
    assert not findings["configuration"].fine and findings["configuration"].needed
    assert not any(findings[name].needed for name in ("data", "databases", "targets"))


def test_a_look_that_fails_is_a_finding_and_stops_no_other(monkeypatch):
    def broken(run):
        raise RuntimeError("nobody has thought of this")

    found = doctor._checked("fonts", broken, Run("doctor", lang="en"))
    assert (found.name, found.fine) == ("fonts", False) and "nobody has thought of this" in found.detail
