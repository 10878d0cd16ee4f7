"""The columns of the score table: type, unit and what each means, in the order in which they are written."""

import pyarrow as pa

from models.scores.score_column import CURVE, ENUM, FLAGS, MONEY, REASONS, ScoreColumn
from models.targets.registry import TARGETS

SCORE_STATUSES = ("ok", "insufficient_history", "already_churned", "excluded", "data_error")
RISK_BANDS = ("low", "medium", "high", "critical")
CHURN_TRENDS = ("worsening", "steady", "improving", "new")
VALUE_BANDS = ("low", "medium", "high")
VALUE_RISK_CELLS = tuple(f"{value}_{risk}" for value in VALUE_BANDS for risk in VALUE_BANDS)
STAGES = ("onboarding", "growing", "steady", "declining", "dormant", "left")
DIRECTIONS = ("improving", "steady", "worsening")


def _needed(name: str, dtype: pa.DataType, en: str, zh: str, unit: str = "", **more) -> ScoreColumn:
    return ScoreColumn(name, dtype, en, zh, unit, needed=True, **more)


def _model(name: str, dtype: pa.DataType, en: str, zh: str, unit: str = "", **more) -> ScoreColumn:
    return ScoreColumn(name, dtype, en, zh, unit, model_output=True, **more)


def _fact(name: str, dtype: pa.DataType, en: str, zh: str, unit: str = "", **more) -> ScoreColumn:
    return ScoreColumn(name, dtype, en, zh, unit, **more)


