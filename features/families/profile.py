"""Who the customer is: what never changes, and how long they have been with us."""

import ibis.expr.types as ir

from features.definition import Kind
from features.grains import Customer

UNSAID = ("not recorded", "未记录")

texts = Kind(Customer, "customers", unit="text", reason="profile", null=UNSAID, no_events=None)
times = Kind(Customer, "customers", unit="months", reason="tenure", no_events=None)
numbers = Kind(Customer, "attributes", unit="number", reason="profile", null=UNSAID, no_events=None, per="number")
attributes = Kind(Customer, "attributes", unit="text", reason="profile", null=UNSAID, no_events=None, per="attribute")


@texts("customer type", "客户类型")
def customer_type(customer: Customer) -> ir.Scalar:
    """Personal, family, group and the like, as recorded.
    客户类型"""
    return customer.customer_type


@texts("group size", "集团规模")
def group_size(customer: Customer) -> ir.Scalar:
    """Size class of a group customer.
    集团客户规模"""
    return customer.group_size


@texts("region", "地市")
def region(customer: Customer) -> ir.Scalar:
    """Region as recorded.
    所在地市"""
    return customer.region


@times("days with us", "在网天数", unit="days")
def tenure_days(customer: Customer) -> ir.Scalar:
    """Days since the customer joined.
    入网以来的天数"""
    return customer.age.cast("float64")


@times("months with us", "在网月数")
def tenure_months(customer: Customer) -> ir.Scalar:
    """Whole months since the customer joined, a month being 30.4375 days.
    入网以来的整月数"""
    return (customer.age.cast("float64") / 30.4375).floor().cast("float64")


@times("closed months with us", "已出账月数")
def months_known(customer: Customer) -> ir.Scalar:
    """Calendar months with us whose bills must be known by now, the joining month included.
    在网以来已出账的自然月数，入网当月计入"""
    return customer.closed.cast("float64")


@attributes("{attribute} on record", "{attribute}（登记）", column="{attribute}")
def attribute(customer: Customer, attribute: str) -> ir.Scalar:
    """The customer's {attribute} as recorded: an attribute that the mapping declares and that never changes.
    登记的{attribute}，由映射文件声明"""
    return customer[attribute]


@numbers("{number} on record", "{number}（登记）", column="{number}")
def number(customer: Customer, number: str) -> ir.Scalar:
    """The customer's {number} as recorded: an attribute that the mapping declares as a number and that never changes.
    登记的{number}，由映射文件声明为数值"""
    return customer[number]
