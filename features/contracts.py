"""The tables we read: key, types, units, clocks and rules. One object gives validation, documentation and samples.

Every timestamp is UTC without a zone; `happened_on` is the local calendar date of `happened_at`, added when a table
is mapped. Null means unknown, in every column.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from datetime import datetime

import ibis.expr.types as ir

MONEY = "decimal(12, 2)"
TIME = "timestamp(6)"
ALWAYS = datetime.fromisoformat("1971-01-01")
"""Known at this moment (UTC) is what was on record before anybody looked: before every as-of date."""


@dataclass(frozen=True)
class Column:
    """One column: its Ibis type, its unit and what it means in both languages.

    `pending`: null says that it has not come yet. A table whose mapping does not name it says nothing of it, and lacks it.
    """

    name: str
    dtype: str
    en: str
    zh: str
    unit: str = ""
    nullable: bool = True
    sample: str = ""
    pending: bool = False


@dataclass(frozen=True)
class Rule:
    """A row that breaks `holds` goes to quarantine under `name`; null counts as holding."""

    name: str
    column: str
    holds: Callable[[ir.Table], ir.BooleanValue]
    en: str
    zh: str


@dataclass(frozen=True)
class Contract:
    """One canonical table. `event` tables carry two clocks; `key` tells rows apart, but for the versions of one.

    `needed`: no project goes without it. What a target or the population asks for is said by them. `rare` columns are
    there only where a mapping names them.
    """

    name: str
    en: str
    zh: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    needed: bool = False
    event: bool = True
    rules: tuple[Rule, ...] = ()
    rare: tuple[Column, ...] = ()

    def without_pending(self, named: Container[str]) -> "Contract":
        """Without the columns that null would make an answer of, and their rules, but for those that are named."""
        lacking = {column.name for column in self.columns if column.pending and column.name not in named}
        columns = tuple(column for column in self.columns if column.name not in lacking)
        return replace(self, columns=columns, rules=tuple(r for r in self.rules if r.column not in lacking))

    def schema(self) -> dict[str, str]:
        """Column name to Ibis type, the derived `happened_on` of event tables included."""
        declared = {column.name: column.dtype for column in self.columns}
        return declared | ({"happened_on": "date"} if self.event else {})

    @property
    def versioned(self) -> bool:
        """Does a row say since when it was known? Then it may have versions, and `superseded_at` beside its columns."""
        return any(column.name == "known_at" for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def with_measures(self, measures: tuple[str, ...]) -> "Contract":
        """The same contract with the usage measures that a mapping declares."""
        extra = tuple(Column(m, "float64", m.replace("_", " "), m, sample="12.5") for m in measures)
        rules = tuple(_not_negative(m) for m in measures)
        return Contract(
            self.name, self.en, self.zh, self.key, self.columns + extra, self.needed, self.event, self.rules + rules
        )


def _not_negative(column: str) -> Rule:
    return Rule("not_negative", column, lambda t: t[column] >= 0, "must not be negative", "不能为负数")


CUSTOMER = Column("customer_id", "string", "customer", "客户编号", nullable=False, sample="C000001")
HAPPENED = Column("happened_at", TIME, "when it took place", "发生时间", nullable=False, sample="2026-05-31 16:00:00")
KNOWN = Column("known_at", TIME, "when the company knew it", "知晓时间", nullable=False, sample="2026-06-05 16:00:00")
CLOCKS = (HAPPENED, KNOWN)
_NET = ("net of tax and discount; below 0: returned or credited", "金额（不含税、已减优惠），负数为退货或冲减")

JOINED = Column("activated_on", "date", "first day with us", "入网日期", nullable=False, sample="2023-04-01")
CHURNED = Column(
    "churned",
    "boolean",
    "has left, where nobody knows when: a table without dates",
    "是否已流失（无日期的单表）",
    sample="true",
)
"""The answer of a table of customers that has no clock: with it nobody's day of joining is needed."""

SOURCE_NAME = "source_name"
"""Of a table that has several sources: which of them a row came from, by its name in the mapping."""

