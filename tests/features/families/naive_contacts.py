"""The twin of contacts."""

from fractions import Fraction
from typing import Any

from tests.features.figures import since, within


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family; who was left alone as a control was not in contact."""
    rows = [row for row in seen["contacts"] if row["arm"] != "control"]
    figures: dict[str, Any] = {}
    for direction, windows in (("inbound", (30, 90, 365)), ("outbound", (90, 365))):
        for n in windows:
            inside = within(who, rows, n)
            figures[f"{direction}_contacts_{n}d"] = sum(row["direction"] == direction for row in inside)
    half = within(who, rows, 180)
    figures["campaign_contacts_180d"] = sum(row["arm"] == "treated" for row in half)
    figures["contact_channels_180d"] = len({row["channel"] for row in half} - {None})
    begun = {d: [row for row in rows if row["direction"] == d] for d in ("inbound", "outbound")}
    ours, theirs = (len(within(who, begun[d], 365)) for d in ("outbound", "inbound"))
    return figures | {
        "days_since_contact": since(who, rows),
        "days_since_inbound": since(who, begun["inbound"]),
        "days_since_outbound": since(who, begun["outbound"]),
        "inbound_change_90d": 2 * len(within(who, begun["inbound"], 90)) - len(within(who, begun["inbound"], 180)),
        "inbound_share_365d": Fraction(theirs, theirs + ours) if theirs + ours else None,
    }
