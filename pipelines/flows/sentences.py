"""What a step says in a line once it is done, in words; facts for programs stand beside it."""

from collections.abc import Mapping
from typing import Any

from features.errors import HeadwaterError
from pipelines.config.settings import Settings
from pipelines.ingest.tables import RowCount, Tables
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace.progress import Steps


def rows_read(tables: Tables, lang: str) -> str:
    """Rows used and left out over all tables, and how many files had to be read for that."""
    counts, files = tables.counts.values(), tables.files
    filtered = sum(count.filtered for count in counts)
    return text(
        "steps.rows",
        lang,
        tables=len(tables.counts),
        used=sum(count.used for count in counts),
        quarantined=sum(count.quarantined for count in counts),
        duplicates=sum(count.duplicates for count in counts),
        filtered=text("steps.rows_filtered", lang, n=filtered) if filtered else "",
        read=files["read"],
        files=files["read"] + files["known"],
    )


def row_counts(counts: Mapping[str, RowCount]) -> dict[str, dict[str, int]]:
    """Per table: in = used + quarantined + duplicates + filtered, and how many of the filtered ones are of erased customers."""
    return {name: {key.rstrip("_"): n for key, n in vars(count).items()} for name, count in counts.items()}


def customers_scored(facts: Mapping[str, Any], lang: str) -> str:
    """How many were scored, are at high risk and are potential VIPs; what nothing scores is left out."""
    parts = [name for name in ("scored", "high_risk", "potential_vips") if facts[name] is not None]
    return text("terms.line.comma", lang).join(text(f"steps.{name}", lang, n=facts[name]) for name in parts)


def warn_left_out(settings: Settings, steps: Steps) -> None:
    """Tell of the targets that are not predicted because a table is not there; who left one out on purpose knows it."""
    for problem in settings.left_out.values():
        if "table" in problem.values:
            steps.warn(errors.render_line(problem, steps.lang))


def not_trained(target: str, error: HeadwaterError, lang: str) -> str:
    """The code of the problem, what it is and what to do.

    Parameters
    ----------
    target
        Its name.
    error
        Why.
    lang
        `zh` or `en`.

    Returns
    -------
    str
        One line.
    """
    problem = error.problem
    parts = [errors.sentence(problem, part, lang) for part in ("what", "found", "fix")]
    line = f"{problem.code} " + " · ".join(filter(None, parts))
    return text("steps.not_trained", lang, target=target, problem=line)
