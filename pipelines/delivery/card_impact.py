"""The impact assessment of a model card: what the configuration tells of automated decisions, and what a person must add."""

from collections.abc import Callable
from typing import Any

from features.contracts import CONTRACTS
from pipelines.delivery.card_data import CardModel, CardPage
from pipelines.workspace.publication import ARCHIVED


def impact(page: CardPage, card: CardModel) -> list[dict[str, Any]]:
    """One question a row: its title, sentences that the configuration answers it with, and what is left to a person."""
    known: dict[str, Callable[[CardPage, CardModel], list[str]]] = {
        "decided": _decided,
        "review": _review,
        "consent": _consent,
        "categories": _categories,
        "groups": _groups,
        "retention": _retention,
        "sign_off": lambda page, card: [],
    }
    return [
        {
            "title": page.tell(f"impact.{name}.title"),
            "known": told(page, card),
            "fill": page.tell(f"impact.{name}.fill"),
        }
        for name, told in known.items()
    ]


def _decided(page: CardPage, card: CardModel) -> list[str]:
    lists = page.data.settings.lists
    said = [page.tell("impact.decided.nothing")]
    if card.target in ("churn", "vip"):
        order = page.tell(f"impact.order.{lists.churn_order}")
        length = {"top": page.count(lists.top), "holdout": page.share(lists.holdout, 0)}
        said.append(page.tell(f"impact.decided.{card.target}", order=order, **length))
    names = [page.word("recommended_action", action.code) for action in page.data.settings.actions.playbook]
    return [*said, page.tell("impact.decided.actions", names=page.listed(names))]


def _review(page: CardPage, card: CardModel) -> list[str]:
    return [
        page.tell("impact.review.files"),
        page.tell(f"impact.review.{'reasons' if card.asked.reasons else 'no_reasons'}"),
    ]


def _consent(page: CardPage, card: CardModel) -> list[str]:
    settings = page.data.settings
    contact = settings.contact
    kept_off = page.listed([page.word("suppress_reason", reason) for reason in contact.order])
    return [
        page.tell(f"impact.consent.{contact.consent or 'unset'}", purpose=contact.purpose),
        page.tell("impact.consent.everybody" if card.asked.everybody else "impact.consent.asked"),
        page.tell("impact.consent.kept_off", reasons=kept_off),
        page.tell("impact.consent.quiet", days=contact.quiet_days, share=page.share(settings.holdout.share, 0)),
    ]


def _categories(page: CardPage, card: CardModel) -> list[str]:
    mapping = page.data.settings.tables
    known = [CONTRACTS[name] for name in mapping.tables if name in CONTRACTS]
    words = [(contract.name, contract.zh if page.lang == "zh" else contract.en) for contract in known]
    said = [page.tell("impact.categories.tables", name=name, words=meaning) for name, meaning in words]
    attributes = (*mapping.attributes, *(name for names in mapping.typed for name in names))
    return said + ([page.tell("impact.categories.attributes", names=page.listed(attributes))] if attributes else [])


def _groups(page: CardPage, card: CardModel) -> list[str]:
    names = list(dict.fromkeys(row["slice"] for row in card.facts["slices"]))
    if not names:
        return [page.tell("impact.groups.nothing")]
    return [page.tell("impact.groups.looked_at", names=page.listed([page.feature(name) for name in names]))]


def _retention(page: CardPage, card: CardModel) -> list[str]:
    return [page.tell("impact.retention.kept", n=ARCHIVED), page.tell("impact.retention.masked")]
