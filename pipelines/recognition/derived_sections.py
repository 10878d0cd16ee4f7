"""Sections of a proposed mapping that queries over other files give: customers, bills and usage of purchases and lines."""

from collections.abc import Sequence
from typing import Any

from pipelines.recognition import lines
from pipelines.recognition.choices import Choices
from pipelines.recognition.commented import comment, line
from pipelines.recognition.section_lines import AT_ONCE, query_lines
from pipelines.recognition.tables import Recognised
from pipelines.wording.texts import text


def derived(
    name: str, found: Recognised, sql: str, columns: dict[str, Any], clocks: tuple[str, str], why: str
) -> list[str]:
    """A table of events that a query gives; `clocks`: happened_at and known_at."""
    rows = [f"  {name}:", comment(4, why), *query_lines(found, sql), "    columns:"]
    rows += [line(6, key, value) for key, value in columns.items()]
    return rows + [line(4, clock, said) for clock, said in zip(("happened_at", "known_at"), clocks, strict=True)]


def shape_of(found: Recognised, choices: Choices) -> str | None:
    """The shape of the dates of a table, where a person had to say it; else None."""
    return choices.shapes.get(found.columns["happened_at"])


def derived_customers(sources: Sequence[Recognised], choices: Choices) -> list[str]:
    """Customers who are made of their purchases, from all sources of these. Raises E259 for sources that no query reads together."""
    columns = {"customer_id": "customer", "activated_on": "first_purchase"}
    columns |= {"region": "region"} if "region" in sources[0].columns else {}
    sql = lines.customers(sources, [shape_of(found, choices) for found in sources], once=choices.once)
    return [
        "  customers:",
        comment(4, choices.why("derived_customers")),
        *query_lines(sources[0], sql, *sources[1:]),
        "    columns:",
        *(line(6, key, value) for key, value in columns.items()),
    ]


def derived_bills(found: Recognised, choices: Choices) -> list[str]:
    """A bill for each invoice of its lines."""
    columns = {"bill_id": "bill_id", "customer_id": "customer", "amount": "amount"}
    return derived(
        "bills",
        found,
        lines.bills(found, shape_of(found, choices), once=choices.once),
        columns,
        ("bought_at", AT_ONCE),
        choices.why("derived_bills" if choices.once else "derived_bills_each"),
    )


def derived_usage(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """What customers bought, by day, as usage; its words are added to `words`."""
    measures = lines.measures(found)
    words |= {name: [text(f"init.measure.{name}", lang) for lang in ("en", "zh")] for name in measures}
    columns = {"customer_id": "customer", **{name: name for name in measures}}
    return derived(
        "usage",
        found,
        lines.usage(found, shape_of(found, choices), once=choices.once),
        columns,
        ("day", AT_ONCE),
        choices.why("derived_usage"),
    )
