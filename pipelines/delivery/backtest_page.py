"""The page of a backtest: one self-contained HTML page in both languages that makes no outside requests."""

from pathlib import Path
from typing import Any

from pipelines.delivery import backtest_models
from pipelines.delivery.backtest_data import BacktestData, BacktestPage
from pipelines.delivery.templating import languages, template
from pipelines.workspace import files


def render(data: BacktestData, lang: str = "zh") -> str:
    """The page as text, in both languages.

    Parameters
    ----------
    data
        What it tells of.
    lang
        The language that is shown first.

    Returns
    -------
    str
        The same data gives the same text.
    """
    pages = [_view(BacktestPage(data, language)) for language in languages(lang)]
    return str(template("backtest.html").render(pages=pages, lang=lang))


def _view(page: BacktestPage) -> dict[str, Any]:
    """Everything that the template shows in one language."""
    data = page.data
    most = max((len(origins) for origins in data.results.values()), default=0)
    return {
        "lang": page.lang,
        "say": page.say,
        "tell": page.tell,
        "name": data.name,
        "as_of": page.day(data.as_of),
        "title": page.tell("title"),
        "facts": [(page.tell("as_of"), page.day(data.as_of)), (page.tell("origins_n"), page.count(most))],
        "models": [backtest_models.model(page, origins) for origins in data.results.values()],
    }


def write_page(path: Path, data: BacktestData, lang: str) -> Path:
    """Write the page.

    Parameters
    ----------
    path
        The file.
    data
        What it tells of.
    lang
        The language that is shown first.

    Returns
    -------
    pathlib.Path
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return files.write_text(path, render(data, lang))