CONTRACTS: dict[str, Contract] = {
    contract.name: contract
    for contract in (
        Contract(
            "customers",
            "one row per holder of an id and version of what is on record; an id may be handed on",
            "每个号码的每任使用者、其资料的每个版本一行；号码可以再次发放",
            ("customer_id", "activated_on"),
            (
                CUSTOMER,
                JOINED,
                Column("deactivated_on", "date", "left on this day; null while with us", "离网日期"),
                Column("left_reason", "string", "why they left: voluntary, dunning, port-out …", "离网原因"),
                Column("customer_type", "string", "personal, family, group …", "客户类型", sample="personal"),
                Column("group_size", "string", "large, medium, small, micro", "集团规模"),
                Column("account_id", "string", "paying account", "账户编号", sample="A000001"),
                Column("region", "string", "region", "地市", sample="north"),
                KNOWN,
            ),
            needed=True,
            event=False,
            rare=(CHURNED,),
            rules=(
                Rule(
                    "left_after_joining",
                    "deactivated_on",
                    lambda t: t.deactivated_on >= t.activated_on,
                    "must not be before activated_on",
                    "不能早于入网日期",
                ),
            ),
        ),
        Contract(
            "subscriptions",
            "one row per plan a customer was on, from valid_from",
            "每个客户每次套餐一行",
            ("customer_id", "valid_from"),
            (
                CUSTOMER,
                Column("valid_from", "date", "first day on the plan", "生效日期", nullable=False, sample="2025-04-01"),
                Column("plan", "string", "plan", "套餐", nullable=False, sample="P50"),
                Column("monthly_fee", MONEY, "fee per month", "月费", "currency/month", sample="50.00"),
                Column("valid_to", "date", "first day no longer on the plan", "失效日期"),
                Column("contract_end", "date", "end of the commitment, as signed", "合约到期日", sample="2027-04-01"),
                KNOWN,
            ),
            rules=(_not_negative("monthly_fee"),),
        ),
        Contract(
            "bills",
            "one row per bill, any number a month",
            "每张账单一行",
            ("bill_id",),
            (
                Column("bill_id", "string", "bill", "账单编号", nullable=False, sample="B000001"),
                CUSTOMER,
                *CLOCKS,
                Column("amount", MONEY, _NET[0], _NET[1], "currency", False, "59.00"),
                Column("due_on", "date", "to be paid by", "应缴日期", sample="2026-06-20"),
            ),
        ),
        Contract(
            "payments",
            "one row per payment",
            "每次缴费一行",
            ("payment_id",),
            (
                Column("payment_id", "string", "payment", "缴费编号", nullable=False, sample="Y000001"),
                CUSTOMER,
                Column("bill_id", "string", "bill that it pays", "账单编号", sample="B000001"),
                *CLOCKS,
                Column("amount", MONEY, "paid; below 0: refunded", "金额，负数为退款", "currency", False, "59.00"),
                Column("failed", "boolean", "only tried: the money did not come", "是否扣款失败", sample="false"),
            ),
        ),
        Contract(
            "usage",
            "one row per customer and time, any grain; its measures are declared in the mapping",
            "每个客户每个时点一行，指标在映射中声明",
            ("customer_id", "happened_at"),
            (CUSTOMER, *CLOCKS),
        ),
        Contract(
            "complaints",
            "one row per complaint",
            "每次投诉一行",
            ("complaint_id",),
            (
                Column("complaint_id", "string", "complaint", "投诉编号", nullable=False, sample="K000001"),
                CUSTOMER,
                *CLOCKS,
                Column("topic", "string", "what it is about", "主题", sample="billing"),
                Column("channel", "string", "where it came in", "渠道", sample="hotline"),
                Column("severity", "int64", "1 slight … 3 grave", "严重程度", sample="2"),
                Column(
                    "resolved_at",
                    TIME,
                    "solved at; unseen until then",
                    "解决时间",
                    sample="2026-06-07 16:00:00",
                    pending=True,
                ),
            ),
            rules=(
                Rule(
                    "resolved_after_opened",
                    "resolved_at",
                    lambda t: t.resolved_at >= t.happened_at,
                    "must not be before happened_at",
                    "不能早于发生时间",
                ),
            ),
        ),
        Contract(
            "contacts",
            "one row per contact between us and a customer",
            "每次接触一行",
            ("contact_id",),
            (
                Column("contact_id", "string", "contact", "接触编号", nullable=False, sample="T000001"),
                CUSTOMER,
                *CLOCKS,
                Column("channel", "string", "channel", "渠道", sample="call"),
                Column("direction", "string", "inbound or outbound", "方向", sample="outbound"),
                Column("campaign_id", "string", "campaign", "活动编号"),
                Column("arm", "string", "treated or control", "组别"),
                Column("cost", MONEY, "cost of the contact", "成本", "currency"),
            ),
            rules=(
                Rule(
                    "direction_known",
                    "direction",
                    lambda t: t.direction.isin(["inbound", "outbound"]),
                    "must be inbound or outbound",
                    "必须是 inbound 或 outbound",
                ),
            ),
        ),
        Contract(
            "surveys",
            "one row per answered question",
            "每个回答一行",
            ("response_id",),
            (
                Column("response_id", "string", "answer", "回答编号", nullable=False, sample="S000001"),
                CUSTOMER,
                *CLOCKS,
                Column("touchpoint", "string", "touchpoint", "触点", sample="hotline"),
                Column("item", "string", "question", "题目", sample="overall"),
                Column("score", "int64", "1 worst … 5 best", "得分", nullable=False, sample="4"),
            ),
            rules=(
                Rule("one_to_five", "score", lambda t: t.score.between(1, 5), "must be 1 to 5", "必须在 1 到 5 之间"),
            ),
        ),
        Contract(
            "consents",
            "one row per customer, purpose and decision",
            "每个客户每个用途每次决定一行",
            ("customer_id", "purpose", "happened_at"),
            (
                CUSTOMER,
                Column("purpose", "string", "what for", "用途", nullable=False, sample="marketing"),
                *CLOCKS,
                Column("allowed", "boolean", "allowed", "是否同意", nullable=False, sample="true"),
            ),
        ),
        Contract(
            "labels",
            "outcomes that you bring yourself",
            "自带标签",
            ("customer_id", "as_of"),
            (
                CUSTOMER,
                Column("as_of", "date", "seen from this day", "截止日", nullable=False, sample="2026-06-01"),
                Column("churned", "boolean", "left in the label window", "是否流失"),
                Column("value", MONEY, "billed in the label window", "价值", "currency"),
            ),
            event=False,
        ),
    )
}

CONTACT_DETAILS = Contract(
    "contact_details",
    "how customers are reached; read when a list leaves with contact details, and by nothing else",
    "联系方式；仅在带联系方式导出名单时读取",
    ("customer_id",),
    (
        CUSTOMER,
        Column("contact_name", "string", "whom to ask for", "联系人姓名", sample="Li Hua"),
        Column("phone", "string", "telephone number", "电话号码", sample="+8613800000000"),
        Column("email", "string", "e-mail address", "电子邮箱", sample="li.hua@example.com"),
    ),
    event=False,
)
"""No table that a night reads: nothing of it is kept in the workspace but in lists that somebody took away with it."""
