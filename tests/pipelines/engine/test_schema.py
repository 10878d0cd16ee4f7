"""Tables of one piece of work lie in a schema of their own, and go with it."""

import ibis

from pipelines.engine.schema import Schema


def numbers(con, schema: Schema, table: str) -> list[int]:
    return sorted(con.to_pyarrow(schema[table])["n"].to_pylist())


def test_rows_replace_those_before_or_come_behind_them(con):
    schema = Schema(con)
    schema.fill("t", "SELECT 1 AS n")
    schema.fill("t", "SELECT 2 AS n")
    assert numbers(con, schema, "t") == [2]
    schema.fill("t", "SELECT 3 AS n", append=True)
    assert numbers(con, schema, "t") == [2, 3]
    schema.view("v", f"SELECT n + 1 AS n FROM {schema.qualified('t')}")
    assert numbers(con, schema, "v") == [3, 4]
    schema.close()


def test_two_have_tables_of_the_same_name_and_each_goes_alone(con):
    one, other = Schema(con), Schema(con)
    for n, schema in enumerate((one, other)):
        schema.create("t", ibis.memtable({"n": [n]}))
    assert (numbers(con, one, "t"), numbers(con, other, "t")) == ([0], [1])
    one.close()
    assert numbers(con, other, "t") == [1]
    other.drop("t")
    other.close()
    other.close()
    schemas = con.raw_sql("SELECT schema_name FROM information_schema.schemata").fetchall()
    assert not {one.name, other.name} & {name for (name,) in schemas}
