"""YAML read safely: every key has its line, and what could surprise is refused with its line."""

from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.documents import read

SCALARS = st.one_of(st.integers(), st.booleans(), st.none(), st.dates(date(1900, 1, 1)), st.text("ab: #'", max_size=6))
KEYS = st.text("abc", min_size=1, max_size=3)
CONTENTS = st.dictionaries(KEYS, st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))


@pytest.mark.slow
@given(content=CONTENTS)
def test_what_is_written_is_read(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("yaml") / "a.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    document = read(path)
    assert document.content == content
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(str(key) in lines[document.lines[(key,)] - 1] for key in content)


def test_a_key_has_its_line_and_what_is_not_there_that_of_its_parent(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("# first\na:\n  b: 1\n  c: 2\nd: 3\n", encoding="utf-8-sig")
    document = read(path)
    assert [document.line(keys) for keys in (("a", "c"), ("a", "x", "y"), ("d",), ("z",))] == [4, 2, 5, None]
    assert document.place(("a", "b")) == (str(path), 3)


@pytest.mark.parametrize(
    ("text", "code", "row"),
    [
        ("a: [1\n", "E202", 2),
        ("- 1\n", "E202", 1),
        ("a: 1\na: 2\n", "E222", 2),
        ("a: &x 1\nb: *x\n", "E206", 1),
        ("a:\n  !!python/object:os.system {}\n", "E206", 2),
        ("a: !!set {b}\n", "E206", 1),
        ("a: 2026-13-45\n", "E202", 1),
        ("a: " + "[" * 60 + "]" * 60 + "\n", "E206", 1),
        ("x: " + "a" * 2_000_000 + "\n", "E206", None),
    ],
)
def test_surprises_are_refused_with_their_line(tmp_path, text, code, row):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(HeadwaterError) as error:
        read(path)
    assert (error.value.problem.code, error.value.problem.row, error.value.problem.file) == (code, row, str(path))


def test_no_file_and_no_text(tmp_path):
    for path, code in ((tmp_path / "none.yaml", "E201"), (tmp_path, "E201"), (tmp_path / "b.yaml", "E202")):
        if code == "E202":
            path.write_bytes(b"a: \xff\n")
        with pytest.raises(HeadwaterError, match=code):
            read(path)
    (tmp_path / "empty.yaml").write_text("")
    assert read(tmp_path / "empty.yaml").content == {}
