"""What commands say of a list: what became of everybody whom it is about, where it comes from, and what has changed."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from pipelines.cli.run import Run
from pipelines.delivery.export import Exported
from pipelines.delivery.list_filters import in_words, setting_name
from pipelines.wording.formats import NOTHING, masked, number, percent, word
from pipelines.wording.texts import text
from targeting.list_changes import ListChanges
from targeting.ranking import ListCounts

SHOWN = 10
"""Customers who are named, masked, of those who came or went."""


def say_counts(run: Run, counts: ListCounts) -> None:
    """eligible = listed + suppressed + held out + …, in words; then why nobody may be called, and whom filters leave out."""
    lang, separator = run.language, text("lists.and_so_on", run.language)
    parts = {
        "listed": counts.listed,
        "suppressed": sum(counts.suppressed.values()),
        "held_out": counts.held_out,
        "same_account": counts.same_account,
        "beyond": counts.beyond_top,
    }
    shown = [text(f"lists.part.{name}", lang, n=n) for name, n in parts.items() if n or name != "same_account"]
    run.say(text("lists.part.eligible", lang, n=counts.eligible, parts=" + ".join(shown)), style="dim")
    if counts.suppressed:
        named = [
            text("lists.part.reason", lang, reason=word("suppress_reason", reason, lang), n=n)
            for reason, n in counts.suppressed.items()
        ]
        run.say(text("lists.part.suppressed_by", lang, reasons=separator.join(named)), style="dim")
    if counts.filtered:
        run.say(text("lists.part.filtered", lang, n=counts.filtered), style="dim")


def say_withdrawn(run: Run, withdrawn: int) -> None:
    """How many were taken off since the list was drawn; nothing where nobody was."""
    if withdrawn:
        run.say(text("lists.part.withdrawn", run.language, n=withdrawn), style="yellow")


def say_reachable(run: Run, exported: Exported) -> None:
    """How many of a list with contact details can be reached by them; nothing for a list without."""
    if exported.reachable is None:
        return
    run.tell(reachable=exported.reachable, unreachable=exported.unreachable)
    told = text("lists.part.reachable", run.language, n=exported.reachable, of=exported.rows + exported.unreachable)
    run.say(told, style="dim")
    if exported.unreachable:
        run.say(text("lists.part.unreachable", run.language, n=exported.unreachable), style="yellow")


def say_consent(run: Run, consent: str | None) -> None:
    """That consent has to be checked elsewhere, where nobody here knows of it."""
    if consent == "assumed":
        run.say(text("lists.consent_assumed", run.language), style="yellow")


def say_record(run: Run, told: Mapping[str, Any]) -> None:
    """The record of one frozen list as two columns."""
    lang, held_out = run.language, told["holdout"]
    models = ", ".join(told["models"].values())
    rows = [
        ("list_id", told["list_id"]),
        ("as_of", told["as_of"] or NOTHING),
        ("frozen_by", _by(told)),
        ("models", models),
        ("run_id", told["run_id"]),
        ("always_held_out", percent(held_out["always"], lang, 1)),
        ("setting.consent", in_words("consent", told.get("consent") or "recorded", told["kind"], lang)),
        ("held_out_of_this", text("lists.buckets", lang, share=held_out["share"], first=held_out["from_bucket"])),
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in rows:
        table.add_row(text(f"lists.{name}", lang), value)
    for name, value in told["filters"].items():
        table.add_row(setting_name(name, lang), in_words(name, value, told["kind"], lang))
    run.say(table)
    if told["erased"]:
        run.say(text("lists.erased", lang, n=told["erased"]), style="yellow")


def say_heads(run: Run, heads: list[dict[str, Any]]) -> None:
    """The frozen lists, one in a line."""
    lang = run.language
    if not heads:
        run.say(text("lists.none_frozen", lang))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("list_id", "listed_short", "control_short", "frozen_by"):
        table.add_column(text(f"lists.{name}", lang), no_wrap=name == "list_id")
    for head in heads:
        sizes = [number(head["counts"][name], lang) for name in ("listed", "held_out_here")]
        table.add_row(head["list_id"], *sizes, _by(head))
    run.say(table)


def _by(told: Mapping[str, Any]) -> str:
    """Who froze a list, and when, to the minute."""
    return f"{told['who']}, {told['when'][:16].replace('T', ' ')}"


def say_changes(run: Run, changes: ListChanges, kind: str) -> None:
    """Who stayed, came and went between two lists, and whether anybody changed between contact and control."""
    lang = run.language
    counted = {"stayed": changes.stayed, "came": len(changes.came), "went": len(changes.went)}
    run.say(text("lists.changed", lang, **counted))
    for name in ("came", "went"):
        members = getattr(changes, name)
        if len(members):
            ids = ", ".join(masked(customer) for customer in members["customer_id"].head(SHOWN))
            run.say(text(f"lists.{name}", lang, ids=ids + (" …" if len(members) > SHOWN else "")), style="dim")
    if changes.into_control or changes.out_of_control:
        moved = {"into": changes.into_control, "out": changes.out_of_control}
        run.say(text("lists.arms_moved", lang, **moved), style="yellow")
    for name, (before, after) in changes.settings.items():
        values = {"before": in_words(name, before, kind, lang), "after": in_words(name, after, kind, lang)}
        run.say(text("lists.setting_changed", lang, name=setting_name(name, lang), **values))
