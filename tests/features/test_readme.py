"""A new feature is two edits: what README shows is done, and the column equals its twin."""

import inspect
import re

import ibis

from features.definition import columns
from features.families import complaints
from tests.demo_project import ROOT
from tests.features.asking import Asker, by_key
from tests.features.families import naive_complaints
from tests.features.naive import Declared, Given, Who, visible
from tests.world import spine_of, world

SNIPPETS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
FEATURE = next(text for text in SNIPPETS if "def complaint_channels" in text)
TWIN = next(text for text in SNIPPETS if text.startswith("figures["))
COLUMN = "complaint_channels_180d"


def test_the_function_and_its_twin_are_all_that_a_feature_needs(con: ibis.BaseBackend):
    family, twins = dict(vars(complaints)), dict(vars(naive_complaints))
    exec(FEATURE, family)
    lines = inspect.getsource(naive_complaints.twin).split("    return figures", maxsplit=1)
    exec(f"{lines[0]}    {TWIN.strip()}\n    return figures{lines[1]}", twins)
    (feature,) = columns(family["complaint_channels"].definition, ())
    given, rows = world(150, seed=219), {}
    answer = by_key(Asker(con, "readme", [feature])(given))
    assert feature.column == COLUMN and feature.label("zh") == "近180天投诉渠道数"
    for row in spine_of(given).to_pylist():
        who = Who(**{name: row[name] for name in ("customer_id", "as_of", "cutoff", "activated_on")})
        rows = given.rows("complaints").get(who.customer_id, [])
        expected = twins["twin"](who, {"complaints": visible(rows, who)}, Given(None, Declared(())))
        assert answer[who.customer_id, who.as_of][COLUMN] == expected[COLUMN]
    assert {row[COLUMN] for row in answer.values()} > {0.0, 1.0}
