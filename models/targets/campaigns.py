"""Who was treated by a campaign while their outcome was awaited, and who was left alone on purpose.

A campaign that works hides the risk of those whom it reached: learnt as they are, they teach a model that the riskiest
customers stay. Those whom the same campaign left alone by chance show what would have become of them, and count for them:
inverse probability weights with the known share of the control (Horvitz and Thompson, JASA 1952).
"""

import ibis
import ibis.expr.types as ir

from features.definition import KEY
from features.visible import known, seen
from models.targets.follow_up import FollowUp, inside

WEIGHT, UNTOUCHED = "campaign_weight", "untouched"
CONTROL, TREATED = "control", "treated"


def campaign_weights(after: FollowUp, gap: int, horizon: int) -> ir.Table:
    """How often a row counts where nobody shall have been treated.

    Only campaigns of which a control is on record count: what a campaign without one has done cannot be told.

    Parameters
    ----------
    after
        Rows of a spine, and what came after; contacts may be missing.
    gap, horizon
        The window: from the as-of date until its end somebody could be treated.

    Returns
    -------
    Table
        Key; `campaign_weight`, 0 for who was treated, listed over left alone for who was a control (of several campaigns
        their product), 1 for everybody else; and `untouched`, is it above 0. Both null where no campaign has a control.
    """
    if "contacts" not in after.tables:
        return after.spine.select(*KEY, **{WEIGHT: ibis.null("float64"), UNTOUCHED: ibis.null("boolean")})
    listed = _listed(after).filter(inside(ibis._.day, 0, gap + horizon))
    once = listed.group_by(*KEY, "campaign_id").aggregate(
        treated=(listed.arm == TREATED).any(), factor=listed.factor.max()
    )
    sums = once.group_by(*KEY).aggregate(treated=once.treated.any(), log=once.factor.ln().sum())
    rows = after.spine.select(*KEY).left_join(sums, KEY).select(*KEY, "treated", "log")
    rows = rows.cross_join(_shares(after).aggregate(campaigns=lambda t: t.count()))
    weight = rows.treated.fill_null(False).ifelse(0.0, rows.log.fill_null(0.0).exp())
    weight = ibis.ifelse(rows.campaigns > 0, weight, ibis.null("float64"))
    return rows.select(*KEY, **{WEIGHT: weight, UNTOUCHED: weight > 0})


def _known(after: FollowUp) -> ir.Table:
    """Contacts of campaigns that are on record now, each arm of theirs."""
    contacts, until = after.tables["contacts"], ibis.timestamp(after.until)
    listed = contacts.filter(contacts.campaign_id.notnull(), contacts.arm.isin([CONTROL, TREATED]))
    return listed.filter(known(until, listed), listed.happened_at < until)


def _shares(after: FollowUp) -> ir.Table:
    """Campaigns with both arms: `factor`, everybody listed over those who were left alone."""
    contacts = _known(after)
    counts = contacts.group_by("campaign_id").aggregate(
        listed=contacts.count().cast("float64"), controls=(contacts.arm == CONTROL).sum().cast("float64")
    )
    both = counts.filter((counts.controls > 0) & (counts.controls < counts.listed))
    return both.select("campaign_id", factor=both.listed / both.controls)


def _listed(after: FollowUp) -> ir.Table:
    """Key, `day` (0 is the as-of date), campaign, `arm` and `factor` of whom a campaign listed from the as-of date on."""
    contacts = _known(after).join(_shares(after), "campaign_id")
    later = after.holders.mutate(cutoff=ibis.timestamp(after.until))
    theirs = later.next_on.isnull() | (contacts.happened_on < later.next_on)
    own = [
        later.customer_id == contacts.customer_id,
        seen(later, contacts),
        contacts.happened_on >= later.as_of,
        theirs,
    ]
    rows = later.inner_join(contacts, own)
    day = rows.happened_on.delta(rows.as_of, unit="day")
    return rows.select(*KEY, "campaign_id", "arm", "factor", day=day)
