"""A list in the order of a model of uplift: only where the last measurement has adopted one, and by what it was judged on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.errors import HeadwaterError
from models.scores.score_table import in_pandas
from pipelines.project import Project
from pipelines.workspace import campaign_records, campaigns
from targeting import uplift
from targeting.candidates import Scores
from targeting.known_before import FEATURES
from targeting.uplift import Fitted


@dataclass(frozen=True)
class UpliftOrder:
    """What a list is ordered by.

    Attributes
    ----------
    label
        Channel, learner and campaigns: stands in the record of the list.
    fitted
        On everybody of these campaigns.
    """

    label: str
    fitted: Fitted

    def of(self, scores: Scores) -> np.ndarray:
        """What a contact is expected to change for each row of a score table; NaN outside the scores that campaigns have reached."""
        return self.fitted.uplift(in_pandas(scores.select(list(FEATURES))))


def adopted(project: Project, outcome: str, channel: str) -> UpliftOrder:
    """The model of uplift that the last `campaign measure --all` has adopted for an action.

    Parameters
    ----------
    project
        Its workspace.
    outcome
        What the campaigns were to change: the kind of the list.
    channel
        Of the campaigns.

    Raises
    ------
    HeadwaterError
        E537 (exit 5) where none is adopted, or its campaigns cannot be compared any more, E205 where a campaign of it is gone, E371 for what is damaged.
    """
    told = campaign_records.measurement(project.workspace, campaign_records.TOGETHER) or {"uplift": []}
    wanted = (outcome, channel.strip().casefold())
    found = [one for one in told["uplift"] if (one["outcome"], one["channel"]) == wanted and one["adopted"]]
    learner = _fitted(project, found[0]) if found else None
    if learner is None:
        known = [one["channel"] for one in told["uplift"] if one["adopted"] and one["outcome"] == outcome]
        raise HeadwaterError("E537", outcome=outcome, channel=channel, known=", ".join(known) or "—")
    return UpliftOrder(" · ".join([wanted[1], found[0]["adopted"], *found[0]["ids"]]), learner)


def _fitted(project: Project, told: Mapping[str, Any]) -> Fitted | None:
    lists = [_members(project, name) for name in told["ids"]]
    return uplift.fitted(lists, told["outcome"], told["adopted"])


def _members(project: Project, name: str) -> pd.DataFrame:
    """Everybody of a campaign with what became of them, as it was measured last."""
    members, facts = campaigns.read(project.workspace, name).members, campaign_records.facts(project.workspace, name)
    came = facts[["customer_id", "came"]]
    rows = members.merge(came, on="customer_id", how="inner", validate="one_to_one")
    return rows.assign(unit=rows["account_id"].fillna(rows["customer_id"]))
