"""The playbook of a published night, as its metadata keep it: whatever the playbook of today says."""

import json
from collections.abc import Mapping
from typing import Any

from pipelines.workspace.publication import Publication
from targeting.profit import Treatment


def paid_by_rule(publication: Publication) -> dict[str, Treatment]:
    """Rule of the playbook of a publication -> its money; nothing for one of before there were playbooks."""
    told = rules(publication)
    return {rule["rule"]: Treatment(acceptance=rule.get("save_rate", 0.0), **_amounts(rule)) for rule in told}


def rules(publication: Publication) -> list[dict[str, Any]]:
    """The rules of the playbook of a publication; none for one of before there were playbooks."""
    return json.loads(publication.meta.get("playbook", '{"rules": []}'))["rules"]


def _amounts(rule: Mapping[str, Any]) -> dict[str, float]:
    """What is a share of a mean value that nobody had is nothing: then nobody is on a plan either."""
    return {name: amount or 0.0 for name, amount in rule["paid"].items()}
