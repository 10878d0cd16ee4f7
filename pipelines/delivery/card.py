"""The model card: one self-contained HTML page in both languages, from the record of a training and the configuration."""

from datetime import date
from pathlib import Path
from typing import Any

from markupsafe import Markup

from features.errors import HeadwaterError
from models.targets.registry import TARGETS
from pipelines.delivery import card_impact, card_models, report_models
from pipelines.delivery.card_data import CardData, CardModel, CardPage
from pipelines.delivery.templating import languages, template
from pipelines.project import Project
from pipelines.wording.texts import text
from pipelines.workspace import bundles, evaluations, files
from pipelines.workspace.publication import read_publication


def render(data: CardData, lang: str = "zh", *, drawn: bool = True) -> str:
    """The page as text, in both languages.

    Parameters
    ----------
    data
        What it tells of.
    lang
        The language that is shown first.
    drawn
        With pictures, which take most of the time? The tracking store has its own beside the card.

    Returns
    -------
    str
        The same data gives the same text.
    """
    pages = [_view(CardPage(data, language), drawn) for language in languages(lang)]
    return str(template("card.html").render(pages=pages, lang=lang))


def _view(page: CardPage, drawn: bool) -> dict[str, Any]:
    """Everything that the template shows in one language."""
    data = page.data
    return {
        "lang": page.lang,
        "say": page.say,
        "tell": page.tell,
        "name": data.settings.name,
        "title": page.tell("title"),
        "facts": [
            (text(f"targets.{card.target}.name", page.lang), card.version or page.tell("not_registered"))
            for card in data.models
        ],
        "models": [_model(page, card, drawn) for card in data.models],
        "unknown": [page.tell("no_evaluation", version=version) for version in data.unknown],
    }


def _model(page: CardPage, card: CardModel, drawn: bool) -> dict[str, Any]:
    pictures = report_models.pictures(page, card.asked, card.evaluation) if drawn else []
    marked = [picture | {"svg": Markup(picture["svg"])} for picture in pictures]
    return card_models.model(page, card) | {"impact": card_impact.impact(page, card), "pictures": marked}


def card_data(project: Project, as_of: date | None = None) -> CardData:
    """The champions' card, or that of the models which scored a published date.

    Parameters
    ----------
    project
        Its workspace and settings.
    as_of
        A published date; None for the champions in force.

    Returns
    -------
    CardData
        In the order of the registry; versions of before whose evaluation is not kept are named.

    Raises
    ------
    HeadwaterError
        E521 (exit 5) where there is no champion, and what `read_publication` raises.
    """
    named = _champions(project) if as_of is None else read_publication(project.workspace, as_of).models
    kept = {target: evaluations.load(project.workspace, named[target]) for target in TARGETS if target in named}
    models = [CardModel(target, named[target], *found) for target, found in kept.items() if found]
    unknown = [named[target] for target, found in kept.items() if not found]
    return CardData(project.settings, models, {f.column: f for f in project.features}, unknown)


def _champions(project: Project) -> dict[str, str]:
    """Target -> version. Raises E521 where there is none."""
    entries = bundles.champion_entries(project.workspace)
    if not entries:
        raise HeadwaterError("E521")
    return {target: entry["version"] for target, entry in entries.items()}


def write_card(project: Project, as_of: date | None = None, out: Path | None = None, lang: str | None = None) -> Path:
    """Write the card.

    Parameters
    ----------
    project
        Its workspace and language.
    as_of
        A published date; None for the champions in force.
    out
        The file; in the workspace if None.
    lang
        The language that is shown first; the project's if None.

    Returns
    -------
    pathlib.Path
        The file.
    """
    path = out or project.workspace.model_card(as_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    return files.write_text(path, render(card_data(project, as_of), lang or project.settings.language))
