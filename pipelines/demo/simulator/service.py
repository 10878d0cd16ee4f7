"""Complaints, contacts, surveys and consents of the simulated customers. Times are seconds from the first day."""

import numpy as np

from pipelines.demo.simulator.people import Calendar, People
from pipelines.demo.simulator.state import Life

DAY = 86400


def complaints(who: People, life: Life, when: Calendar, rng: np.random.Generator) -> dict:
    """One row per complaint, in order of time; `solved` is -1 where it was not solved within the period."""
    holder, day, topic, severity, wait = life.events_of("complaints", 5)
    opened = day * DAY + rng.integers(8 * 3600, 21 * 3600, len(day))
    solved = opened + np.rint(wait * DAY).astype("int64") + 1800
    entered = opened + np.where(rng.random(len(day)) < 0.08, rng.integers(1, 4, len(day)) * DAY, 900)
    channel = rng.choice(5, len(day), p=[0.58, 0.17, 0.12, 0.10, 0.03])
    columns = {"life": holder, "opened": opened, "entered": entered, "topic": topic, "severity": severity}
    columns |= {"channel": channel, "solved": np.where(solved < when.days * DAY, solved, -1)}
    return _ordered(columns, "opened", _present(holder, opened, who, life) & (entered < when.days * DAY))


def service_contacts(who: People, life: Life, when: Calendar, rng: np.random.Generator) -> dict:
    """Inbound contacts; sour moods call more often, and more often reach a human."""
    holder, at, sour = [], [], []
    for month in range(when.months):
        mood = life.months["mood"][month]
        calls = rng.poisson((0.14 + 0.20 * np.minimum(mood, 2)) * life.months["here"][month])
        who_called = np.repeat(np.arange(len(who)), calls)
        holder.append(who_called)
        at.append(rng.integers(when.edges[month] * DAY, when.edges[month + 1] * DAY, len(who_called)))
        sour.append(mood[who_called] > 0.8)
    life_of, second, angry = np.concatenate(holder), np.concatenate(at), np.concatenate(sour)
    channel = np.where(angry & (rng.random(len(second)) < 0.5), 1, rng.choice(5, len(second)))
    columns = {"life": life_of, "at": second, "channel": channel}
    return _ordered(columns, "at", _present(life_of, second, who, life) & (second < when.days * DAY - 7200))


def campaign_contacts(who: People, life: Life, when: Calendar, rng: np.random.Generator) -> dict:
    """One row per listed customer: `month` tells the campaign, `control` those who were listed and left alone."""
    holder, day, month, control = life.events_of("campaigns", 4)
    second = day * DAY + rng.integers(10 * 3600, 19 * 3600, len(day))
    channel = rng.choice(3, len(day), p=[0.35, 0.40, 0.25])
    columns = {"life": holder, "at": second, "month": month, "control": control.astype(bool), "channel": channel}
    return _ordered(columns, "at", _present(holder, second, who, life) & (second < when.days * DAY - 7200))


def surveys(who: People, life: Life, when: Calendar, rng: np.random.Generator) -> dict:
    """Answers only: the very unhappy who speak up answer most, the unhappy who stay silent least."""
    parts = []
    for month in range(when.months):
        mood, n = life.months["mood"][month], len(who)
        asked = life.months["here"][month] & (rng.random(n) < 0.08 + 0.12 * (mood > 0.8))
        loud = np.where(mood > 0.8, np.where(who.outspoken > 0.35, 2.0, 0.4), 1.0)
        row = np.flatnonzero(asked & (rng.random(n) < np.minimum(who.answers * loud, 0.9)))
        score = 4.3 - 1.2 * np.minimum(mood[row], 2) - 0.25 * who.frailty[row] + rng.normal(0, 0.8, len(row))
        at = rng.integers(when.edges[month] * DAY, when.edges[month + 1] * DAY, len(row))
        parts.append((row, at, np.clip(np.rint(score), 1, 5).astype("int64"), rng.integers(0, 4, len(row))))
    holder, at, score, touchpoint = (np.concatenate([part[k] for part in parts]) for k in range(4))
    columns = {"life": holder, "at": at, "score": score, "touchpoint": touchpoint}
    return _ordered(columns, "at", _present(holder, at, who, life) & (at < when.days * DAY - DAY))


def consents(who: People, life: Life, when: Calendar, rng: np.random.Generator) -> dict:
    """A decision on joining; some withdraw later, the annoyed more often. A few were never asked."""
    n = len(who)
    answered = rng.random(n) < 0.97
    first = who.joined * DAY + rng.integers(9 * 3600, 19 * 3600, n)
    annoyed = np.max(life.months["mood"], axis=0) > 1.5
    leaves = np.flatnonzero(answered & (rng.random(n) < np.where(annoyed, 0.10, 0.03)))
    span = np.maximum(when.days - np.maximum(who.joined[leaves], 0), 1)
    withdrawn = (np.maximum(who.joined[leaves], 0) + 1 + rng.random(len(leaves)) * span).astype("int64") * DAY
    joiners = np.flatnonzero(answered)
    columns = {
        "life": np.concatenate([joiners, leaves]),
        "at": np.concatenate([first[joiners], withdrawn + rng.integers(9 * 3600, 19 * 3600, len(leaves))]),
        "allowed": np.concatenate([rng.random(len(joiners)) < 0.84, np.zeros(len(leaves), bool)]),
    }
    return _ordered(
        columns, "at", _present(columns["life"], columns["at"], who, life) & (columns["at"] < when.days * DAY)
    )


def _present(holder: np.ndarray, second: np.ndarray, who: People, life: Life) -> np.ndarray:
    """True where the event falls between joining and leaving."""
    return (second >= who.joined[holder] * DAY) & (second < life.left[holder] * DAY)


def _ordered(columns: dict, by: str, keep: np.ndarray) -> dict:
    """The kept rows, in order of time."""
    order = np.argsort(columns[by], kind="stable")
    order = order[keep[order]]
    return {name: values[order] for name, values in columns.items()}
