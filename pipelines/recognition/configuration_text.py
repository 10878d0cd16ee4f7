"""The configuration of a project as commented YAML: every value with the figure it comes from."""

from collections.abc import Callable
from typing import Any

from features.settings import GRAIN_DAYS, FeatureSettings
from pipelines.config import own_features
from pipelines.config.mapping import Mapping
from pipelines.recognition import described, evidence, rhythm
from pipelines.recognition.columns import quoted
from pipelines.recognition.commented import comment, line
from pipelines.recognition.proposal import Proposal
from pipelines.wording.formats import money
from pipelines.wording.texts import text

SPEND_DAYS = (30, 91, 182, 365)
"""Windows that spending is summed over."""
MAPPING = "mapping.yaml"
"""Name of the mapping, beside the configuration."""


def configuration_text(proposal: Proposal, mapping: Mapping) -> str:
    """The configuration file that goes with a mapping."""

    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    head = [
        comment(0, why("configuration")),
        line(0, "name", proposal.name),
        line(0, "mapping", MAPPING, why("beside")),
        line(0, "workspace", "workspace", why("workspace")),
        line(0, "language", proposal.lang),
    ]
    parts = {"contracts": _contracts, "purchases": _purchases, "folds": _folds, "months": _months}[proposal.business](
        proposal, mapping
    )
    tail = [
        line(0, "contact", _contact(proposal), why(f"consent.{proposal.answers['consent']}")),
        "",
        line(0, "schedule", {"cron": "0 2 * * *", "timezone": proposal.answers["timezone"]}, why("schedule")),
    ]
    return "\n".join([*head, "", *parts, *tail]) + "\n"


def _contact(proposal: Proposal) -> dict[str, Any]:
    answer = proposal.answers["consent"]
    consent = answer if answer in ("recorded", "not_needed") else "assumed"
    purpose = _purpose(proposal)
    return {"consent": consent} | ({"purpose": purpose} if consent == "recorded" and purpose else {})


def _purpose(proposal: Proposal) -> str | None:
    """The purpose in the table of consents that is about marketing, or the only one."""
    found = proposal.table("consents")
    if found is None or "purpose" not in found.columns:
        return None
    said = found.raw.columns[found.columns["purpose"]].texts
    return next((word for word in said if "market" in word.lower() or "营销" in word), said[0] if said else None)


def _contracts(proposal: Proposal, mapping: Mapping) -> list[str]:
    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    monthly = proposal.bills_are_months
    features: list[str] = []
    if "bills" in mapping.tables:
        features += [
            line(2, "closing_days", 5 if monthly else 0, why("closing_days" if monthly else "known_at_once")),
            line(2, "billed_in_arrears", monthly, why("in_arrears" if monthly else "not_in_arrears")),
        ]
        if monthly or proposal.gaps.are_bills:
            features.append(line(2, "without", ["purchases"], why("without_purchases")))
    if usage := proposal.table("usage"):
        features.append(line(2, "usage_grain", evidence.grain(usage.raw.con, usage), why("usage_grain")))
    if parts := _parts(mapping):
        features.append(line(2, "parts", parts, why("parts")))
    features += [*_windows(proposal, mapping), *_counted(proposal, mapping)]
    days = proposal.horizon
    value_days = days - 1 if monthly else days
    targets = [line(2, "churn", None), line(4, "rule", "deactivated", why("deactivated")), *_horizon(proposal)]
    if "bills" in mapping.tables:
        targets += [line(2, "value", {"horizon_days": value_days}, why("value_months" if monthly else "value_days"))]
        targets += [line(2, "vip", None), line(4, "horizon_days", value_days)]
        targets += (
            _high_value_of_year(proposal, mapping)
            if proposal.bills_seldom
            else [
                line(
                    4,
                    "high_value",
                    {"percentile": 80, "measure": "monthly_bill", "lookback_days": 91},
                    why("high_value", amount=_line(proposal, mapping, 91, monthly=True)),
                )
            ]
        )
    section = ["features:", *features, ""] if features else []
    return [
        *section, line(0, "population", {"rule": "active"}, why("active")), "", "targets:", *targets, "",
        *_protocol(proposal), *_rules(proposal, mapping), "",
    ]  # fmt: skip


