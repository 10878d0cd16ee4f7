"""Blocks of a customer's surroundings: what others of their region, or with another attribute of theirs, did lately.

Whoever is in the table of customers counts, scored or not, by what was on record at the cutoff. What somebody did
themselves is in no figure of theirs.
"""

import ibis
import ibis.expr.types as ir

from features.contracts import CONTRACTS
from features.definition import ROW
from features.series import NOTHING
from features.settings import FeatureSettings
from features.visible import CLOCKS, Tables, as_known, known, since, visible, with_us

LEFT_DAYS = (28, 90)
"""Days in which those who left are looked for."""
EVENT_DAYS = 28
"""Days of complaints and of payments that are counted."""


def surroundings_left(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per customer: of each attribute's others `<attribute>_left_<days>` and as many as `<attribute>_expected_<days>`
    would have, had they left as often as everybody; null where the attribute is, or where nobody left anywhere."""
    rows, people = _everybody(spine, tables)
    here = with_us(people, people.as_of)
    left = {days: _left_within(people, days) for days in LEFT_DAYS}
    people = people.mutate(
        **{f"there_{days}": (here | those).cast("int64") for days, those in left.items()},
        **{f"left_{days}": those.cast("int64") for days, those in left.items()},
    )
    return _beside(rows.mutate(own_left=0), people, "left", LEFT_DAYS)


def surroundings_complaints(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The same of complaints of customers with us: `<attribute>_complaints_<days>`."""
    return _events(spine, tables, tables["complaints"], "complaints")


def surroundings_payments(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The same of payments of customers with us, `<attribute>_payments_<days>`: neither refunds nor attempts that failed."""
    payments = tables["payments"]
    made = payments.filter((payments.amount >= 0) & ~payments.failed.fill_null(False))
    return _events(spine, tables, made, "payments")


def groupings(customers: ir.Table) -> list[str]:
    """The region, and each attribute in words that a mapping declares."""
    ours = {column.name for column in CONTRACTS["customers"].columns} - {"region"}
    return [c for c in customers.columns if c not in {*ours, *CLOCKS} and customers[c].type().is_string()]


def _everybody(spine: ir.Table, tables: Tables) -> tuple[ir.Table, ir.Table]:
    """The spine with its groups `in_<attribute>`, and everybody who had joined, as they were known on its dates."""
    customers = tables["customers"]
    clocks = [c for c in CLOCKS if c in customers.columns]
    groups = {f"in_{c}": customers[c] for c in groupings(customers)}
    told = customers.select("customer_id", "activated_on", "deactivated_on", *clocks, **groups)
    rows = as_known(spine.select(ROW, "customer_id", "as_of", "cutoff", "activated_on"), told)
    seen_from = spine.select("as_of", "cutoff").distinct()
    people = seen_from.join(told, [told.activated_on < seen_from.as_of, known(seen_from.cutoff, told)])
    return rows, people.drop(*clocks)


def _left_within(people: ir.Table, days: int) -> ir.BooleanValue:
    """Had somebody left by the as-of date, no more than so many days before it?"""
    ago = people.as_of.delta(people.deactivated_on, unit="day") - 1
    return ((ago >= 0) & (ago < days)).fill_null(False)


def _events(spine: ir.Table, tables: Tables, events: ir.Table, name: str) -> ir.Table:
    """One row per customer with the others' events of the last days, and those that would be expected."""
    rows, people = _everybody(spine, tables)
    recent = since(spine, events, EVENT_DAYS)
    here = people.filter(with_us(people, people.as_of))
    seen = visible(here, recent, EVENT_DAYS)
    seen = seen.filter(seen.happened_on.notnull())
    kept = ["as_of", *[c for c in people.columns if c.startswith("in_")]]
    counted = {f"there_{EVENT_DAYS}": (1, 0), f"{name}_{EVENT_DAYS}": (0, 1)}
    both = here.select(*kept, **{c: ibis.literal(n, "int64") for c, (n, _) in counted.items()})
    both = both.union(seen.select(*kept, **{c: ibis.literal(n, "int64") for c, (_, n) in counted.items()}))
    theirs = visible(spine.select(ROW, "customer_id", "as_of", "cutoff", "activated_on"), recent, EVENT_DAYS)
    theirs = theirs.group_by(ROW).aggregate(**{f"own_{name}": theirs.happened_on.count()})
    return _beside(rows.left_join(theirs, ROW).drop(f"{ROW}_right"), both, name, (EVENT_DAYS,))


def _beside(rows: ir.Table, people: ir.Table, name: str, days: tuple[int, ...]) -> ir.Table:
    """Each group's sums without the customer's own, and what the sums of everybody else lead to expect of it."""
    counted = [f"{kind}_{d}" for d in days for kind in ("there", name)]
    groups = [c.removeprefix("in_") for c in people.columns if c.startswith("in_")]
    cells = people.group_by("as_of", *[f"in_{group}" for group in groups])
    cells = cells.aggregate(**{c: people[c].sum() for c in counted})  # once for all groups, and far fewer rows
    whole = cells.group_by("as_of").aggregate(**{f"all_{c}": cells[c].sum() for c in counted})
    rows = rows.left_join(whole, "as_of").drop("as_of_right")
    for group in groups:
        key = f"in_{group}"
        sums = cells.group_by("as_of", key).aggregate(**{f"{group}_all_{c}": cells[c].sum() for c in counted})
        rows = rows.left_join(sums, ["as_of", key]).drop("as_of_right", f"{key}_right")
    made = {column: value for group in groups for d in days for column, value in _others(rows, group, name, d).items()}
    return rows.select(ROW, **made)


def _others(rows: ir.Table, group: str, name: str, days: int) -> dict[str, ir.Value]:
    """What was seen of the others of a group, and what was to be expected at the rate of all others."""
    own = rows[f"own_{name}"]
    seen = rows[f"{group}_all_{name}_{days}"] - own
    all_seen = (rows[f"all_{name}_{days}"] - own).cast("float64")
    there = (rows[f"{group}_all_there_{days}"] - 1).cast("float64")
    all_there = (rows[f"all_there_{days}"] - 1).cast("float64")
    expected = ibis.ifelse((all_seen > 0) & (there > 0), there * all_seen / all_there, NOTHING)
    return {f"{group}_{name}_{days}": seen.cast("float64"), f"{group}_expected_{days}": expected}