F32 = pa.float32()
_CONTRACT: tuple[ScoreColumn, ...] = (
    _needed("customer_id", pa.string(), "Customer", "客户编号"),
    _fact("account_id", pa.string(), "Account", "账户编号"),
    _needed("as_of", pa.date32(), "Data date", "数据日期", "date"),
    _fact("customer_type", ENUM, "Customer type", "客户类型"),
    _fact("region", ENUM, "Region", "地市"),
    _needed("currency", ENUM, "Currency", "币种"),
    _needed("score_status", ENUM, "Score status", "评分状态", values=SCORE_STATUSES),
    _fact("excluded_reason", ENUM, "Reason for exclusion", "排除原因"),
    _fact("churn_horizon_days", pa.int16(), "Churn horizon", "流失预测期", "days"),
    _model("churn_probability", F32, "Churn probability", "流失概率", "probability"),
    _model("churn_probability_low", F32, "Churn probability, low", "流失概率下限", "probability"),
    _model("churn_probability_high", F32, "Churn probability, high", "流失概率上限", "probability"),
    _model("churn_curve", CURVE, "Churn probability by horizon", "分期流失概率"),
    _model("churn_score_raw", F32, "Churn score before calibration", "校准前流失分", "log-odds"),
    _model("churn_percentile", F32, "Churn rank", "流失排位", "percentile"),
    _model("churn_risk_band", ENUM, "Churn risk", "流失风险等级", values=RISK_BANDS),
    _fact("churn_probability_prev", F32, "Churn probability before", "上期流失概率", "probability"),
    _model("churn_trend", ENUM, "Churn trend", "流失趋势", values=CHURN_TRENDS),
    _model("median_days_to_churn", F32, "Median days to churn", "预计流失天数（中位）", "days"),
    _fact("arpu_3m", MONEY, "Monthly bill, 3 months", "近3月月均账单", "currency/month"),
    _fact("arpu_trend_pct", F32, "Change of monthly bill", "月均账单变化", "percent"),
    _fact("value_horizon_days", pa.int16(), "Value horizon", "价值预测期", "days"),
    _model("value_pred", MONEY, "Expected value", "预计价值", "currency"),
    _model("value_p10", MONEY, "Expected value, low (p10)", "预计价值下限（p10）", "currency"),
    _model("value_p90", MONEY, "Expected value, high (p90)", "预计价值上限（p90）", "currency"),
    _model("value_12m_pred", MONEY, "Expected value, next 12 months", "预计未来12个月价值", "currency"),
    _model("value_12m_p10", MONEY, "Expected value, next 12 months, low", "预计未来12个月价值下限", "currency"),
    _model("value_12m_p90", MONEY, "Expected value, next 12 months, high", "预计未来12个月价值上限", "currency"),
    _fact("account_members", pa.int32(), "Customers on the account", "账户客户数", "count"),
    _fact("account_value_12m", MONEY, "Value of the account, next 12 months", "账户未来12个月价值", "currency"),
    _fact("group_size", ENUM, "Size of the group", "集团规模"),
    _model("value_if_retained_12m", MONEY, "Value if retained, next 12 months", "留住后未来12个月价值", "currency"),
    _model("value_at_risk", MONEY, "Value at risk", "风险价值", "currency"),
    _model("value_band", ENUM, "Value band", "价值等级", values=VALUE_BANDS),
    _model("value_risk_cell", ENUM, "Value and risk", "价值×风险", values=VALUE_RISK_CELLS),
    _fact("tier_current", ENUM, "Tier today", "当前档位"),
    _fact("tier_reason", ENUM, "Reason of the tier", "档位原因"),
    _fact("tier_review", pa.bool_(), "Core customer to be reviewed", "核心客户待复核"),
    _fact("tier_ratings_below", pa.int16(), "Ratings below the tier in a row", "连续低于档位的评定次数", "count"),
    _fact("tier_rated_on", pa.date32(), "Last rating of the tier", "最近一次档位评定", "date"),
    _model("tier_predicted", ENUM, "Tier by predicted value", "预测档位"),
    _fact("is_high_value_now", pa.bool_(), "High value today", "当前高价值"),
    _fact("vip_horizon_days", pa.int16(), "Potential-VIP horizon", "潜在VIP预测期", "days"),
    _model("vip_probability", F32, "Potential-VIP probability", "潜在VIP概率", "probability"),
    _model("vip_percentile", F32, "Potential-VIP rank", "潜在VIP排位", "percentile"),
    _model("is_potential_vip", pa.bool_(), "Potential VIP", "潜在VIP"),
    _model("vip_early", pa.bool_(), "No high bill so far", "此前从无高账单"),
    _fact("vip_gap", MONEY, "Distance to high value", "距高价值线", "currency/month"),
    _fact("lifecycle_stage", ENUM, "Lifecycle stage", "生命周期阶段", values=STAGES),
    _fact("lifecycle_direction", ENUM, "Lifecycle direction", "生命周期走向", values=DIRECTIONS),
    _fact("tenure_months", pa.int16(), "Months with us", "在网月数", "months"),
    _fact("complaints_90d", pa.int16(), "Complaints, 90 days", "近90天投诉", "count"),
    _fact("complaints_open", pa.int16(), "Open complaints", "未解决投诉", "count"),
    _fact("overdue_amount", MONEY, "Overdue", "逾期金额", "currency"),
    _fact("last_contact_on", pa.date32(), "Last contact by us", "最近一次主动接触", "date"),
    _fact("consent", pa.bool_(), "Consent to marketing", "营销同意"),
    _fact("satisfaction_index", F32, "Satisfaction index", "满意度指数", "index"),
    _fact("contract_end_date", pa.date32(), "Contract end", "合约到期日", "date"),
    _model("churn_reasons", REASONS, "Reasons for churn risk", "流失原因"),
    _model("vip_reasons", REASONS, "Reasons for VIP potential", "潜力原因"),
    _fact("recommended_action", ENUM, "Recommended action", "建议动作"),
    _fact("action_rule", ENUM, "Rule of the playbook", "命中规则"),
    _fact("action_channel", ENUM, "Channel of the action", "动作渠道"),
    _fact("owner", ENUM, "Owner", "负责人"),
    _model("action_priority", MONEY, "Expected net benefit of the action", "动作预期净收益", "currency"),
    _needed("contact_allowed", pa.bool_(), "May be contacted", "可接触"),
    _fact("suppress_reason", ENUM, "Reason for no contact", "不可接触原因"),
    _needed("random_bucket", pa.int16(), "Random bucket", "随机桶"),
    _needed("is_holdout", pa.bool_(), "Holdout", "对照组"),
    _fact("churn_model_version", pa.string(), "Churn model", "流失模型版本"),
    _fact("value_model_version", pa.string(), "Value model", "价值模型版本"),
    _fact("vip_model_version", pa.string(), "Potential-VIP model", "潜在VIP模型版本"),
    _needed("feature_set_hash", pa.string(), "Feature set", "特征集标识"),
    _fact("data_quality_flags", FLAGS, "Data quality flags", "数据质量标记"),
)

COLUMNS = (*_CONTRACT, *(column for target in TARGETS.values() for column in target.columns))
SCHEMA = pa.schema([column.field for column in COLUMNS])
BY_NAME = {column.name: column for column in COLUMNS}
