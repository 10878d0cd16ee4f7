"""Who must not be contacted, and the first rule that says so."""

import datetime as dt

import pandas as pd

from targeting.suppression import ContactSettings, contact_status, has_objected

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
