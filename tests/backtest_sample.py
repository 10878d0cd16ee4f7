"""A backtest of the small business of `tests.models.sample`: every target at three origins, a champion for churn."""

from functools import cache

from models.splits import Protocol, origins
from models.targets.registry import TARGETS
from models.training import Trained, train
from pipelines.delivery.backtest_data import BacktestData, Champion
from pipelines.flows import backtest_figures, training_record
from tests.models import sample

PROTOCOL = Protocol(every="30d", count=3, calibrate=1, reporting_delay_days=0)


@cache
def trained(count: int = 3, customers: int = 500) -> tuple[Trained, ...]:
    """By origin, then by target."""
    splits = origins(sample.TODAY, PROTOCOL, sample.HORIZON, count)
    frame = sample.snapshots(customers, dates=tuple(sorted({day for split in splits for day in split.dates})))
    return tuple(
        train(name, frame[frame["as_of"].isin(split.dates)], split, sample.SETTINGS, sample.FEATURES, ship=False)
        for split in splits
        for name in TARGETS
    )


def champion() -> Champion:
    """What the oldest origin would have registered."""
    facts = training_record.evaluation(trained()[0]) | {"features": 5, "importance": {"trend": 0.6, "silence": 0.3}}
    return Champion("churn/1", facts)


@cache
def data(count: int = 3) -> BacktestData:
    """The whole backtest, or its newest origins alone."""
    results = trained()[-count * len(TARGETS) :]
    champions = {"churn": champion()}
    table = backtest_figures.figures("shop", results, champions, sample.SETTINGS.resamples, sample.SETTINGS.seed)
    figures = table.to_pandas(date_as_object=True)
    return BacktestData("shop", sample.TODAY, backtest_figures.by_target(results), figures, champions)
