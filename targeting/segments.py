"""Whom campaigns help most: the effect in each third of their lists, by the score of before."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from targeting.campaigns import COVARIATES, Outcome, difference, enough
from targeting.effects import Effect, Pooled, pooled

THIRDS = ("lowest", "middle", "highest")


def by_score(members: pd.DataFrame, outcome: Outcome) -> dict[str, Effect]:
    """The effect of one campaign in each third of its list.

    Parameters
    ----------
    members
        As `campaigns.measure` takes them.
    outcome
        What `came` is; the list is cut by the score that was published of it, ties by rank.

    Returns
    -------
    dict
        A third of `THIRDS` -> its effect, adjusted; a third where nothing can be told is left out, and all of them where the
        scores are not known.
    """
    score = COVARIATES[outcome]
    known = members[members["came"].notna() & members[score].notna()]
    order = np.lexsort((-known["rank"].to_numpy(), known[score].to_numpy(dtype=float)))
    parts = dict(zip(THIRDS, np.array_split(order, len(THIRDS)), strict=True))
    rows = {name: known.iloc[part] for name, part in parts.items()}
    return {
        name: difference(part, "came", score) for name, part in rows.items() if enough(part, "came", outcome != "value")
    }


def pooled_by_score(campaigns: Sequence[pd.DataFrame], outcome: Outcome) -> dict[str, Pooled]:
    """The same of several campaigns together: uplift by segment, which one campaign alone is too small to tell.

    Parameters
    ----------
    campaigns
        Members of each, as `campaigns.measure` takes them.
    outcome
        Of all of them.

    Returns
    -------
    dict
        A third -> the effects of at least two campaigns, pooled; others are left out.
    """
    found = [by_score(members, outcome) for members in campaigns]
    effects = {name: [one[name] for one in found if name in one] for name in THIRDS}
    return {name: pooled(several) for name, several in effects.items() if len(several) > 1}
