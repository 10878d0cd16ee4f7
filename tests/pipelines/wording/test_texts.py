"""The catalogue speaks both languages, and every code raised anywhere has its words."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipelines.reference import error_pages
from pipelines.wording import texts

ROOT = Path(__file__).parents[3]
TEXTS = ROOT / "pipelines" / "wording" / "catalogue"
PACKAGES = ("features", "models", "targeting", "pipelines")


def test_every_text_has_both_languages_and_the_same_placeholders():
    for key, sentences in texts.catalogue().items():
        assert set(sentences) == set(texts.LANGUAGES), key
        assert len({frozenset(texts.placeholders(sentence)) for sentence in sentences.values()}) == 1, key


def test_every_code_in_the_source_has_what_and_fix():
    raised = {
        code
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for code in re.findall(r'"([EW]\d{3})"', path.read_text(encoding="utf-8"))
    }
    missing = {
        f"{code}.{part}" for code in raised for part in ("what", "fix") if not texts.has(f"errors.{code}.{part}")
    }
    assert len(raised) > 30
    assert not missing
    assert set(error_pages.codes()) == raised, "a code that nothing raises"


def test_every_rule_of_quarantine_has_words():
    from features.contracts import CONTRACTS

    rules = {rule.name for contract in CONTRACTS.values() for rule in contract.rules} | {"not_negative"}
    source = "".join(
        (ROOT / "pipelines" / "ingest" / f"{name}.py").read_text(encoding="utf-8") for name in ("cells", "rules")
    )
    rules |= set(re.findall(r'"([a-z]+(?:_[a-z]+)+)", (?:column|name|"known_at"|"customer_id")', source))
    assert {"not_a_number", "from_the_future", "unknown_customer", "implausible_date"} <= rules
    assert not {rule for rule in rules if not texts.has(f"terms.rule.{rule}")}


def test_text_fills_and_refuses():
    assert (
        texts.text("terms.line.published", "en", as_of="2026-10-30") == "Published scores unchanged (as of 2026-10-30)."
    )
    assert "2026-10-30" in texts.text("terms.line.published", "zh", as_of="2026-10-30")
    with pytest.raises(LookupError, match="as_of"):
        texts.text("terms.line.published", "en")
    with pytest.raises(LookupError, match="no text"):
        texts.text("terms.nothing", "en")
    with pytest.raises(LookupError, match="'fr'"):
        texts.text("terms.label.file", "fr")


def test_placeholders_of_formatted_fields():
    assert texts.placeholders("{share:.1%} of {rows:,} {{not}}") == {"share", "rows"}


def test_a_page_for_every_code():
    page = error_pages.error_pages()
    for code in error_pages.codes():
        assert f"\n## {code}\n" in page
    assert "疑似为分" not in page.split("## E302")[0].split("## E301")[0]
    assert "exit 3: data contract failed" in error_pages.section("E301")
    assert "‹" in error_pages.section("E302")


@pytest.mark.parametrize("file", sorted(TEXTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_no_key_is_given_twice(file: Path):
    """YAML takes the last one in silence: an error would speak with the words of another."""
    assert list(twice(yaml.compose(file.read_text(encoding="utf-8")))) == []


def twice(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from {key for key in keys if keys.count(key) > 1}
        for _, value in node.value:
            yield from twice(value)