def _windows(proposal: Proposal, mapping: Mapping) -> list[str]:
    """Windows and silence that suit how often customers come or pay; nothing where the shipped ones do."""

    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    if proposal.money is None or proposal.as_of is None or proposal.first is None:
        return []
    gaps, usage = proposal.gaps, proposal.table("usage")
    grain = evidence.grain(usage.raw.con, usage) if usage else "day"
    days = GRAIN_DAYS[grain] if "usage" in mapping.tables else None
    windows = rhythm.windows(gaps.usual, (proposal.as_of - proposal.first).days, days)
    rows = [line(2, "windows", windows, why("windows", days=round(gaps.usual)))] if windows else []
    dormant = rhythm.dormant_days(gaps.enough) if usage is None else None
    if dormant:
        rows.append(line(2, "stages", {"dormant_days": dormant}, why("dormant", days=round(gaps.enough))))
    return rows


def _counted(proposal: Proposal, mapping: Mapping) -> list[str]:
    """Which values of calls, complaints and plans count by themselves; nothing where none describes itself."""
    found = described.counted({name: proposal.table(name) for name in mapping.tables}, mapping)
    rows = [line(4, table, values) for table, values in found.items()]
    return [line(2, "counted", None, text("init.why.counted", proposal.lang)), *rows] if rows else []


def _high_value_of_year(proposal: Proposal, mapping: Mapping) -> list[str]:
    """The line of high value of customers who pay less than monthly: what a year brought."""

    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    high = {"measure": "spend", "percentile": 80, "lookback_days": 365, "per_as_of": True}
    amount = _line(proposal, mapping, 365, monthly=False)
    return [
        line(4, "high_value", high, why("high_value_spend", amount=amount, days=365)),
        line(4, "becomes", {"rule": "horizon_total", "percentile": 90}, why("becomes")),
    ]


def _horizon(proposal: Proposal) -> list[str]:
    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    days, plan = proposal.horizon, proposal.proposed
    if proposal.business == "purchases":
        said = why("horizon_gaps", share=_share_within(proposal, days), returns=proposal.gaps.returns)
    else:
        said = why("horizon_contract")
    if plan and plan.wanted > days:
        said += why("horizon_short", wanted=plan.wanted, has=plan.has)
    return [line(4, "horizon_days", days, said)]


def _share_within(proposal: Proposal, days: int) -> str:
    from pipelines.recognition.rhythm import BARS

    shares = dict(zip(BARS, proposal.gaps.shares, strict=True))
    return f"{shares.get(days, 0.8):.0%}"


def _purchases(proposal: Proposal, mapping: Mapping) -> list[str]:
    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    days, plan = proposal.horizon, proposal.plan
    lookback = plan.lookback if plan else 2 * days
    features = [
        line(2, "closing_days", 0, why("known_at_once")),
        line(2, "billed_in_arrears", proposal.bills_are_months, why("not_in_arrears")),
    ]
    if "usage" in mapping.tables:
        features.append(line(2, "usage_grain", "day", why("usage_day")))
    features += [*_windows(proposal, mapping), *_counted(proposal, mapping)]
    high = {"measure": "spend", "percentile": 80, "lookback_days": lookback, "per_as_of": True}
    targets = [
        line(2, "churn", None),
        line(4, "rule", "no_bill", why("no_bill")),
        *_horizon(proposal),
        line(2, "value", {"horizon_days": days}),
        line(2, "vip", None),
        line(4, "horizon_days", days),
        line(
            4,
            "high_value",
            high,
            why("high_value_spend", amount=_line(proposal, mapping, lookback, monthly=False), days=lookback),
        ),
        line(4, "becomes", {"rule": "horizon_total", "percentile": 90}, why("becomes")),
    ]
    return [
        "features:", *features, "",
        line(0, "population", {"rule": "billed", "lookback_days": lookback}, why("billed", days=lookback)), "",
        "targets:", *targets, "", *_protocol(proposal), *_rules(proposal, mapping), "",
    ]  # fmt: skip


def _months(proposal: Proposal, mapping: Mapping) -> list[str]:
    """A series of months with a yes or no: judged forward in time, a month ahead."""

    def why(key: str) -> str:
        return text(f"init.why.{key}", proposal.lang)

    return [
        line(0, "population", {"rule": "active"}, why("active")), "",
        "targets:", line(2, "churn", None), line(4, "rule", "deactivated", why("month_left")),
        line(4, "horizon_days", proposal.horizon, why("month_horizon")), line(4, "horizons", [proposal.horizon]), "",
        line(0, "protocol", None, why("protocol")), line(2, "every", "1mo"), line(2, "count", 12, why("count")),
        line(2, "reporting_delay_days", 0, why("month_delay")), line(2, "history_days", 0, why("month_history")), "",
        *_rule_like_tenure(mapping, why),
    ]  # fmt: skip


