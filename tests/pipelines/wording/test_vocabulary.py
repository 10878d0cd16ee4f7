"""One word per term: every sentence of the catalogue, every label of a feature and of a column is held against the glossary."""

import re

import pytest

from features.catalogue import catalogue as features
from features.contracts import CONTRACTS
from features.errors import Problem
from models.scores.columns import BY_NAME
from pipelines.wording.errors import sentence, tables_in_words
from pipelines.wording.formats import word
from pipelines.wording.texts import LANGUAGES, catalogue, has
from pipelines.wording.vocabulary import other_words, vocabulary

NAMES = {column.name for contract in CONTRACTS.values() for column in contract.columns} | set(BY_NAME) | set(CONTRACTS)
TYPED = re.compile(
    r"^(errors\.\w+\.fix|init|steps|terms\.(rule|refused|unit|left_out|own|asks|flaw|numbers|times)|errors\.E\d+)\b"
)
"""What tells people who write YAML or read a terminal names its keys; what marketing reads does not."""
COMMANDS = re.compile(r"headwater [a-z]+( [a-z]+)?( --[a-z-]+( [a-z]+)?)*|\{[^{}]*\}")
CHINESE_IN_ENGLISH = {"errors.E229.fix", "report.chinese"}
SIGN_OF_A_MACHINE = {
    "zh": r"[一-鿿][,;:!?][一-鿿]|[（(] |\bTrue\b|\bFalse\b|\bNone\b|\bNaN\b|剩余天数|-\{\w*days?\w*\}",
    "en": r"\bTrue\b|\bFalse\b|\bNone\b(?! of)|\bNaN\b|days left|，|。",
}


def sentences():
    """Key, language and sentence of everything that people read."""
    for key, entry in catalogue().items():
        yield from ((key, lang, entry[lang]) for lang in LANGUAGES)
    for feature in features(("data_mb", "voice_minutes")):
        yield from ((f"features.{feature.column}", lang, feature.label(lang)) for lang in LANGUAGES)
    for column in BY_NAME.values():
        yield from ((f"columns.{column.name}", lang, getattr(column, lang)) for lang in LANGUAGES)


def odd(key, lang, told):
    """What is wrong with one sentence."""
    found = [f"{word!r}: write {term!r}" for word, term in other_words(told, lang, key)]
    found += [f"a machine's: {m.group()!r}" for m in re.finditer(SIGN_OF_A_MACHINE[lang], told)]
    if lang == "zh" and not TYPED.match(key):
        names = re.findall(r"[a-z][a-z_0-9]+", COMMANDS.sub("", told))
        found += [f"a name of a table or column: {name!r}" for name in names if name in NAMES or "_" in name]
    if lang == "en" and key not in CHINESE_IN_ENGLISH:
        found += [f"Chinese: {m.group()!r}" for m in re.finditer("[一-鿿]+", told)]
    return found


def test_every_sentence_keeps_to_the_glossary():
    wrong = {(key, lang): found for key, lang, told in sentences() if (found := odd(key, lang, told))}
    assert wrong == {}


PLANTED = [
    ("zh", "本名单对照保留 10%"),
    ("en", "10% as a control group"),
    ("en", "Revenue at risk"),
    ("zh", "风险收入"),
    ("zh", "预计12月价值"),
    ("zh", "预计12个月价值"),
    ("zh", "未来 12 个月价值"),
    ("en", "Expected 12-month value"),
    ("en", "Expected value in December"),
    ("zh", "潜在 VIP"),
    ("zh", "是否：True"),
    ("en", "early: False"),
    ("zh", "请看 bills 表"),
    ("zh", "按 churn_probability 排序"),
    ("zh", "合约剩余天数 {n} 天"),
    ("zh", "流失,沉默"),
    ("en", "the 档位 of today"),
    ("zh", "营销授权"),
]


@pytest.mark.parametrize(("lang", "told"), PLANTED)
def test_a_sentence_that_does_not_is_found(lang, told):
    assert odd("report.planted", lang, told)


@pytest.mark.parametrize("key", vocabulary())
def test_a_term_is_whole_and_does_not_refuse_itself(key):
    term = vocabulary()[key]
    assert set(term.meaning) == set(LANGUAGES) and term.instead
    for lang in LANGUAGES:
        assert list(other_words(term.word(lang), lang)) == []
        assert list(other_words(term.meaning[lang], lang)) == []


def test_exceptions_are_keys_that_are_there_and_need_it():
    for term in vocabulary().values():
        for key in term.exceptions:
            patterns = [
                (pattern, catalogue()[key][lang]) for lang in LANGUAGES for pattern in term.instead.get(lang, ())
            ]
            assert any(re.search(pattern, told) for pattern, told in patterns), key


def test_terms_are_told_apart():
    for lang in LANGUAGES:
        words = [term.word(lang) for term in vocabulary().values()]
        assert len(set(words)) == len(words)


@pytest.mark.parametrize("column", [name for name, c in BY_NAME.items() if str(c.dtype) == "bool"])
@pytest.mark.parametrize("value", [True, False])
def test_no_flag_is_told_as_a_machine_has_it(column, value):
    assert (word(column, value, "zh"), word(column, value, "en")) == (("是", "yes") if value else ("否", "no"))


def test_tables_are_called_by_their_names_in_chinese_and_by_their_keys_where_they_are_typed():
    problem = Problem("E209", values={"table": "bills", "mapping": "mapping.yaml"})
    assert "账单" in sentence(problem, "what", "zh") and "bills" not in sentence(problem, "what", "zh")
    assert "bills" in sentence(problem, "fix", "zh") and "bills" in sentence(problem, "what", "en")
    assert tables_in_words("bills, usage", "zh") == "账单、使用" and tables_in_words("my_table", "zh") == "my_table"
    assert all(has(f"terms.table.{name}") for name in CONTRACTS)
