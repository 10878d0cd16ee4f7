"""Who must not be contacted, and the first rule that says so."""

import datetime as dt

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.suppression import ContactSettings, contact_status, has_objected, with_consent

AS_OF = dt.date(2026, 11, 1)
RECORDED = ContactSettings(consent="recorded", quiet_days=14)


def facts(**values):
    clear = {
        "consent": True,
        "last_contact_on": None,
        "open_complaints": 0,
        "overdue_amount": 0.0,
        "customer_type": "personal",
    }
    return pd.DataFrame([clear | values])


def reason(settings=RECORDED, **values):
    told = contact_status(facts(**values), AS_OF, settings).iloc[0]
    assert told["contact_allowed"] == (told["suppress_reason"] is None)
    return told["suppress_reason"]


def test_nothing_speaks_against_a_contact():
    assert reason() is None


def test_each_rule_by_itself():
    assert reason(consent=False) == "no_consent"
    assert reason(consent=None) == "consent_unknown"
    assert reason(open_complaints=1) == "complaint_open"
    assert reason(last_contact_on=dt.date(2026, 10, 18)) == "recent_contact"
    assert reason(overdue_amount=0.01) == "arrears"
    assert reason(customer_type="employee") == "employee"


def test_the_quiet_time_ends():
    assert reason(last_contact_on=dt.date(2026, 10, 17)) is None


def test_the_first_rule_in_the_configured_order_is_named():
    both = {"open_complaints": 2, "overdue_amount": 30.0}
    assert reason(**both) == "complaint_open"
    assert reason(ContactSettings(consent="recorded", order=("arrears", "complaint_open")), **both) == "arrears"


def test_unknown_consent_counts_as_no_unless_it_is_recorded_elsewhere():
    assert reason(ContactSettings(), consent=None) == "consent_unknown"
    assert reason(ContactSettings(consent="assumed"), consent=None) is None
    assert reason(ContactSettings(consent="assumed"), consent=False) == "no_consent"


def test_a_contact_that_needs_no_consent_still_obeys_a_refusal():
    lawful = ContactSettings(consent="not_needed")
    assert reason(lawful, consent=None) is None and reason(lawful, consent=False) == "no_consent"


def test_unknown_consent_is_named_where_nothing_else_is():
    """So that it can be lifted without another night: whoever carries it may be contacted once consent is no question."""
    assert reason(consent=None, open_complaints=1) == "complaint_open"
    assert reason(consent=None, customer_type="employee") == "employee"
    assert reason(consent=False, open_complaints=1) == "no_consent"


CONSENTS = st.sampled_from([None, "recorded", "assumed", "not_needed"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([True, False, None]), st.integers(0, 1), st.booleans()), max_size=8),
    CONSENTS,
    CONSENTS,
)
def test_a_change_of_consent_is_what_a_night_under_it_would_have_said(rows, then, now):
    known = pd.DataFrame(rows, columns=["consent", "open_complaints", "staff"])
    known["customer_type"] = known["staff"].map({True: "employee", False: "personal"})
    known["customer_id"] = [f"c{i}" for i in range(len(known))]
    before, after = (contact_status(known, AS_OF, ContactSettings(consent=consent)) for consent in (then, now))
    said_yes = set(known.loc[known["consent"].eq(True), "customer_id"])
    found = with_consent(before.assign(customer_id=known["customer_id"]), then, now, said_yes)
    assert found["contact_allowed"].tolist() == after["contact_allowed"].tolist()
    assert found["suppress_reason"].where(found["suppress_reason"].notna(), None).tolist() == [
        reason if isinstance(reason, str) else None for reason in after["suppress_reason"]
    ]


def test_tables_that_do_not_exist_speak_against_nobody_but_consent():
    told = contact_status(pd.DataFrame({"customer_id": ["a", "b"]}), AS_OF, RECORDED)
    assert told["suppress_reason"].tolist() == ["consent_unknown"] * 2
    assumed = contact_status(pd.DataFrame({"customer_id": ["a", "b"]}), AS_OF, ContactSettings(consent="assumed"))
    assert assumed["contact_allowed"].all()


def test_unknown_facts_speak_against_nobody():
    assert reason(open_complaints=None, overdue_amount=float("nan"), last_contact_on=pd.NaT, customer_type=None) is None


def test_refusal_is_told_apart_from_silence():
    assert has_objected(pd.DataFrame({"consent": [True, False, None]})).tolist() == [False, True, False]


def test_the_index_is_kept():
    told = contact_status(facts().set_axis([42]), AS_OF, RECORDED)
    assert told.index.tolist() == [42]
