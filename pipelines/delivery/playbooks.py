"""What a playbook would do with published scores, and a playbook as a file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import yaml

from features.errors import HeadwaterError
from pipelines.project import Project
from pipelines.workspace.publication import Publication
from targeting.actions import FACTS, MONEY, REASON_COLUMNS, Chosen, choose, matches, money_of
from targeting.playbook import Action
from targeting.playbook_changes import Changes, changes
from targeting.suppression import UNASKED

READ = tuple(dict.fromkeys((*FACTS, *MONEY, *REASON_COLUMNS.values())))
"""What of a publication decides about actions."""


def preview(project: Project, publication: Publication, playbook: Sequence[Action]) -> Changes:
    """What another playbook would do with the customers of a publication, beside that of the project.

    Parameters
    ----------
    project
        Its playbook and contact policy.
    publication
        Whose customers are looked at.
    playbook
        The other one.

    Raises
    ------
    HeadwaterError
        E436 where the scores are of a release that did not publish what playbooks ask for.
    """
    old = project.settings.actions.playbook
    before, after = chosen(project, publication, old, playbook)
    return changes(before, old, after, playbook)


def chosen(project: Project, publication: Publication, *playbooks: Sequence[Action]) -> list[Chosen]:
    """What each playbook chooses for everybody of a publication, row for row; read in pieces, for they may be millions."""
    if not set(READ) <= set(publication.scores.column_names):
        raise HeadwaterError("E436", as_of=publication.as_of.isoformat())
    unasked = project.settings.contact.consent in UNASKED
    masks: list[list[np.ndarray]] = [[] for _ in playbooks]
    money = []
    for piece in publication.scores.pieces(READ):
        reasons = {name: piece[name] for name in REASON_COLUMNS.values()}
        frame = piece.drop_columns(list(reasons)).to_pandas(date_as_object=True)
        money.append(money_of(frame))
        for mask, playbook in zip(masks, playbooks, strict=True):
            mask.append(matches(frame, reasons, playbook, unasked=unasked))
    everybody = pd.concat(money, ignore_index=True)
    return [choose(np.concatenate(mask), everybody, playbook) for mask, playbook in zip(masks, playbooks, strict=True)]


def as_yaml(playbook: Sequence[Action]) -> str:
    """A playbook as the file that `actions.playbook` names; what is left at its default is left out."""
    return "playbook:\n" + "".join(_rule(action) for action in playbook)


def _rule(action: Action) -> str:
    """A rule as an item of the list, a line for each key."""
    known = action.model_dump(mode="json", exclude_defaults=True)
    lines = [f"{key}: {_flow(value)}" for key, value in known.items()]
    return "  - " + "\n    ".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value on one line; the mark that YAML sets behind a plain one at the end of a document is none of it."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=1_000)
    return text.removesuffix("...\n").strip()
