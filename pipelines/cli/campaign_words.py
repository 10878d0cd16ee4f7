"""What commands say of campaigns."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from pipelines.cli.run import Run
from pipelines.delivery import campaign_words as words
from pipelines.delivery import registration_words, uplift_words
from pipelines.wording.formats import number, percent
from pipelines.wording.texts import text
from pipelines.workspace.campaigns import Campaign

if TYPE_CHECKING:
    from pipelines.flows.campaign_contacts import Contacts
    from pipelines.flows.campaign_registration import Registered
    from pipelines.flows.campaigns import Look
    from pipelines.ingest.campaigns_on_record import OnRecord


def say_registered(run: Run, found: "Registered") -> None:
    """What was registered, what can be expected of it, and what speaks against it."""
    styles = {"warning": "yellow", "next": "dim"}
    for kind, line in registration_words.registered(found.as_dict(), run.project.mapping.currency, run.language):
        run.say(escape(line), style=styles.get(kind, ""))


def say_overview(run: Run, rows: Sequence[Mapping[str, Any]]) -> None:
    """The campaigns, one in a line."""
    lang = run.language
    if not rows:
        run.say(text("campaigns.none", lang))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("id", "name", "outcome", "days", "treated", "control", "matures_on", "status"):
        table.add_column(text(f"campaigns.column.{name}", lang), no_wrap=name == "id")
    for row in rows:
        days = text("campaigns.range", lang, start=row["start"], end=row["end"])
        sizes = [number(row[name], lang) for name in ("treated", "control")]
        outcome = text(f"campaigns.outcome.{row['outcome']}", lang)
        facts = [row["campaign"], escape(row["name"]), outcome, days, *sizes, row["matures_on"]]
        table.add_row(*facts, words.status(row, lang))
    run.say(table)


def say_unregistered(run: Run, found: "Sequence[OnRecord]") -> None:
    """Campaigns that only the contacts table knows, one in a line; nothing where there are none."""
    if not found:
        return
    lang = run.language
    table = Table(box=None, pad_edge=False, title=text("campaigns.unregistered", lang), title_justify="left")
    for title in words.unregistered_titles(lang):
        table.add_column(title)
    for row in words.unregistered(found, lang):
        table.add_row(*map(escape, row))
    run.say(table)


def say_contacts(run: Run, campaign: Campaign, found: "Contacts") -> None:
    """What a file told of contacts."""
    lang, terms = run.language, campaign.terms
    days = text("campaigns.range", lang, start=terms.start, end=terms.end)
    counts = {"rows": len(found.rows), "people": found.rows["customer_id"].nunique()}
    others = {"strangers": found.strangers, "outside": found.outside}
    run.say(text("campaigns.contacts_read", lang, **counts, **others, days=days))


def say_look(run: Run, told: Mapping[str, Any]) -> None:
    """One campaign: the verdict, both arms, every figure, and what weakens them."""
    lang, currency = run.language, run.project.mapping.currency
    run.say(escape(f"{told['name']} · {told['campaign']}"), style="bold")
    run.say(escape(words.verdict(told, currency, lang)))
    if "treated" in told:
        table = Table(box=None, pad_edge=False)
        for title in words.arm_titles(told["outcome"], lang):
            table.add_column(title, justify="left" if not title else "right")
        for row in words.arms(told, currency, lang):
            table.add_row(*row)
        run.say(table)
    if told.get("effect"):
        figures = Table(box=None, show_header=False, pad_edge=False)
        for name, value in words.figures(told, currency, lang):
            figures.add_row(name, escape(value))
        run.say(figures)
        _say_segments(run, told["segments"], told["outcome"])
    for remark in words.remarks(told, currency, lang):
        run.say(escape(remark), style="yellow")
    run.say()


def _say_segments(run: Run, found: Sequence[Mapping[str, Any]], outcome: str) -> None:
    """Effects by segment, one in a line; nothing where there are none."""
    if not found:
        return
    lang = run.language
    table = Table(box=None, pad_edge=False, title=text("uplift.by_segment", lang), title_justify="left")
    for title in uplift_words.segment_titles(lang):
        table.add_column(title)
    for row in uplift_words.segments(found, outcome, run.project.mapping.currency, lang):
        table.add_row(*map(escape, row))
    run.say(table)
    run.say(text("uplift.all_at_once", lang), style="dim")


def say_uplift(run: Run, found: Sequence[Mapping[str, Any]]) -> None:
    """Whether a model of uplift is used for an action, and by which figures."""
    lang = run.language
    for told in found:
        run.say(escape(uplift_words.verdict(told, lang)))
        rows = list(uplift_words.orders(told, run.project.mapping.currency, lang))
        if rows:
            table = Table(box=None, pad_edge=False)
            for title in uplift_words.order_titles(lang):
                table.add_column(title)
            for row in rows:
                table.add_row(*map(escape, row))
            run.say(table)


def say_together(run: Run, looks: "Sequence[Look]", told: Mapping[str, Any]) -> None:
    """Campaigns of one outcome together, and whether they differ."""
    from pipelines.flows import campaigns as flow

    lang, currency = run.language, run.project.mapping.currency
    for name, pooled in told.items():
        means = {key: escape(words.difference(pooled[key], name, currency, lang)) for key in ("fixed", "random")}
        outcome = text(f"campaigns.outcome.{name}", lang)
        run.say(text("campaigns.together", lang, n=pooled["campaigns"], outcome=outcome, fixed=means["fixed"]))
        if pooled["between"] > 0:
            share = percent(pooled["inconsistency"], lang)
            run.say(text("campaigns.differ", lang, share=share, random=means["random"]))
        for third, found in pooled["thirds"].items():
            known = {"third": text(f"campaigns.third.{third}", lang), "score": text(f"campaigns.score.{name}", lang)}
            effect = escape(words.difference(found, name, currency, lang))
            run.say(text("campaigns.in_third", lang, **known, effect=effect))
        if pooled["thirds"]:
            run.say(text("campaigns.thirds_are_guesses", lang), style="dim")
        _say_segments(run, pooled["segments"], name)
    weak = sum(flow.weak(one) for one in looks if one.found)
    if weak:
        run.say(text("campaigns.left_out", lang, n=weak), style="dim")
