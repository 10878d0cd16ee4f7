"""`headwater init DIR`: looks at files, asks what only a person can know, writes a project, makes the first list."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from features.errors import HeadwaterError, Problem
from pipelines.cli.run import PROJECT, Run, command
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import load
from pipelines.recognition import evidence, places, proposal, raw_tables, rhythm, tables, together
from pipelines.recognition.configuration_text import MAPPING, configuration_text
from pipelines.recognition.mapping_text import mapping_text
from pipelines.recognition.proposal import Proposal
from pipelines.recognition.questions import Question
from pipelines.recognition.raw_tables import Folder
from pipelines.recognition.tables import Recognised
from pipelines.wording import errors
from pipelines.wording.texts import has, text
from pipelines.workspace import files, paths

SHOWN = (
    "customer_id",
    "activated_on",
    "deactivated_on",
    "status",
    "left",
    "happened_at",
    "amount",
    "bill_id",
    "quantity",
    "plan",
)
"""Meanings that tell why a table is what it is, in this order."""

init_app = typer.Typer()


@command(init_app, "init")
def init(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Where your files are; the project is written beside them.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what is proposed.")] = False,
    answer: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE: answers a question in advance; repeatable.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a project that is there already.")] = False,
    only: Annotated[bool, typer.Option("--only-write", help="Write the files and stop: no training, no list.")] = False,
) -> None:
    """Make a project of a folder of files: recognise, ask, write configuration and mapping, check, make the first list."""
    given = _given(answer or [])
    found = raw_tables.folder(folder)
    proposed = Proposal(folder, together.recognised(found.tables), run.language)
    _show(run, proposed, found)
    _require_customers(proposed)
    _ask_all(run, proposed, given, yes=yes)
    _write(run, proposed, yes=yes, overwrite=overwrite)
    _say_consent(run, proposed)
    if only or not _wanted(run, yes, given):
        _say_next(run, proposed)
        return
    _first_list(run, proposed)


def _say_consent(run: Run, proposed: Proposal) -> None:
    """Whoever may be contacted was not said: the first list is to look at, and that is not left to a comment in a file."""
    if proposed.answers["consent"] == "nobody":
        run.tell(unanswered=["consent"])
        run.say(text("init.consent_unanswered", run.language), style="bold yellow")


def _given(answers: Sequence[str]) -> dict[str, str]:
    """`horizon=90` -> {horizon: 90}. Raises E254 for what is no pair."""
    pairs = [pair.partition("=") for pair in answers]
    if wrong := next((key for key, sign, _ in pairs if not sign), None):
        raise HeadwaterError("E254", given=wrong, key="KEY", choices="KEY=VALUE")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _show(run: Run, proposed: Proposal, found: Folder) -> None:
    """What each file is, and why."""
    lang = run.language
    count = len({path for table in found.tables for path in table.paths})
    run.say(
        text("init.looked", lang, folder=paths.relative_path(proposed.folder), files=count, tables=len(found.tables))
    )
    table = _grid(lang)
    for each in proposed.found:
        table.add_row(*_row(each, proposed.folder, lang))
    run.say(table)
    delivered = _delivered(found, proposed.folder, lang)
    for line in (*_left_out(proposed, lang), *_unread(found, lang), *delivered, *_notes(proposed)):
        run.say(line)
    run.tell(tables=[_facts(each) for each in proposed.found])


def _grid(lang: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("file", "rows", "table", "sure", "because"):
        table.add_column(text(f"init.column.{column}", lang))
    return table


def _row(found: Recognised, folder: Path, lang: str) -> tuple[str, ...]:
    name = text(f"init.table.{found.table or ('leads' if found.leads else 'unknown')}", lang)
    shown = ", ".join(f"{found.columns[m]} → {m}" for m in SHOWN if m in found.columns)
    sure = text(f"init.sure.{_level(found)}", lang) if found.table else ""
    title = found.raw.title.removeprefix(str(folder)).lstrip("/")
    several = f" ({len(found.raw.paths)})" if len(found.raw.paths) > 1 else ""
    return f"{title}{several}", f"{found.raw.rows:,}", name, sure, shown if found.table else _lack(found, lang)


def _lack(found: Recognised, lang: str) -> str:
    """Why a table is left out."""
    header = ", ".join(found.raw.header)
    if found.leads:
        return text("init.lacks.leads", lang)
    if found.rival:
        return text("init.lacks.second", lang, table=text(f"init.table.{found.rival}", lang))
    if not found.lacks:
        return text("init.lacks.everything", lang, columns=header)
    table, missing = found.lacks
    nearest = text(f"init.table.{table}", lang)
    said = [text(f"init.lacks.{name}", lang) if has(f"init.lacks.{name}") else name for name in missing]
    return text("init.lacks.some", lang, table=nearest, missing=", ".join(said), columns=header)


def _level(found: Recognised) -> str:
    return "high" if found.confidence >= 0.8 else "medium" if found.confidence >= 0.6 else "low"


def _facts(found: Recognised) -> dict[str, object]:
    return {
        "source": found.raw.title,
        "rows": found.raw.rows,
        "table": found.table or None,
        "confidence": round(found.confidence, 2),
        "columns": found.columns,
    }


def _left_out(proposed: Proposal, lang: str) -> Iterator[str]:
    """What to do about files that nothing is made of, in the very place where they are named."""
    titles = [
        each.raw.title.removeprefix(str(proposed.folder)).lstrip("/")
        for each in proposed.found
        if not (each.table or each.leads)
    ]
    if titles:
        yield text("init.lacks.advice", lang, files=", ".join(titles), n=len(titles))


def _unread(found: Folder, lang: str) -> Iterator[str]:
    for each in found.unread:
        kind = "error" if each.error else each.why
        yield text(f"init.unread.{kind}", lang, file=each.path.name, **_words(each.error, lang))


def _words(error: HeadwaterError | None, lang: str) -> dict[str, str]:
    """What is wrong with a file and what to do, in words."""
    parts = ("what", "fix") if error else ()
    return {part: errors.sentence(error.problem, part, lang) for part in parts if error}


def _delivered(found: Folder, folder: Path, lang: str) -> Iterator[str]:
    """What tells of files that they are whole, and which are not yet."""
    for table in found.tables:
        said = [table.source.marker, table.source.manifest and table.source.manifest.path]
        names = ", ".join(name.removeprefix(f"{folder}/") for name in said if name)
        if names:
            yield text("init.delivered", lang, table=table.title.removeprefix(f"{folder}/"), names=names)
        if table.arriving:
            files = ", ".join(path.name for path in table.arriving)
            yield text("init.arriving", lang, files=files)


def _notes(proposed: Proposal) -> Iterator[str]:
    """What is good to know before anything is answered."""
    lang = proposed.lang
    yield from _joins(proposed)
    for found in proposed.found:
        if found.table and len(codes := places.currencies(found.raw)) > 1:
            yield text("init.currencies", lang, table=found.raw.title, codes=", ".join(codes[:5]), code=codes[0])
        if found.raw.share > 1:
            yield text("init.partly", lang, table=found.raw.title, share=found.raw.share)
        if link := found.raw.link:
            words = {"file": link.raw.title.rpartition("/")[2], "key": link.key, "customer": link.customer}
            yield text("init.linked", lang, table=text(f"init.table.{found.table}", lang), own=link.own, **words)
        if found.raw.customer:
            yield _by_values(proposed, found)
        if found.repeated is not None:
            names = {"file": found.raw.title, "first": proposed.sources(found.table)[0].raw.title}
            table = text(f"init.table.{found.table}", lang)
            yield text("init.further", lang, table=table, share=found.repeated, **names)
        for column in found.raw.turned:
            yield text("init.turned", lang, table=text(f"init.table.{found.table}", lang), column=column)
    if proposed.passed:
        column, share = proposed.passed
        yield text("init.passed", lang, column=column, share=share)
    if proposed.customers is None and proposed.money:
        yield text("init.derived", lang)
    if money := proposed.money:
        name = text(f"init.table.{money.table}", lang)
        for key, share in (("anonymous", proposal.anonymous(money)), ("returns", evidence.returned(money))):
            if share:
                yield text(f"init.{key}", lang, table=name, share=share)


def _by_values(proposed: Proposal, found: Recognised) -> str:
    """Which column is taken for the customer because of what is in it."""
    anchor = together.with_customers(proposed.found)
    assert anchor is not None and found.raw.customer is not None, "told where there is both"
    share = tables.contained(found.raw, found.raw.customer, anchor.raw, anchor.columns["customer_id"])
    words = {"table": text(f"init.table.{found.table}", proposed.lang), "file": found.raw.title}
    return text("init.by_values", proposed.lang, share=share, column=found.raw.customer, **words)


def _joins(proposed: Proposal) -> Iterator[str]:
    """Whether the customers of other tables are those of the table of customers: a line for each where some are not."""
    lang, customers = proposed.lang, proposed.customers
    if customers is None or "customer_id" not in customers.columns:
        return
    others = [found for found in proposed.found if found.table and found is not customers]
    key, name = customers.columns["customer_id"], customers.raw.title.rpartition("/")[2]
    shares = [tables.contained(found.raw, found.columns["customer_id"], customers.raw, key) for found in others]
    if others and min(shares) == 1.0:
        yield text("init.all_join", lang, customers=name)
        return
    for found, share in zip(others, shares, strict=True):
        words = {"table": text(f"init.table.{found.table}", lang), "column": found.columns["customer_id"]}
        yield text("init.joins", lang, share=share, customers=name, **words)


def _require_customers(proposed: Proposal) -> None:
    """Raises E256 where neither customers nor their purchases were found, E258 where nothing tells who has left."""
    if proposed.customers is None and proposed.money is None:
        raise HeadwaterError("E256", file=proposed.folder)
    if proposed.customers and not proposed.businesses():
        raw = proposed.customers.raw
        raise HeadwaterError("E258", file=raw.title, columns=", ".join(raw.header))


def _ask_all(run: Run, proposed: Proposal, given: dict[str, str], *, yes: bool) -> None:
    """Every question gets its answer: given, typed, or the default. Raises E252 or E254."""
    shown = False
    for question in proposed.questions():
        if question.key == "horizon" and not shown:
            _picture(run, proposed)
            shown = True
        if question.key == "business":
            for line in _not_counted(proposed):
                run.say(line)
            run.say(text(f"init.business.{proposed.guessed_business}", run.language, because=_because(proposed)))
        proposed.answers[question.key] = _answer(run, question, given, yes=yes)
        if question.key == "copies":
            run.say(text(f"init.copies.{proposed.answers['copies']}", run.language, **question.values))
    plan = proposed.plan
    if plan and (not plan.fits or plan.horizon < proposed.horizon):
        need = rhythm.needed_days(proposed.horizon, proposed.delay)
        run.say(text("init.too_short", run.language, has=plan.has, need=need, horizon=proposed.horizon))


def _not_counted(proposed: Proposal) -> Iterator[str]:
    """Which purchases do not count, if some do not."""
    for found in proposed.sources(proposed.money.table) if proposed.money else []:
        if found.raw.left_out:
            column, values = found.raw.left_out
            name = text(f"init.table.{found.table}", proposed.lang)
            yield text("init.void", proposed.lang, table=name, column=column, values=", ".join(values))


def _because(proposed: Proposal) -> str:
    lang, customers = proposed.lang, proposed.customers
    if proposed.guessed_business == "purchases" or customers is None:
        return text("init.because.purchases", lang)
    if proposed.series:
        column, raw = customers.columns["left"], customers.raw
        values = {"column": column, "months": proposed.months, "rows": raw.rows, "share": evidence.yes_share(customers)}
        return text("init.because.series", lang, **values)
    if proposed.guessed_business == "folds":
        column = customers.columns["left"]
        share = evidence.yes_share(customers)
        return text("init.because.left", lang, column=column, rows=customers.raw.rows, share=share)
    if "deactivated_on" in customers.columns:
        return text("init.because.ended", lang, column=customers.columns["deactivated_on"])
    codes = ", ".join(code.value for code in proposed.codes if code.left)
    return text("init.because.status", lang, column=customers.columns["status"], codes=codes)


def _picture(run: Run, proposed: Proposal) -> None:
    """The gaps between purchases, and what history allows."""
    plan, lang = proposed.proposed, run.language
    if proposed.business == "purchases" and proposed.money:
        gaps = proposed.gaps
        run.say(text("init.picture.title", lang, returns=gaps.returns, customers=gaps.customers))
        for line in rhythm.bars(gaps.shares, proposed.horizon):
            run.say(line)
    if plan and proposed.first and proposed.as_of:
        need = rhythm.needed_days(plan.horizon, proposed.delay)
        run.say(
            text(
                "init.picture.history",
                lang,
                first=proposed.first,
                last=proposed.as_of,
                has=plan.has,
                horizon=plan.horizon,
                need=need,
            )
        )


def _answer(run: Run, question: Question, given: dict[str, str], *, yes: bool) -> str:
    """Given in advance, typed, or the default. Raises E252 where nobody may guess, E254 for what is no answer."""
    said = text(f"init.ask.{question.key.partition('.')[0]}", run.language, **question.values)
    if question.key in given:
        return _checked(question, given[question.key])
    if not yes:
        return _typed(run, question, said)
    if question.default is None:
        raise HeadwaterError("E252", question=said, key=question.key, example=(question.choices or ("…",))[0])
    return question.default


def _checked(question: Question, answer: str) -> str:
    if not question.accepts(answer):
        raise HeadwaterError("E254", given=answer, key=question.key, choices=question.allowed)
    return answer


def _typed(run: Run, question: Question, said: str) -> str:
    """What a person types; an empty line takes the default. Raises E252 where there is nobody."""
    run.say()
    run.say(said, style="bold")
    for choice in question.choices:
        mark = "*" if choice == question.default else " "
        words = _choice_words(choice, run.language)
        run.say(f"  {mark} {choice:<12} {words}".rstrip())
    while True:
        typed = _line(f"  [{question.default or ''}] > ")
        if typed is None:
            raise HeadwaterError("E252", question=said, key=question.key, example=(question.choices or ("…",))[0])
        answer = typed or question.default
        if answer and question.accepts(answer):
            return answer
        run.say("  " + text("init.ask.again", run.language, given=typed, choices=question.allowed))


def _choice_words(choice: str, lang: str) -> str:
    return text(f"init.choice.{choice}", lang) if has(f"init.choice.{choice}") else ""


def _line(prompt: str) -> str | None:
    """A line from the terminal; None where nobody is there."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line.strip() if line else None


