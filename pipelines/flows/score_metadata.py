"""The metadata of a score file: what its rows follow from."""

import math
from collections.abc import Sequence
from dataclasses import asdict

from models.scores.score_table import SCHEMA_VERSION
from pipelines.engine import scoring
from pipelines.flows.night import Night
from pipelines.workspace import publication
from pipelines.workspace.journal import code_version
from targeting.actions import Chosen, costs
from targeting.playbook import Action


def score_metadata(night: Night) -> dict[str, str]:
    """Everything that is known of the rows before they are made, for the file that holds them. All text."""
    assert night.tables is not None
    project = night.project
    return publication.as_texts(
        run_id=night.run_id,
        as_of=night.as_of.isoformat(),
        schema_version=SCHEMA_VERSION,
        models={n: {"version": c.version, "sha256": c.sha256} for n, c in night.champions.items()},
        feature_set_hash=project.feature_set_hash,
        inputs=night.tables.fingerprint,
        input_files={n: [vars(f) for f in files] for n, files in night.tables.fingerprints.items()},
        high_value=scoring.targets_of(night.champions, project.settings).vip.high_value.model_dump(),
        value_margin=scoring.margin_of(night.champions),
        consent=project.settings.contact.consent or "",
        code_version=code_version(),
        config_sha256=project.settings.fingerprint(),
    )


def playbook_metadata(chosen: Chosen, playbook: Sequence[Action]) -> dict[str, str]:
    """The playbook of a night with its costs in money, so that its rules can be told after it was changed. All text."""
    rules = []
    for action in playbook:
        paid = {name: _known(amount) for name, amount in asdict(costs(action, chosen.mean_value)).items()}
        rules.append(action.model_dump(mode="json", exclude_defaults=True) | {"rule": action.name} | {"paid": paid})
    return publication.as_texts(playbook={"rules": rules, "mean_value": _known(chosen.mean_value)})


def _known(amount: float) -> float | None:
    """Rounded; None where it is not a number, which JSON has none of."""
    return None if math.isnan(amount) else round(amount, 6)
