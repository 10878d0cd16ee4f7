"""What has been told is read as it was written, and a state holds no more than it must."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.workspace import incidents
from pipelines.workspace.incidents import Incident, Message, State
from pipelines.workspace.paths import Workspace

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INCIDENTS = st.builds(Incident, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)
MESSAGES = st.builds(Message, TEXT, TEXT, TEXT)
STATES = st.builds(
    State,
    st.lists(INCIDENTS, max_size=3).map(tuple),
    st.dictionaries(TEXT, st.lists(MESSAGES, min_size=1, max_size=3).map(tuple), max_size=2),
)


@given(state=STATES)
def test_what_is_written_is_read(state, tmp_path_factory):
    workspace = Workspace.open(tmp_path_factory.mktemp("w"), "town")
    incidents.write(workspace, state)
    assert incidents.read(workspace) == state


def test_the_same_incident_is_known_whenever_it_is_seen():
    first = Incident("failure", "nightly", "2026-11-01", "E401", "02:05", "line")
    again = Incident("failure", "nightly", "2026-11-01", "E401", "03:05", "another line")
    state = State().with_incident(first).with_incident(again)
    assert state.open == (first,)
    assert state.without((again,)) == State()


def test_who_never_answers_has_the_newest_messages_waiting():
    messages = tuple(Message(str(n), "", "info") for n in range(50))
    state = State().with_waiting("ops", messages)
    assert [m.title for m in state.waiting["ops"]] == [str(n) for n in range(30, 50)]
    assert state.with_waiting("ops", ()) == State()
