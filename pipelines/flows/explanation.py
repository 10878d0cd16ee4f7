"""Why one customer has their scores: the published row, its reasons in words, and the score recomputed."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow.compute as pc

from features.errors import HeadwaterError
from models.targets.registry import TARGETS
from pipelines.engine.assembly import Assembly
from pipelines.project import Project
from pipelines.wording import formats
from pipelines.wording.reasons import Wording, sentences
from pipelines.workspace import bundles
from pipelines.workspace.publication import Publication, read_publication


@dataclass(frozen=True)
class Explanation:
    """One customer of a publication.

    Attributes
    ----------
    row
        Their row of the score table, by column.
    reasons
        Sentences by target, the weightiest first; none where nothing scored the target.
    scored_by
        Version of the churn model that was published; None where their churn was not scored.
    recomputed
        The raw churn score, from base and contributions of that model; None where another model is champion now.
    """

    as_of: date
    row: dict[str, Any]
    reasons: dict[str, list[str]]
    scored_by: str | None
    recomputed: float | None


def explain(project: Project, customer: str, as_of: date | None, lang: str) -> Explanation:
    """Explain a customer as they were published.

    Parameters
    ----------
    project
        Its workspace and features.
    customer
        Their id.
    as_of
        A published date; the newest if None.
    lang
        `zh` or `en`.

    Returns
    -------
    Explanation
        Their row, the sentences of its reasons, and the recomputed score.

    Raises
    ------
    HeadwaterError
        E431 where the date is not published, E340 where its file is damaged, E432 where they are not in it.
    """
    publication = read_publication(project.workspace, as_of)
    place = pc.index(publication.scores.select(["customer_id"])["customer_id"], customer).as_py()
    if place < 0:
        raise HeadwaterError("E432", customer=formats.masked(customer), as_of=publication.as_of.isoformat())
    row = publication.scores.take([place]).to_pandas().iloc[0].to_dict()
    wording = Wording({f.column: f for f in project.features}, lang, project.mapping.currency)
    told = [t for t in TARGETS.values() if t.reasons and t.reasons_column in row]  # a target may be younger than a file
    reasons = {target.name: sentences(row[target.reasons_column], wording, most=5) for target in told}
    version = publication.models.get("churn") if row["score_status"] == "ok" else None
    score = _recomputed(project, publication, customer, version) if version else None
    return Explanation(publication.as_of, row, reasons, version, score)


def _recomputed(project: Project, publication: Publication, customer: str, version: str) -> float | None:
    """The raw churn score of one customer from today's champion, if it is still the published version."""
    champion = bundles.champions(project.workspace).get("churn")
    with Assembly(project, project.tables(publication.as_of), [publication.as_of], few=True) as assembly:
        wide = assembly.customer_snapshot(customer)
    if champion is None or champion.version != version or wide.empty:
        return None
    model: Any = champion.model
    return float(model.contributions(wide).sum(axis=1).iloc[0])
