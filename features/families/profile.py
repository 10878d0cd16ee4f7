"""Who the customer is: what never changes, and how long he has been with us."""

import ibis.expr.types as ir

from features.definition import feature

UNSAID = ("not recorded", "未记录")


@feature(
    "customers",
    unit="text",
    label=("customer type", "客户类型"),
    zh="客户类型",
    null=UNSAID,
    reason="profile",
    no_events=None,
)
def customer_type(rows: ir.Table) -> ir.Value:
    """Personal, family, group and the like, as recorded."""
    return rows.customer_type.max()


@feature(
    "customers",
    unit="text",
    label=("group size", "集团规模"),
    zh="集团客户规模",
    null=UNSAID,
    reason="profile",
    no_events=None,
)
def group_size(rows: ir.Table) -> ir.Value:
    """Size class of a group customer."""
    return rows.group_size.max()


@feature(
    "customers", unit="text", label=("region", "地市"), zh="所在地市", null=UNSAID, reason="profile", no_events=None
)
def region(rows: ir.Table) -> ir.Value:
    """Region as recorded."""
    return rows.region.max()


@feature(
    "customers", unit="days", label=("days with us", "在网天数"), zh="入网以来的天数", reason="tenure", no_events=None
)
def tenure_days(rows: ir.Table) -> ir.Value:
    """Days since the customer joined."""
    return rows.age.max().cast("float64")


@feature(
    "customers",
    unit="months",
    label=("months with us", "在网月数"),
    zh="入网以来的整月数",
    reason="tenure",
    no_events=None,
)
def tenure_months(rows: ir.Table) -> ir.Value:
    """Whole months since the customer joined, a month being 30.4375 days."""
    return (rows.age.max().cast("float64") / 30.4375).floor().cast("float64")


@feature(
    "customers",
    unit="months",
    label=("closed months with us", "已出账月数"),
    zh="在网以来已出账的自然月数，入网当月计入",
    reason="tenure",
    no_events=None,
)
def months_known(rows: ir.Table) -> ir.Value:
    """Calendar months with us whose bills must be known by now, the joining month included."""
    return rows.closed.max().cast("float64")


@feature(
    "attributes",
    unit="text",
    label=("{attribute} on record", "{attribute}（登记）"),
    zh="登记的{attribute}，由映射文件声明",
    null=UNSAID,
    reason="profile",
    no_events=None,
    per="attribute",
)
def attribute(rows: ir.Table, attribute: str) -> ir.Value:
    """The customer's {attribute} as recorded: an attribute that the mapping declares and that never changes."""
    return rows[attribute].max()
