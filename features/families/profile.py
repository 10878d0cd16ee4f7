"""Who the customer is: what never changes, and how long they have been with us."""

import ibis.expr.types as ir

from features.definition import Kind
from features.grains import Customer

UNSAID = ("not recorded", "未记录")

texts = Kind(Customer, "customers", unit="text", reason="profile", null=UNSAID, no_events=None)
times = Kind(Customer, "customers", unit="months", reason="tenure", no_events=None)
numbers = Kind(Customer, "attributes", unit="number", reason="profile", null=UNSAID, no_events=None, per="number")
dates = Kind(Customer, "attributes", unit="days", reason="profile", null=UNSAID, no_events=None, per="date")
flags = Kind(Customer, "attributes", unit="number", reason="profile", null=UNSAID, no_events=None, per="flag")
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


@dates("days since {date}", "距{date}天数", column="days_since_{date}")
def days_since_date(customer: Customer, date: str) -> ir.Scalar:
    """Days from {date}, a day on record that the mapping declares, to the as-of date; below 0 while it is still to come.
    登记的{date}距截止日的天数，尚未到来为负，由映射文件声明为日期"""
    return customer.as_of.delta(customer[date], unit="day").cast("float64")


@dates("month of {date}", "{date}的月份", column="{date}_month", unit="month of the year")
def month_of_date(customer: Customer, date: str) -> ir.Scalar:
    """The calendar month of {date}, 1 to 12: its season.
    登记的{date}所在月份，1 至 12"""
    return customer[date].month().cast("float64")


@flags("{flag} on record, 1 or 0", "{flag}（登记，是 1 否 0）", column="{flag}")
def flag(customer: Customer, flag: str) -> ir.Scalar:
    """1 where the customer's {flag} is yes on record, 0 where it is no: an attribute that the mapping declares as a flag.
    登记的{flag}：是为 1，否为 0，由映射文件声明为是否"""
    return customer[flag]
