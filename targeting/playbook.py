"""What a playbook is: rules that marketing reads and changes, each with the action it leads to, whom for, and its money."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from features.strict import Strict
from models.scores import columns as known

Consent = Literal["yes", "no", "unknown"]
Purpose = Literal["recover", "retain", "sell", "care"]
Amount = Annotated[float, Field(ge=0)] | Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s?%$")]
"""Money, or a share of the mean 12-month value if retained, such as `0.5%`."""
Count = Annotated[int, Field(gt=0)] | Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s?%$")]
"""Customers, or a share of all of them, such as `0.5%`."""
Words = tuple[str, ...] | None
MOST_RULES = 63
LISTED = {
    "lifecycle_stage": known.STAGES,
    "lifecycle_direction": known.DIRECTIONS,
    "churn_risk_band": known.RISK_BANDS,
    "churn_trend": known.CHURN_TRENDS,
    "value_band": known.VALUE_BANDS,
}
"""The values that some columns of the score table can have."""


class Condition(Strict):
    """Holds where every part that is set holds; what is unknown of a customer holds for nothing. Values are those of the score table."""

    lifecycle_stage: Words = Field(None, description="any of these; null: whatever it is")
    lifecycle_direction: Words = Field(None, description="any of improving, steady and worsening")
    churn_risk_band: Words = Field(None, description="any of low, medium, high and critical")
    churn_trend: Words = Field(None, description="any of worsening, steady, improving and new")
    value_band: Words = Field(None, description="any of low, medium and high")
    customer_type: Words = Field(None, description="any of these types: personal, family, group …")
    tier_current: Words = Field(None, description="any of these tiers of today")
    tier_predicted: Words = Field(None, description="any of these tiers by predicted value")
    tier_review: bool | None = Field(None, description="a core customer who was rated lower, or none")
    is_potential_vip: bool | None = Field(None, description="named by the rule of potential VIPs, or not")
    is_high_value_now: bool | None = Field(None, description="at or above the high-value threshold today, or not")
    vip_early: bool | None = Field(None, description="no month's bill has been high so far, or one has")
    complaint_open: bool | None = Field(None, description="a complaint waits for its resolution, or none does")
    complaints_at_least: int | None = Field(None, gt=0, description="complaints of the last 90 days")
    overdue: bool | None = Field(None, description="money is overdue, or none is")
    contract_ends_within: int | None = Field(None, ge=0, description="days until the contract ends, not past yet")
    churn_reason: Words = Field(None, description="any of these among the first three that speak for leaving")
    vip_reason: Words = Field(None, description="any of these among the first three that speak for becoming a VIP")
    consent: tuple[Consent, ...] | None = Field(
        None, description="any of yes, no and unknown, which is yes unless contact.consent is recorded"
    )

    @field_validator(*LISTED)
    @classmethod
    def _known(cls, values: Words, info) -> Words:
        unknown = sorted(set(values or ()) - set(LISTED[info.field_name]))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: take one of {', '.join(LISTED[info.field_name])}")
        return values


class Action(Strict):
    """A rule: for whom, what to do, by whom and how, what it costs, and what it is expected to bring. All figures are
    assumptions until campaigns with a holdout have measured them."""

    code: str = Field(description="recommended_action of the score table", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    rule: str | None = Field(
        None,
        description="name of the rule, where several lead to the same action; null: the code",
        pattern=r"^\w{1,40}$",
    )
    purpose: Purpose = Field(
        "care", description="recover goes first; sell asks for consent and is for nobody with an open complaint"
    )
    when: Condition = Field(Condition(), description="for whom; empty: for everybody who is left")
    channel: str = Field("message", description="call, visit, message, app, store, inbound … or a word of your own")
    owner: str | None = Field(None, description="who does it; null: whoever looks after the customer")
    cost: Amount = Field(0.0, description="money per contact, or a share of the mean 12-month value such as 0.5%")
    incentive: Amount = Field(0.0, description="what an offer costs whoever takes it, in the same way")
    save_rate: float = Field(0.0, ge=0, le=1, description="share of would-be leavers who stay because of it")
    growth_rate: float = Field(0.0, ge=0, le=1, description="share of the 12-month value that it adds")
    quota: Count | None = Field(
        None, description="most customers a night, or a share of all such as 0.5%; those whom it brings most are taken"
    )
    quiet_days: int = Field(0, ge=0, description="days that must have passed since our last contact")
    least_benefit: float | None = Field(None, description="least expected net benefit in money; null: whatever it is")

    @property
    def name(self) -> str:
        """Of the rule, as the score table has it."""
        return self.rule or self.code

    @property
    def for_everybody(self) -> bool:
        """Is nobody left who reaches this rule?"""
        free = self.quota is None and self.quiet_days == 0 and self.least_benefit is None
        return free and self.when == Condition() and self.purpose == "care"


class Flaw(ValueError):
    """What is wrong with a playbook as a whole.

    Attributes
    ----------
    number
        Place of the rule, from 0.
    name
        Of the rule.
    what
        `last`, `unreachable`, `twice`, `recovery` or `many`.
    """

    def __init__(self, number: int, name: str, what: str):
        super().__init__(f"playbook: rule {number + 1} ({name}): {what}")
        self.number, self.name, self.what = number, name, what


def in_order(playbook: Sequence[Action]) -> list[int]:
    """Places of the rules as they are tried: recovery first, then as they stand."""
    return sorted(range(len(playbook)), key=lambda number: playbook[number].purpose != "recover")


def flaw(playbook: Sequence[Action]) -> Flaw | None:
    """The first thing that is wrong with a playbook as a whole; None where nothing is."""
    if not playbook:
        return Flaw(0, "-", "last")
    if len(playbook) > MOST_RULES:
        return Flaw(MOST_RULES, playbook[MOST_RULES].name, "many")
    names = [action.name for action in playbook]
    for number, action in enumerate(playbook):
        if names.index(action.name) < number:
            return Flaw(number, action.name, "twice")
        if action.purpose == "recover" and (action.when.complaint_open is not True or action.quota is not None):
            return Flaw(number, action.name, "recovery")
        if number and playbook[number - 1].for_everybody:
            return Flaw(number, action.name, "unreachable")
    return None if playbook[-1].for_everybody else Flaw(len(playbook) - 1, names[-1], "last")
