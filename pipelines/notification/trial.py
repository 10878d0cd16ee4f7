"""A try-out message to every receiver, and what came of each."""

from dataclasses import dataclass

from features.errors import HeadwaterError
from pipelines.config.settings import Settings
from pipelines.notification import messages, receivers
from pipelines.notification.messages import Subject
from pipelines.notification.telling import reason


@dataclass(frozen=True)
class Trial:
    """What came of a try-out.

    Attributes
    ----------
    name
        Of the receiver.
    kind
        What it is, such as `dingtalk`; "" where it took nothing.
    taken
        Did it take the message?
    why
        Why not; "" where it did. No secret of its address.
    """

    name: str
    kind: str
    taken: bool
    why: str


def send_all(settings: Settings) -> list[Trial]:
    """One message to each receiver of a project, in the order of its configuration; none waits for another."""
    return [_sent(settings, name) for name in settings.notify.receivers]


def _sent(settings: Settings, name: str) -> Trial:
    subject = Subject(settings.name, settings.language, "notify test", None, None)
    try:
        kind = receivers.send(settings.notify.receivers[name], messages.test(subject, name))
    except (receivers.Undelivered, HeadwaterError) as error:
        return Trial(name, "", False, reason(error, settings.language))
    return Trial(name, kind, True, "")
