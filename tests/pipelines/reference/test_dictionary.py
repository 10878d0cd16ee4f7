"""The pages that are made from the code name everything that there is."""

import pyarrow as pa

from features.contracts import CONTRACTS
from models.scores.columns import COLUMNS
from models.scores.score_column import CURVE, REASONS
from pipelines.reference import dictionary


def test_cells_cannot_break_a_table():
    page = dictionary.table(("a", "b"), [("x|y", "one\ntwo"), ("", "z")])
    assert page.splitlines() == ["| a | b |", "|---|---|", "| x\\|y | one two |", "|  | z |"]


def test_types_are_in_short():
    types = (REASONS, CURVE, pa.dictionary(pa.int8(), pa.string()), pa.float32())
    words = ["list of reasons", "list of (days, probability)", "enum", "float"]
    assert [dictionary._type_name(dtype) for dtype in types] == words


def test_pages_name_every_table_and_score_column():
    pages = dictionary.pages()
    assert set(pages) == {"features.md", "tables.md", "scores.md", "errors.md"}
    tables, scores = pages["tables.md"](), pages["scores.md"]()
    assert all(f"## {name}\n" in tables for name in CONTRACTS)
    assert all(f"| `{column.name}` |" in scores for column in COLUMNS)


def test_every_page_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(dictionary, "pages", lambda: {"one.md": lambda: "一", "two.md": lambda: "2"})
    dictionary.main(str(tmp_path))
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "one.md": "一",
        "two.md": "2",
    }
