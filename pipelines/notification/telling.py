"""Somebody is told: once when something goes wrong, once when it is over, and never so that a night fails of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from features.errors import HeadwaterError, Problem
from pipelines.config.settings import Settings
from pipelines.notification import messages
from pipelines.notification.messages import Subject
from pipelines.wording import errors
from pipelines.workspace import incidents
from pipelines.workspace.incidents import Incident, Message, State
from pipelines.workspace.paths import Workspace

ENDED_BY = {"nightly": ("nightly", "score", "late"), "score": ("score",), "retrain": ("retrain",), "late": ("late",)}
"""What a command that went well puts an end to. Scores without lists do not end a failed night."""
WATCHING = ("monitor",)
"""Commands each of whose warnings asks for something: one is told alone, and told from others by what it is about."""
ALONE = ("W721", "W722")
"""Warnings that are told however few a night has: what training needs is not there, or who should begin the next night."""
ROUTINE = ("W262",)
"""Warnings that are told as what they are, and do not count as warnings."""

Told = tuple[str, Message]
"""What kind of thing it is, which decides who is told, and the message."""


@dataclass(frozen=True)
class Teller:
    """Tells the receivers of one project.

    Attributes
    ----------
    settings
        Of the project; of those that could not be read whole at least `notify`, `name` and `language`.
    workspace
        Where it is written down what has been told.
    now
        The time that incidents are dated by, with its zone.
    warn
        Gets a warning for a receiver that does not answer.
    """

    settings: Settings
    workspace: Workspace
    now: datetime
    warn: Callable[[Problem], None]

    def failed(self, command: str, as_of: date | None, error: HeadwaterError, stage: str, *, published: bool) -> None:
        """A command ended with an exit code; the same failure of the same date is told once, and what stopped the night
        already is not told again by who looks at it.

        Parameters
        ----------
        command
            Its name.
        as_of
            Its date; None where it did not come to one.
        error
            Why.
        stage
            The step that failed.
        published
            Were its scores out already?
        """
        problem = error.problem
        line = f"{command} {as_of or ''} {problem.code}: {messages.cause(problem, self.settings.language)}"
        what = ":".join(filter(None, (problem.code, problem.file, problem.column)))
        incident = self._incident("failure", command, as_of, what, " ".join(line.split()))
        message = messages.failure(self._subject(command, as_of), error, stage, published=published)
        known = _known_otherwise if command in WATCHING else _never
        self._update(lambda state: (state, []) if known(state, incident) else _opened(state, incident, message))

    def killed(self, command: str, as_of: date | None, stage: str, since: str) -> None:
        """A command began and its process is gone.

        Parameters
        ----------
        command
            Its name.
        as_of
            Its date.
        stage
            The step that it had come to.
        since
            When it began.
        """
        message = messages.killed(self._subject(command, as_of), stage, since)
        incident = self._incident("failure", command, as_of, f"killed {since}", message.title)
        self._update(lambda state: _opened(state, incident, message))

    def late(self, as_of: date, by: str, *, unfinished: bool, causes: Sequence[Problem] = ()) -> None:
        """Nothing of a date is published although the hour has passed; told once.

        Parameters
        ----------
        as_of
            The date that is due.
        by
            The hour.
        unfinished
            Are its scores out, and only lists and report missing?
        causes
            What may be why.
        """
        subject, zone = self._subject("late", as_of), self.settings.schedule.timezone

        def change(state: State) -> tuple[State, list[Told]]:
            known = [each for each in state.open if each.kind == "failure" and each.as_of == as_of.isoformat()]
            told = [*(each.line for each in known), *(messages.cause(each, subject.lang) for each in causes)]
            message = messages.late(subject, by, zone, told, unfinished=unfinished)
            return _opened(state, self._incident("late", "late", as_of, "", message.title), message)

        self._update(change)

    def made_up(self, as_of: date) -> None:
        """A past night was made: what was told of that very date is over, and nothing of any other."""

        def change(state: State) -> tuple[State, list[Told]]:
            over = tuple(each for each in _over(state, "nightly", as_of) if each.as_of == as_of.isoformat())
            return self._ended(state, "nightly", as_of, over)

        self._update(change)

    def in_time(self, as_of: date) -> None:
        """What is due is published; what was late is told to be over, and what waits is sent."""
        self._update(lambda state: self._ended(state, "late", as_of, _over(state, "late", as_of)))

    def succeeded(self, command: str, as_of: date, warnings: Sequence[Problem], *, listless: bool) -> None:
        """A command went well: what it had been told for is over; its warnings, and that it has no list, are told.

        Parameters
        ----------
        command
            Its name.
        as_of
            Its date.
        warnings
            Of the night, the routine ones left out.
        listless
            Did it end without anybody on a list?
        """

        def change(state: State) -> tuple[State, list[Told]]:
            over = _over(state, command, as_of, lists=not listless)
            state, told = self._ended(state, command, as_of, over)
            for part in (self._warned, self._without_list if listless else _nothing):
                state, more = part(state, command, as_of, warnings)
                told += more
            return state, told

        self._update(change)

    def _ended(self, state: State, command: str, as_of: date, over: tuple[Incident, ...]) -> tuple[State, list[Told]]:
        if not over:
            return state, []
        message = messages.recovery(self._subject(command, as_of), over)
        return state.without(over), [("recovery", message)]

    def _warned(self, state: State, command: str, as_of: date, problems: Sequence[Problem]) -> tuple[State, list[Told]]:
        """Warnings above the level, told again only when a new one joins them; their end is told."""
        shown = self._above(command, problems)
        before = tuple(each for each in state.open if (each.kind, each.command) == ("warning", command))
        if not shown:
            return self._ended(state, command, as_of, before)
        codes = {_subject_of(problem) if command in WATCHING else problem.code for problem in shown}
        known = {code for each in before for code in each.what.split()}
        message = messages.warnings(self._subject(command, as_of), shown)
        incident = self._incident("warning", command, None, " ".join(sorted(codes)), " ".join(sorted(codes)))
        incident = replace(incident, since=before[0].since) if before else incident
        return state.without(before).with_incident(incident), [] if codes <= known else [("warning", message)]

    def _above(self, command: str, problems: Sequence[Problem]) -> list[Problem]:
        """The warnings that are told by `notify.warnings`; of a night below the level those that are told alone."""
        level = self.settings.notify.warnings
        counted = [problem for problem in problems if problem.code not in ROUTINE]
        if isinstance(level, tuple):
            return [problem for problem in counted if problem.code in level]
        if level is None:
            return []
        enough = len(counted) >= level or command in WATCHING
        return counted if enough else [problem for problem in counted if problem.code in ALONE]

    def _without_list(
        self, state: State, command: str, as_of: date, problems: Sequence[Problem]
    ) -> tuple[State, list[Told]]:
        reasons = [problem for problem in problems if problem.code in ("W261", "W239", "W262")]
        message = messages.no_list(self._subject(command, as_of), reasons or [_listless(as_of)])
        incident = self._incident("no_list", command, as_of, "", message.title)
        return _opened(state, incident, message)

    def _subject(self, command: str, as_of: date | None) -> Subject:
        name, lang = self.settings.name, self.settings.language
        return Subject(name, lang, command, as_of, self.workspace.serving_date())

    def _incident(self, kind: str, command: str, as_of: date | None, what: str, line: str) -> Incident:
        day = as_of.isoformat() if as_of else ""
        return Incident(kind, command, day, what, self.now.isoformat(timespec="minutes"), line)

    def _update(self, change: Callable[[State], tuple[State, list[Told]]]) -> None:
        """Change what is known, and send what follows from it; whatever goes wrong with that is a warning."""
        if not self.settings.notify.receivers:
            return
        try:
            with incidents.locked(self.workspace):
                before = incidents.read(self.workspace)
                queued = self._queued(*change(before))
                if queued != before:
                    self._written(queued)
                if queued.waiting:
                    self._written(self._sent(queued))
        except Exception as error:  # telling never changes what becomes of a night
            self._warn_unwritten(error)

    def _queued(self, state: State, told: list[Told]) -> State:
        """Every message waits for those who are told of its kind; who is no receiver any more waits no longer."""
        waiting = {name: state.waiting.get(name, ()) for name in self.settings.notify.receivers}
        for kind, message in told:
            for name in self.settings.notify.for_kind(kind):
                waiting[name] = (*waiting[name], message)
        state = replace(state, waiting={})
        for name, kept in waiting.items():
            state = state.with_waiting(name, kept)
        return state

    def _written(self, state: State) -> None:
        """On disk before anything is sent: who is killed meanwhile sends again, and forgets nothing."""
        try:
            incidents.write(self.workspace, state)
        except HeadwaterError as error:  # a full disk is a reason to tell, not one to be silent
            self._warn_unwritten(error)

    def _sent(self, state: State) -> State:
        """Send all that waits; a receiver that does not take one gets the rest another time."""
        from pipelines.notification import receivers  # a second, for those who have something to tell

        for name, kept in state.waiting.items():
            for number, message in enumerate(kept):
                try:
                    receivers.send(self.settings.notify.receivers[name], message)
                except (receivers.Undelivered, HeadwaterError) as error:
                    self.warn(Problem("W717", values={"name": name, "detail": reason(error, self.settings.language)}))
                    state = state.with_waiting(name, kept[number:])
                    break
            else:
                state = state.with_waiting(name, ())
        return state

    def _warn_unwritten(self, error: Exception) -> None:
        detail = reason(errors.translate(error), self.settings.language)
        self.warn(Problem("W718", values={"detail": detail}))


def reason(error: Exception, lang: str) -> str:
    """Why a receiver was not told, in words."""
    return messages.cause(error.problem, lang) if isinstance(error, HeadwaterError) else str(error)


def _opened(state: State, incident: Incident, message: Message) -> tuple[State, list[Told]]:
    """An incident is told when it is new. What has no date is a configuration that cannot be read, whoever finds it."""
    same = {known.what for known in state.open if known.kind == incident.kind and not known.as_of}
    if state.knows(incident) or (not incident.as_of and incident.what in same):
        return state, []
    return state.with_incident(incident), [(incident.kind, message)]


def _over(state: State, command: str, as_of: date, *, lists: bool = True) -> tuple[Incident, ...]:
    """What a command that went well for a date puts an end to: failures, lateness and lists that were missing."""
    kinds = ("failure", "late", "no_list") if lists else ("failure", "late")
    ended, day = ENDED_BY.get(command, (command,)), as_of.isoformat()
    return tuple(each for each in state.open if each.kind in kinds and each.command in ended and each.as_of <= day)


def _subject_of(problem: Problem) -> str:
    """The code of a warning and the model or tables that it is about, as one word."""
    about = problem.values.get("target") or problem.values.get("tables") or ""
    return ":".join(filter(None, (problem.code, str(about).replace(", ", "+"))))


def _known_otherwise(state: State, incident: Incident) -> bool:
    """Has another command told of the same cause and date?"""
    told = {(each.as_of, each.what) for each in state.open if each.kind == "failure"}
    return (incident.as_of, incident.what) in told


def _never(*_: object) -> bool:
    return False


def _nothing(state: State, *_: object) -> tuple[State, list[Told]]:
    return state, []


def _listless(as_of: date) -> Problem:
    return Problem("W262", values={"as_of": as_of.isoformat()})
