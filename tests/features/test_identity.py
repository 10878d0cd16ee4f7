"""The identity of a feature set: what computes changes it, words do not; the same in every process."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import ibis
import pytest

from features import identity, spine, visible
from features.catalogue import catalogue
from features.definition import Feature
from features.identity import empty_tables, feature_set_hash
from features.settings import FeatureSettings
from tests.features.laws import test_future as future
from tests.features.laws import test_mutants as mutants

SETTINGS = FeatureSettings()
DECLARED = {"attributes": ("age",), "numbers": ("income",), "topics": ("coverage",), "parts": {"night_mb": "data_mb"}}
MEASURES = ("data_mb", "night_mb")
SMALL = catalogue(MEASURES, **DECLARED)


def of_small(settings: FeatureSettings = SETTINGS) -> str:
    return feature_set_hash(SMALL, settings)


@pytest.fixture(scope="module")
def sound() -> str:
    """The hash of the code as it is."""
    return of_small()


BLOCKS: dict[str, list[Feature]] = {"whole": list(SMALL)}
"""The small catalogue by block of rows, a tenth of it in a tenth of the time; what is made of other columns needs all."""
for _feature in SMALL:
    if _feature.source not in ("wide", "peers"):
        BLOCKS.setdefault(_feature.source, []).append(_feature)


@pytest.fixture(scope="module")
def sound_blocks() -> dict[str, str]:
    """The hash of each block of the code as it is."""
    return {name: feature_set_hash(own, SETTINGS) for name, own in BLOCKS.items()}


def changed(sound_blocks: dict[str, str], likely: Iterable[str]) -> bool:
    """Has anything another hash now? The likely blocks are asked first, and all together last."""
    order = sorted(BLOCKS, key=lambda name: (name == "whole", name not in likely))
    return any(feature_set_hash(BLOCKS[name], SETTINGS) != sound_blocks[name] for name in order)


def _features() -> dict[str, ModuleType]:
    return {name: m for name, m in sys.modules.items() if name.partition(".")[0] == "features"}


@contextmanager
def _anew() -> Iterator[None]:
    """Whoever imports a module of `features` meanwhile gets it from its file again."""
    known = _features()
    for name in known:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in _features():
            del sys.modules[name]
        sys.modules.update(known)


def edited(monkeypatch: pytest.MonkeyPatch, module: str, *changes: tuple[str, str]) -> str:
    """The hash that the small catalogue would have with another text of a module."""
    plain = SourceFileLoader.get_code

    def code(loader: SourceFileLoader, name: str):
        if name != f"features.{module}":
            return plain(loader, name)
        text = Path(loader.path).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        return compile(text, loader.path, "exec")

    monkeypatch.setattr(SourceFileLoader, "get_code", code)
    with _anew():
        made = importlib.import_module("features.catalogue").catalogue(MEASURES, **DECLARED)
        settings = importlib.import_module("features.settings").FeatureSettings()
        return importlib.import_module("features.identity").feature_set_hash(made, settings)


WORDS = {
    "a docstring": ("families.arpu", ("Mean billed per month over the last", "Average bill of the last")),
    "a null meaning": ("families.arpu", ("尚无完整账期", "还没有完整账期")),
    "a label": ("families.arpu", ("average monthly bill", "mean monthly bill")),
    "a reason": ("families.complaints", ('reason="complaints"', 'reason="service"')),
    "a docstring of the cut": ("visible", ("Where time is cut, and nowhere else", "The one place that cuts time")),
    "a comment": ("series", ("# whole numbers: exact", "# integers")),
    "a name of a variable": ("build", ("names = ", "columns = "), ("names.isdisjoint", "columns.isdisjoint")),
    "a helper's name": ("families.peers", ("_of_median", "_over_the_median")),
    "a unit that only people read": ("families.arpu", ('"share per month"', '"share a month"')),
    "another layout": ("spine", ("spine = everyone(", "spine = everyone(\n        ")),
}
"""Module below `features` and what is replaced in it: nothing of it computes."""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", WORDS)
def test_words_change_nothing(monkeypatch: pytest.MonkeyPatch, sound: str, name: str):
    """A champion is not refused because a sentence about a feature was written better."""
    module, *changes = WORDS[name]
    assert edited(monkeypatch, module, *changes) == sound


SLIPS = {
    "an event at the cutoff": ("visible", ("events.happened_at < spine.cutoff", "events.happened_at <= spine.cutoff")),
    "known at the cutoff": ("visible", ("rows.known_at < cutoff", "rows.known_at <= cutoff")),
    "who is with us": ("visible", ("customers.activated_on < as_of", "customers.activated_on <= as_of")),
    "the population that pays": ("spine", ("bills.amount > 0", "bills.amount >= 0")),
    "a condition moved wrongly": (
        "build",
        ("ops.IfElse(node.where, node.arg,", "ops.IfElse(ops.Not(node.where), node.arg,"),
    ),
    "a period of usage": ("definition", ("PERIOD_DAYS = 28", "PERIOD_DAYS = 30")),
    "a window": ("definition", ("(ago >= self.skip)", "(ago > self.skip)")),
    "exact squares": ("series", ("2.0**20", "2.0**10")),
    "a sign": ("series", ("middle * total - weighted", "middle * total + weighted")),
    "one window more": ("families.arpu", ("months(1, 3, 6, 12)", "months(1, 2, 3, 6, 12)")),
    "a helper of one family": ("families.plans", ("rows.valid_to.isnull()", "rows.valid_to.notnull()")),
    "a feature of whole rows": ("families.lifecycle", ("change > 0, ", "change >= 0, ")),
    "a feature of peers": ("families.peers", (".count().over(keys) >= 2", ".count().over(keys) > 2")),
    "a household": ("visible", ("customers.deactivated_on >= as_of", "customers.deactivated_on > as_of")),
}
"""The same for what does compute."""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_changes_it(monkeypatch: pytest.MonkeyPatch, sound: str, name: str):
    module, *changes = SLIPS[name]
    assert edited(monkeypatch, module, *changes) != sound


PLANTED: dict[str, tuple[object, str, Callable]] = {
    **{name: (place, attribute, slip) for name, (place, attribute, slip, _) in mutants.TWIN.items()},
    **{slip.__name__: (visible, "seen", slip) for slip in future.SLIPS},
    **{slip.__name__: (spine, attribute, slip) for attribute, slip in mutants.CALENDAR},
}
"""Every planted bug that a law or a twin catches."""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_bug_changes_it(monkeypatch: pytest.MonkeyPatch, sound_blocks: dict[str, str], name: str):
    monkeypatch.setattr(*PLANTED[name])
    assert changed(sound_blocks, mutants.TWIN[name][3] if name in mutants.TWIN else ())


@pytest.mark.parametrize("column", list(visible.MASKED))
def test_a_column_shown_before_its_time_changes_it(
    monkeypatch: pytest.MonkeyPatch, sound_blocks: dict[str, str], column: str
):
    monkeypatch.delitem(visible.MASKED, column)
    # deactivated_on is a column of customers, who are no events
    assert column == "deactivated_on" or changed(sound_blocks, ("complaints",))


@pytest.mark.slow
def test_settings_that_reach_an_expression_change_it_and_no_others(sound: str, sound_blocks: dict[str, str]):
    def of_block(name: str, settings: FeatureSettings) -> bool:
        return feature_set_hash(BLOCKS[name], settings) != sound_blocks[name]

    assert of_block("bills", FeatureSettings(closing_days=6))
    assert of_block("bills", FeatureSettings(billed_in_arrears=False))
    assert of_block("usage", FeatureSettings(usage_grain="week"))
    assert not of_block("complaints", FeatureSettings(closing_days=6))
    assert of_small(FeatureSettings.model_validate({"stages": {"dormant_days": 30}})) != sound
    assert of_small(FeatureSettings(own="elsewhere/my_features.py", topics=("coverage",))) == sound


@pytest.mark.slow
def test_columns_count_by_name_and_not_by_order(sound: str, sound_blocks: dict[str, str]):
    assert feature_set_hash(SMALL[::-1], SETTINGS) == sound
    assert feature_set_hash(BLOCKS["complaints"][1:], SETTINGS) != sound_blocks["complaints"]
    assert feature_set_hash([f for f in BLOCKS["usage"] if f.measure != "night_mb"], SETTINGS) != sound_blocks["usage"]
    other = catalogue(MEASURES, **(DECLARED | {"topics": ("billing",)}))
    assert feature_set_hash(other, SETTINGS) != sound


def test_another_form_is_another_hash(monkeypatch: pytest.MonkeyPatch, sound: str):
    monkeypatch.setattr(identity, "FORMAT", identity.FORMAT + 1)
    assert of_small() != sound


ALONE = """
import sys
from features.blocks import months
from tests.features.test_identity import of_small, empty_tables
if sys.argv[1] == "2":
    bills = empty_tables()["bills"]
    bills.join(bills.view(), "customer_id")
    months.month(bills.happened_on)
