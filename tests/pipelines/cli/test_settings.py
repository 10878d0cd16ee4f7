"""`headwater config`: settings with their origins, and their schema."""

from tests.pipelines.cli.calls import call, document


def test_config_shows_origins_and_schema(own_operator):
    assert "configs/operator.yaml" in call("config", "show", "--origin")
    assert document("config", "schema")["schema"]["title"] == "Settings"
    call("config", "validate")
