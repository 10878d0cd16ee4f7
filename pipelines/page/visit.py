"""One request as a page sees it: who asks, in which language, for which night; and how the page answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from features.definition import Feature
from features.errors import HeadwaterError
from pipelines.config import due
from pipelines.delivery.speech import ModelSpeech
from pipelines.page.night import Night
from pipelines.page.page_entry import PageEntry
from pipelines.page.rendering import template
from pipelines.page.security.accounts import Role
from pipelines.page.security.sessions import Session
from pipelines.page.served import Served
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.reasons import Wording
from pipelines.wording.texts import LANGUAGES, has, text
from pipelines.workspace import calls

STATUS = {"E432": 404, "E431": 503, "E340": 503, "E298": 404}
"""Of the answer to an error; others are 400 where what was asked for is wrong, else 500."""


class Refused(Exception):
    """Ends a request with a page that says why: a status and the key of its sentence."""

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status, self.why = status, why


@dataclass(frozen=True)
class Visit(ModelSpeech):
    """What a page is made with.

    `say` looks words up under `report`, `tell` under `page`, `text` anywhere in the catalogue.
    """

    request: Request
    served: Served
    lang: str
    session: Session | None
    words: ClassVar[str] = "page"

    @classmethod
    def of(cls, request: Request) -> "Visit":
        """The visit of a request that the guard has seen."""
        served = request.state.served
        return cls(request, served, _language(request, served), request.state.session)

    @property
    def project(self) -> Project:
        return self.served.project

    @property
    def pages(self) -> Sequence[PageEntry]:
        """The pages of the navigation."""
        return self.served.pages

    def is_at(self, page: PageEntry) -> bool:
        """Is this page the one that is shown, or one below it?"""
        path = self.request.url.path
        return path == page.path or (page.path != "/" and path.startswith(f"{page.path}/"))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Which night is shown: date, run and the version of each model."""
        publication = self.night.publication
        models = [(self.text(f"targets.{target}.name"), version) for target, version in publication.models.items()]
        return [
            (self.tell("data_date"), self.day(publication.as_of)),
            (self.tell("run"), publication.meta["run_id"]),
            *models,
        ]

    @cached_property
    def night(self) -> Night:
        """The published night, the same one for the whole request. Raises E431 before the first publication."""
        return self.served.nights.current()

    @property
    def notices(self) -> list[str]:
        """What is wrong with the night that is shown: a newer one that cannot be read, one that should be there by now."""
        told = []
        if trouble := self.served.nights.trouble:
            told.append(self.tell("not_newest", why=self._why(trouble), day=self.day(self.night.publication.as_of)))
        if late := overdue(self.project, self.night.publication.as_of, calls.now()):
            told.append(errors.sentence(late.problem, "what", self.lang))
        return told

    def _why(self, trouble: HeadwaterError) -> str:
        """Why a night cannot be shown; what a library has found in a damaged file is for whoever runs the nights."""
        code = trouble.problem.code
        known = has(f"page.not_newest_{code}")
        return self.tell(f"not_newest_{code}") if known else errors.sentence(trouble.problem, "what", self.lang)

    @property
    def form(self) -> Mapping[str, str]:
        """The fields of a form that was sent; none for a page that is only looked at."""
        return self.request.state.form

    @property
    def csrf(self) -> str:
        """What a form of this page has to carry."""
        if self.session:
            return self.session.csrf
        return self.request.cookies.get(self.served.form_cookie, "")

    @property
    def who(self) -> str:
        """Name of the account; empty before the login."""
        return self.session.account.name if self.session else ""

    def may(self, role: Role) -> bool:
        """May whoever asks do what this role may?"""
        return self.session is not None and self.session.account.may(role)

    def require(self, role: Role) -> None:
        """Go no further without a role; the try is logged. Raises Refused 403."""
        if not self.may(role):
            self.served.audit.note(self.who, "refused", role=role, path=self.request.url.path)
            raise Refused(403, "role")

    @property
    def currency(self) -> str:
        return self.project.mapping.currency

    @cached_property
    def features(self) -> Mapping[str, Feature]:
        return self.served.nights.features

    @property
    def wording(self) -> Wording:
        return Wording(self.features, self.lang, self.currency)

    def say(self, key: str, **values: Any) -> str:
        """Words of the report; where money is margin, what is said of revenue is said of margin."""
        margin = f"{key}_of_margin"
        return super().say(margin if self.night.margin < 1 and has(f"report.{margin}") else key, **values)

    def text(self, key: str, **values: Any) -> str:
        """Words of the catalogue, by their whole key."""
        return text(key, self.lang, **values)

    def link(self, **changes: Any) -> str:
        """This page with other parameters: what is None goes, everything else stays.

        Parameters
        ----------
        **changes
            Name -> value; lists become repeated parameters.
        """
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name not in changes]
        for name, value in changes.items():
            values = value if isinstance(value, list | tuple) else [] if value is None else [value]
            kept += [(name, each) for each in values]
        return f"{self.request.url.path}?{urlencode(kept)}" if kept else self.request.url.path

    def show(self, file: str, /, status: int = 200, **values: Any) -> Response:
        """A page from a template of `templates/` that extends `base.html`.

        Parameters
        ----------
        file
            Of the template.
        status
            Of the answer.
        **values
            What it shows besides `visit`; `title` is its heading.
        """
        known = {"visit": self, "say": self.say, "tell": self.tell, "t": self.text, "lang": self.lang}
        answer = HTMLResponse(template(file).render(**known | values), status)
        if self.request.query_params.get("lang") in LANGUAGES:
            answer.set_cookie(self.served.lang_cookie, self.lang, httponly=True, samesite="strict", max_age=31_536_000)
        return answer

    def problem(self, status: int, why: str, **values: Any) -> Response:
        """A page that says in one sentence why there is no other."""
        return self.show("problem.html", status, title=self.tell(f"refused_{why}", **values), night=None, lines=[])

    def failed(self, error: HeadwaterError) -> Response:
        """An error of ours as a page: what, what was found, what to do."""
        code = error.problem.code
        status = STATUS.get(code, 400 if error.exit_code in (2, 4) else 500)
        parts = [errors.sentence(error.problem, part, self.lang) for part in ("found", "fix")]
        title = errors.sentence(error.problem, "what", self.lang)
        return self.show("problem.html", status, title=title, code=code, night=None, lines=[p for p in parts if p])


def overdue(project: Project, shown: date, now: datetime) -> HeadwaterError | None:
    """E433 where a later night than the one that is shown had to be published by now; None where nobody said by when.

    Parameters
    ----------
    project
        Its schedule, and the hour of `notify.by`.
    shown
        Date of the night.
    now
        The clock, with its zone.
    """
    settings = project.settings
    if settings.notify.by is None or settings.as_of:  # a configuration that names its date has that one night
        return None
    zone = settings.schedule.timezone
    day = due.due_date(settings.schedule.cron, time.fromisoformat(settings.notify.by), now.astimezone(ZoneInfo(zone)))
    if day is None or day <= shown:
        return None
    return HeadwaterError("E433", as_of=day.isoformat(), by=settings.notify.by, zone=zone)


def _language(request: Request, served: Served) -> str:
    """That of the address, of the cookie, of the project."""
    asked = (
        request.query_params.get("lang"),
        request.cookies.get(served.lang_cookie),
        served.project.settings.language,
    )
    return next(lang for lang in (*asked, LANGUAGES[0]) if lang in LANGUAGES)


async def _visit(request: Request) -> Visit:
    return Visit.of(request)


Asked = Annotated[Visit, Depends(_visit)]
"""The parameter of a page's function."""