def _write(run: Run, proposed: Proposal, *, yes: bool, overwrite: bool) -> None:
    """Both files, once they are known to be read without an error. Raises E253 for files that may not be replaced."""
    mapped = mapping_text(proposed.found, proposed.choices())
    configured = _tried(proposed, mapped)
    for name, content in ((MAPPING, mapped), (PROJECT, configured)):
        path = proposed.folder / name
        if path.exists() and path.read_text(encoding="utf-8") != content and not overwrite:
            _may_replace(run, path, yes=yes)
        files.write_text(path, content)
    shown = {
        key: paths.relative_path(proposed.folder / name)
        for key, name in (("configuration", PROJECT), ("mapping", MAPPING))
    }
    run.tell(**shown, answers=proposed.answers)
    run.say()
    run.say(text("init.wrote", run.language, **shown))


def _tried(proposed: Proposal, mapped: str) -> str:
    """The configuration to a mapping, both read once. Raises E2xx that names them as they would lie in the folder; a
    mapping that is not there yet is left there, so that it can be mended."""
    with TemporaryDirectory() as folder:
        draft = Path(folder)
        try:
            (draft / MAPPING).write_text(mapped, encoding="utf-8")
            configured = configuration_text(proposed, load_mapping(draft / MAPPING))
            (draft / PROJECT).write_text(configured, encoding="utf-8")
            load(draft / PROJECT, environment={})
        except HeadwaterError as error:
            if not (proposed.folder / MAPPING).exists():
                files.write_text(proposed.folder / MAPPING, mapped)
            raise _moved(error, draft, proposed.folder) from error
    return configured


