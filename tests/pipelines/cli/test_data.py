"""`headwater data`: rows that add up, and a mapping that is suggested and tried."""

from tests.pipelines.cli.calls import call, document, stderr


def test_data_check_shows_rows_that_add_up(own_operator):
    rows = document("data", "check")["rows"]
    assert set(rows) >= {"customers", "bills", "usage"}
    for counts in rows.values():
        assert counts["in"] == counts["used"] + counts["quarantined"] + counts["duplicates"]
    assert "bills" in call("data", "check", "--lang", "en")
    assert "隔离" in call("data", "check", "--lang", "zh")


def test_data_map_suggests_by_chinese_names(own_operator):
    said = call(
        "data", "map", "--suggest", "data/operator/raw/cust_main.csv", "--table", "customers", "--encoding", "gbk"
    )
    assert "customer_id: 用户编号" in said
    assert "activated_on" in said


def test_data_map_tests_the_mapping(own_operator):
    call("data", "map", "--test")
    assert "E233" in stderr("data", "map", code=2)
