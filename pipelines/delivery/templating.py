"""Pages from templates: everything that is not ours is escaped, and a missing value is an error."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from pipelines.wording.texts import LANGUAGES


@cache
def template(name: str) -> Template:
    """A template of `templates/`, read once."""
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def languages(first: str) -> tuple[str, ...]:
    """Both languages, this one first."""
    return (first, *(other for other in LANGUAGES if other != first))