print(of_small())
"""


@pytest.mark.slow
def test_it_is_the_same_in_every_process_whatever_was_computed_before(sound: str):
    """Neither the order of sets nor what Ibis counts through a process is in it."""
    for seed in ("1", "2"):
        run = [sys.executable, "-W", "ignore", "-c", ALONE, seed]
        made = subprocess.run(
            run, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."}
        )
        assert made.stdout.split() == [sound]
    assert len(sound) == identity.LENGTH == 16 and int(sound, 16) >= 0


def test_the_tables_that_it_is_made_over_are_those_of_the_contracts():
    tables = empty_tables(["sms"], ["age"])
    assert {"sms", "happened_on", "superseded_at"} <= set(tables["usage"].columns)
    assert {"age", "activated_on"} <= set(tables["customers"].columns)
    assert "superseded_at" in tables["customers"].columns and "superseded_at" not in tables["labels"].columns
    assert tables["bills"].amount.type() == ibis.dtype("decimal(12, 2)")


def test_a_python_function_of_a_project_counts_by_what_it_does():
    def doubled(factor: int, text: str) -> Callable:
        source = f'def twice(x: float) -> float:\n    """{text}"""\n    return x * {factor}\n'
        space: dict = {}
        exec(source, space)
        return ibis.udf.scalar.python(space["twice"])

    amount = ibis.table({"amount": "float64"}, name="bills").amount
    digests = [identity._digest(doubled(n, text)(amount)) for n, text in ((2, "a"), (2, "b"), (3, "a"))]
    assert digests[0] == digests[1] != digests[2]