def _moved(error: HeadwaterError, draft: Path, folder: Path) -> HeadwaterError:
    """The same error of files in another folder."""

    def moved(said: str) -> str:
        return said.replace(str(draft), str(folder))

    def values(problem: Problem) -> dict[str, object]:
        return {name: moved(said) if isinstance(said, str) else said for name, said in problem.values.items()}

    problems = [replace(p, file=moved(str(p.file)) if p.file else None, values=values(p)) for p in error.problems]
    return HeadwaterError.of(problems)


def _may_replace(run: Run, path: Path, *, yes: bool) -> None:
    """Raises E253 unless a person says yes."""
    question = Question("overwrite", "no", ("yes", "no"), {"file": paths.relative_path(path)})
    said = text("init.ask.overwrite", run.language, **question.values)
    if yes or _typed(run, question, said) != "yes":
        raise HeadwaterError("E253", file=paths.relative_path(path))


def _wanted(run: Run, yes: bool, given: dict[str, str]) -> bool:
    return _answer(run, Question("list", "yes", ("yes", "no")), given, yes=yes) == "yes"


def _commands(proposed: Proposal) -> list[str]:
    """What to type next, in order."""
    config = paths.relative_path((proposed.folder / PROJECT).absolute())
    day = f" --as-of {proposed.as_of}" if proposed.as_of else ""
    return [f"headwater {verb} -c {config}{day}" for verb in ("data check", "retrain", "nightly")]


def _say_next(run: Run, proposed: Proposal) -> None:
    commands = _commands(proposed)
    run.tell(next=commands)
    run.say(text("init.next", run.language), style="bold")
    for line in commands:
        run.say(f"  {line}")


def _first_list(run: Run, proposed: Proposal) -> None:
    """Check, train, one night; what stops it leaves the files and says how to go on."""
    from pipelines.cli.demo import first_night

    run.config = proposed.folder / PROJECT
    run.record()
    try:
        first_night(run, proposed.as_of or run.as_of(None))
    except HeadwaterError:
        run.say(text("init.stopped", run.language))
        for line in _commands(proposed)[1:]:
            run.say(f"  {line}")
        raise
