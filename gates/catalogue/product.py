"""What users and the business saw: adoption, satisfaction, churn, money, and the experiment itself.

Whether a difference was caused by the release is for an experiment rule to say.
"""

from gates.catalogue.metric import UNIT_INTERVAL, Family

_F = Family("product")
_B = Family("business")
_X = Family("experiment")

PRODUCT = (
    *(
        _F.rate(id_, "higher", title, meaning, synonyms)
        for id_, title, meaning, synonyms in (
            (
                "activation_rate",
                "Activation",
                "Share of new users who reach first value.",
                "product.activation activation",
            ),
            (
                "engagement_rate",
                "Engagement",
                "Share of users who use the feature in the period.",
                "product.engagement engagement",
            ),
            (
                "adoption_rate",
                "Adoption",
                "Share of eligible users who take the feature up.",
                "product.adoption adoption",
            ),
            (
                "retention_rate",
                "Retention",
                "Share of users who come back after the stated time.",
                "product.retention retention",
            ),
            (
                "conversion_rate",
                "Conversion",
                "Share of sessions that reach the stated goal.",
                "product.conversion conversion",
            ),
            (
                "thumbs_up_rate",
                "Thumbs up",
                "Share of ratings that are positive.",
                "positive_feedback_rate thumbs_up like_rate",
            ),
            (
                "containment_rate",
                "Containment",
                "Share of conversations finished without a person.",
                "deflection_rate self_service_rate",
            ),
        )
    ),
    _F.rate(
        "churn_rate",
        "lower",
        "Churn",
        "Share of users lost in the period.",
        "product.churn churn",
    ),
    _F.rate(
        "escalation_rate",
        "lower",
        "Hand-over to people",
        "Share of conversations handed to a person.",
        "handoff_rate handover_rate",
    ),
    _F.other(
        "csat",
        "higher",
        "mean",
        "Customer satisfaction",
        "Mean satisfaction rating; record the scale.",
        "product.csat customer_satisfaction csat_score",
    ),
    _F.other(
        "nps",
        "higher",
        "ratio",
        "Net promoter score",
        "Share of promoters minus share of detractors, from -100 to 100.",
        "product.nps net_promoter_score",
        value_range=(-100.0, 100.0),
    ),
)

BUSINESS = (
    _B.other(
        "revenue_impact",
        "higher",
        "mean",
        "Revenue impact",
        "Change of revenue by the stated unit, in the currency stated; give an interval.",
        "business.revenue_impact revenue_lift revenue_per_user",
        money=True,
    ),
    _B.other(
        "cost_reduction",
        "higher",
        "mean",
        "Cost reduction",
        "Cost saved by the stated unit, in the currency stated; give an interval.",
        "business.cost_reduction cost_savings savings",
        money=True,
    ),
)

EXPERIMENT = (
    _X.other(
        "srm_p",
        "higher",
        "point",
        "Sample ratio p-value",
        "Chance of a split at least this uneven if assignment worked.",
        "exp.srm_p srm_p_value sample_ratio_mismatch",
        value_range=UNIT_INTERVAL,
        exact=True,
    ),
)

METRICS = PRODUCT + BUSINESS + EXPERIMENT
