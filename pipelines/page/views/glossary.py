"""What every word and every figure means, in the language of the page."""

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.delivery import report
from pipelines.page.visit import Asked
from pipelines.wording.texts import Language
from pipelines.wording.vocabulary import vocabulary

router = APIRouter()


@router.get("/glossary")
def glossary(visit: Asked) -> Response:
    """Terms first, then figures with their formulas."""
    lang: Language = "zh" if visit.lang == "zh" else "en"
    return visit.show(
        "glossary.html",
        title=visit.tell("nav_glossary"),
        terms=[(term.word(lang), term.meaning[lang]) for term in vocabulary().values()],
        formulas=report.glossary(lang),
    )
