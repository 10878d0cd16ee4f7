"""The templates of the page, which share those of the reports: everything that is not ours is escaped, and a missing value is an error."""

import base64
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

HERE = Path(__file__).parent
REPORTS = HERE.parent / "delivery" / "templates"


@cache
def _environment() -> Environment:
    loader = FileSystemLoader([HERE / "templates", REPORTS])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["picture"] = picture
    return made


def template(name: str) -> Template:
    """A template of the page or of the reports, read once."""
    return _environment().get_template(name)


@cache
def stylesheet() -> str:
    """That of the reports, and what the served page has more."""
    return (REPORTS / "page.css").read_text(encoding="utf-8") + (HERE / "static" / "page.css").read_text(
        encoding="utf-8"
    )


def picture(svg: str, alt: str) -> Markup:
    """A drawing as an image: its own styles count in it, though no page may have any.

    Parameters
    ----------
    svg
        From `<svg` on, as `pipelines.delivery.charts.svg` gives it.
    alt
        What a screen reader says.
    """
    data = base64.b64encode(svg.encode()).decode()
    return Markup('<img class="picture" src="data:image/svg+xml;base64,{}" alt="{}">').format(data, alt)
