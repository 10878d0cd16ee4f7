"""Tables for a terminal have heads in the language of the run."""

from pipelines.cli.grids import grid


def test_heads_are_words_of_the_language():
    heads = {lang: [str(column.header) for column in grid(lang, "table", "used").columns] for lang in ("zh", "en")}
    assert len(heads["en"]) == 2 and heads["zh"] != heads["en"] and all(heads["zh"])
