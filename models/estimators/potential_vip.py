"""The potential-VIP estimator: who becomes, and stays, high-value, among those who are not."""

from models.estimators.classifier import CalibratedClassifier


class PotentialVipClassifier(CalibratedClassifier):
    """Fit on a frame with `vip` (null for those it is not defined for) and, to rank by value, `value` of everybody.

    `outputs` has vip_probability, and vip_score_raw (log-odds).
    """

    kind = "vip"