def _rule_like_tenure(mapping: Mapping, why: Callable[[str], str]) -> list[str]:
    """The rule of today where a number says how long somebody has been with us; none where nothing does."""
    if "tenure" not in mapping.attributes_of("number"):
        return []
    rule = line(6, "churn", {"column": "tenure", "higher": False}, why("rule.tenure"))
    return ["training:", "  candidates:", line(4, "rules", None, why("rules")), rule, ""]


def _folds(proposal: Proposal, mapping: Mapping) -> list[str]:
    def why(key: str) -> str:
        return text(f"init.why.{key}", proposal.lang)

    return [line(0, "protocol", {"design": "folds"}, why("folds")), "", *_rule_like_tenure(mapping, why)]


def _protocol(proposal: Proposal) -> list[str]:
    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    plan = proposal.plan
    rows = [
        line(0, "protocol", None, why("protocol")),
        line(2, "every", proposal.every),
        line(2, "count", 12, why("count")),
    ]
    rows.append(
        line(2, "reporting_delay_days", proposal.delay, why("delay") if proposal.delay else why("known_at_once"))
    )
    if plan:
        rows.append(line(2, "history_days", plan.history, why("history", has=plan.has)))
    return [*rows, ""]


def _rules(proposal: Proposal, mapping: Mapping) -> list[str]:
    """The rule of today for each target: the first column of a list that this project has."""

    def why(key: str, **values: Any) -> str:
        return text(f"init.why.{key}", proposal.lang, **values)

    known = {
        feature.column
        for feature in own_features.joined(
            None, mapping.measures, mapping.attributes, FeatureSettings(), mapping.words, *mapping.declared
        )
    }
    if proposal.business == "purchases":
        days = proposal.horizon
        spend = min(
            SPEND_DAYS, key=lambda window: abs(window - (proposal.plan.lookback if proposal.plan else 2 * days))
        )
        rules: dict[str, Any] = {
            "churn": {"column": "days_since_purchase", "higher": True},
            "value": {"column": f"spend_{spend}d", "factor": round(days / spend, 3)},
            "vip": {"column": f"spend_{spend}d"},
        }
    else:
        ranked = [f"{measure}_ratio_12w" for measure in sorted(mapping.measures, key=lambda m: m != "data_mb")]
        churn = next((column for column in ranked if column in known and mapping.tables.get("usage")), None)
        monthly = "bills" in mapping.tables and not proposal.bills_seldom
        churn = churn or ("arpu_ratio_3m" if monthly else "tenure_days")
        bill = "arpu_3m" if monthly else "arpu_12m"
        rules = {"churn": {"column": churn, "higher": False}}
        if "bills" in mapping.tables:
            rules |= {
                "value": {"column": bill, "factor": round(proposal.horizon / 30, 2)},
                "vip": {"column": bill},
            }
    usable = {target: rule for target, rule in rules.items() if rule["column"] in known}
    rows = [line(6, target, rule, why(f"rule.{target}")) for target, rule in usable.items()]
    return ["training:", "  candidates:", line(4, "rules", None, why("rules")), *rows]


def _parts(mapping: Mapping) -> dict[str, str]:
    """Measures that are part of another by their names."""
    return {part: "data_mb" for part in ("night_data_mb", "roaming_mb") if {part, "data_mb"} <= set(mapping.measures)}


def _line(proposal: Proposal, mapping: Mapping, days: int, *, monthly: bool) -> str:
    """The 80th percentile of what customers paid in the newest days, as people write money."""
    found = proposal.money
    if found is None or found.table not in proposal.spans:
        return "—"
    names, raw = found.columns, found.raw
    at = evidence.moment(raw.columns[names["happened_at"]], proposal.shape(names["happened_at"]))
    amount = (
        f"TRY_CAST({quoted(names['amount'])} AS DOUBLE)"
        if "amount" in names
        else f"TRY_CAST({quoted(names['quantity'])} AS DOUBLE) * TRY_CAST({quoted(names['unit_price'])} AS DOUBLE)"
    )
    query = f"""
        SELECT quantile_cont(paid, 0.8) FROM (
        SELECT {evidence.key(names["customer_id"])} AS k, sum({amount}) AS paid FROM {quoted(raw.name)}
        WHERE {at} > DATE '{proposal.spans[found.table][1]}' - INTERVAL {days} DAY GROUP BY 1 HAVING sum({amount}) > 0)"""
    total = float(raw.con.sql(query).fetchall()[0][0] or 0)
    minor = proposal.choices().minor.get(names.get("amount", ""), evidence.is_minor(names.get("amount", "")))
    return money(total / (100 if minor else 1) / (3 if monthly else 1), mapping.currency, proposal.lang)
