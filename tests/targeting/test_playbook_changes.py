"""What a change of the playbook would do: every customer is counted, and the same playbook moves nobody."""

import pandas as pd

from targeting.actions import choose, matches, money_of
from targeting.default_playbook import PLAYBOOK
from targeting.playbook import Action
from targeting.playbook_changes import changes
from tests.targeting.test_actions import crowd

OWN = (*(action for action in PLAYBOOK[:-1] if action.name != "vip_manager"), Action(code="say_hello"))


def chosen(frame, playbook):
    reasons = {name: frame[name] for name in ("churn_reasons", "vip_reasons")}
    return choose(matches(frame, reasons, playbook, unasked=False), money_of(frame), playbook)


def test_moves_are_those_of_each_customer():
    frame = crowd(3)
    before, after = chosen(frame, PLAYBOOK), chosen(frame, OWN)
    found = changes(before, PLAYBOOK, after, OWN)
    names = [[playbook[k].code for k in c.rule] for playbook, c in ((PLAYBOOK, before), (OWN, after))]
    pairs = pd.Series(list(zip(*names, strict=True))).value_counts()
    moves = {(row["before"], row["after"]): row["customers"] for row in found.moves.to_dict("records")}
    assert moves == {pair: n for pair, n in pairs.items() if pair[0] != pair[1]}
    assert found.moved == sum(moves.values()) > 0 and found.customers == 300
    assert found.actions["before"].sum() == found.actions["after"].sum() == 300
    table = found.actions.set_index("action")
    assert (
        table.loc["say_hello", ["before", "benefit_before"]].tolist() == [0, 0]
        and table.loc["vip_manager", "after"] == 0
    )
    assert abs(table["benefit_after"].sum() - pd.Series(after.benefit).sum()) < 1e-6


def test_the_same_playbook_moves_nobody():
    frame = crowd(4)
    found = changes(chosen(frame, PLAYBOOK), PLAYBOOK, chosen(frame, PLAYBOOK), PLAYBOOK)
    assert found.moved == 0 and found.moves.empty and (found.actions["before"] == found.actions["after"]).all()
