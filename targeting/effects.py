"""What a random split shows: the difference between those listed for contact and the control, with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Effect:
    """A difference of two means, treated minus control.

    Attributes
    ----------
    estimate
        In the unit of the outcome; a share for yes or no.
    standard_error
        Robust to variances that differ (HC2), and to customers of one account being alike.
    df
        Degrees of freedom of the t distribution (Satterthwaite); infinite for what is pooled.
    treated, control
        Means of the arms; adjusted ones are those at the mean of the covariates.
    """

    estimate: float
    standard_error: float
    df: float
    treated: float
    control: float

    @property
    def half_width(self) -> float:
        """Half the 95 % interval."""
        return float(stats.t.ppf(0.5 + LEVEL / 2, self.df)) * self.standard_error

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.estimate - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.estimate + self.half_width

    def within(self, level: float) -> tuple[float, float]:
        """Lower and upper end of an interval of another level."""
        half = float(stats.t.ppf(0.5 + level / 2, self.df)) * self.standard_error
        return self.estimate - half, self.estimate + half

    @property
    def spans_zero(self) -> bool:
        """May it as well be nothing?"""
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class Pooled:
    """Effects of several campaigns together.

    Attributes
    ----------
    fixed
        Weighted by inverse variance: what they would show if all had one effect.
    random
        The mean of effects that differ (DerSimonian and Laird); the same as `fixed` where they do not differ.
    between
        Standard deviation of the effects themselves, beyond chance.
    inconsistency
        Share of their spread that is not chance (I squared of Higgins and Thompson), 0 to 1.
    differ
        p-value of "all have one effect" (Cochran's Q).
    """

    fixed: Effect
    random: Effect
    between: float
    inconsistency: float
    differ: float


def effect(
    outcome: np.ndarray, treated: np.ndarray, covariates: np.ndarray | None = None, units: np.ndarray | None = None
) -> Effect:
    """The intention-to-treat difference: of all who were listed, whatever became of their contact.

    With covariates it is that of Lin (Annals of Applied Statistics 7, 2013): a regression in each arm on what was known
    before, held at the mean of everybody. It is as right as the plain difference whatever the regression is worth, and
    shorter where it is worth something, as CUPED is. Variances are HC2 (MacKinnon and White, 1985), without covariates
    that of Welch's test; degrees of freedom are Satterthwaite's.

    Parameters
    ----------
    outcome
        A number per customer, none missing.
    treated
        True for contact, False for control; each at least twice more than there are covariates.
    covariates
        A row per customer of what was known before, none missing; columns that are constant in an arm are left out.
    units
        Account of each customer, where several of one account follow each other's arm; every customer alone if None.

    Returns
    -------
    Effect
        Treated minus control.
    """
    known = _telling(covariates, treated)
    arms = [
        _mean_at(outcome[side], known[side], None if units is None else units[side]) for side in (treated, ~treated)
    ]
    (ours, ours_variance, ours_df), (theirs, theirs_variance, theirs_df) = arms
    total = ours_variance + theirs_variance
    spread = ours_variance**2 / ours_df + theirs_variance**2 / theirs_df
    df = total**2 / spread if spread > 0 else ours_df + theirs_df
    return Effect(ours - theirs, float(np.sqrt(total)), float(df), ours, theirs)


def _telling(covariates: np.ndarray | None, treated: np.ndarray) -> np.ndarray:
    """The covariates that differ within both arms, less their means; none is a matrix of no columns."""
    if covariates is None:
        return np.empty((len(treated), 0))
    kept = [c for c in covariates.T if np.ptp(c[treated]) > 0 and np.ptp(c[~treated]) > 0]
    return np.column_stack([c - c.mean() for c in kept]) if kept else np.empty((len(treated), 0))


def _mean_at(outcome: np.ndarray, known: np.ndarray, units: np.ndarray | None) -> tuple[float, float, float]:
    """Mean of one arm where the covariates are zero, its HC2 variance and degrees of freedom."""
    design = np.column_stack([np.ones(len(outcome)), known])
    solved = np.linalg.pinv(design)
    coefficients = solved @ outcome
    leverage = np.einsum("ij,ji->i", design, solved)
    residuals = (outcome - design @ coefficients) / np.sqrt(np.maximum(1 - leverage, 1e-12))
    shares = solved[0] * residuals
    groups, factor = len(shares), 1.0
    if units is not None:
        codes = np.unique(units, return_inverse=True)[1]
        together = np.bincount(codes, shares)
        factor = len(together) / (len(together) - 1) if len(together) < groups else 1.0
        shares, groups = together, len(together)
    return float(coefficients[0]), float(factor * np.sum(shares**2)), float(max(groups - design.shape[1], 1))


def pooled(effects: Sequence[Effect]) -> Pooled:
    """Several campaigns of one outcome together.

    Inverse-variance weights; where the effects differ, the random-effects mean of DerSimonian and Laird (Controlled
    Clinical Trials 7, 1986), whose interval is wider.

    Parameters
    ----------
    effects
        One per campaign, at least one.

    Returns
    -------
    Pooled
        Both means, and how much the campaigns differ.
    """
    found = np.array([one.estimate for one in effects])
    variances = np.array([one.standard_error**2 for one in effects])
    weights = 1 / variances
    fixed = _weighted(effects, weights)
    spread, free = float(np.sum(weights * (found - fixed.estimate) ** 2)), len(found) - 1
    scale = weights.sum() - np.sum(weights**2) / weights.sum()
    between = max((spread - free) / scale, 0.0) if free else 0.0
    return Pooled(
        fixed=fixed,
        random=_weighted(effects, 1 / (variances + between)),
        between=float(np.sqrt(between)),
        inconsistency=max((spread - free) / spread, 0.0) if spread > 0 else 0.0,
        differ=float(stats.chi2.sf(spread, free)) if free else 1.0,
    )


def _weighted(effects: Sequence[Effect], weights: np.ndarray) -> Effect:
    shares = weights / weights.sum()
    means = [float(shares @ [getattr(one, name) for one in effects]) for name in ("estimate", "treated", "control")]
    return Effect(means[0], float(np.sqrt(1 / weights.sum())), float("inf"), means[1], means[2])
