"""What a model goes by: its features by their share in the scores, and which of them do not stay from origin to origin."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.delivery.speech import ModelSpeech

MOST_FEATURES = 10
"""That are shown."""


@dataclass(frozen=True)
class Driver:
    """A feature and its share; between which shares it lay over the origins, and whether that is stable.

    `stable` is None where one origin only has told it.
    """

    column: str
    share: float
    least: float = 0.0
    most: float = 0.0
    stable: bool | None = None


def rows(page: ModelSpeech, known: Iterable[Driver]) -> list[dict[str, str]]:
    """Finished words of the most important features, the largest share first.

    Parameters
    ----------
    page
        Its language and features.
    known
        In any order; a feature without a share is not shown.
    """
    shown = sorted((d for d in known if d.share > 0), key=lambda d: (-d.share, d.column))[:MOST_FEATURES]
    return [
        {
            "name": page.feature(driver.column),
            "column": driver.column,
            "share": page.share(driver.share),
            "width": f"{driver.share / shown[0].share:.0%}",
            "unstable": _unstable(page, driver),
        }
        for driver in shown
    ]


def _unstable(page: ModelSpeech, driver: Driver) -> str:
    """Between which shares a feature lay where it did not count alike at every origin; otherwise nothing."""
    if driver.stable is not False:
        return ""
    return page.say("unstable", low=page.share(driver.least), high=page.share(driver.most))
