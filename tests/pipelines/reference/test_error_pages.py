"""The page of error codes: every code of the catalogue, in both languages, with its exit code."""

from pipelines.reference import error_pages


def test_every_code_has_a_section():
    codes, page = error_pages.codes(), error_pages.error_pages()
    assert codes == sorted(codes) and len(codes) > 60
    assert [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")] == codes


def test_a_section_says_the_exit_code_and_the_way_out_in_both_languages():
    section = error_pages.section("E601")
    assert "exit 6: another run holds the lock" in section
    assert "  Fix: " in section and "  修复: " in section
    assert "warning" in error_pages.section("W301") and "exit 0" in error_pages.section("W301")


def test_placeholders_are_words():
    assert "‹command›" in error_pages.section("E601")
    assert "{" not in error_pages.error_pages()
