"""The pyramid of a published date, and who moved on it between two."""

import pandas as pd

from models.scores.score_table import in_pandas
from pipelines.workspace.publication import Publication
from targeting.candidates import Scores
from targeting.pyramid import Pyramid, migration, pyramid
from targeting.tiers import TierSettings

READ = ("tier_current", "arpu_3m", "tier_review")


def pyramid_of(scores: Scores, settings: TierSettings) -> Pyramid:
    """Shares of customers and of revenue by tier.

    Parameters
    ----------
    scores
        A score table; one of before has no reviews.
    settings
        The ladder, for the order of the tiers.
    """
    known = [column for column in READ if column in scores.column_names]
    return pyramid(in_pandas(scores.select(known)), settings.names)


def migration_between(before: Publication, after: Publication, settings: TierSettings) -> pd.DataFrame:
    """How many customers went from which tier to which; rows, columns and errors are those of `targeting.pyramid.migration`.

    Parameters
    ----------
    before, after
        Two published dates.
    settings
        The ladder.
    """
    old, new = (side.scores.select(["customer_id", "tier_current"]).to_pandas() for side in (before, after))
    return migration(old, new, settings.names)
