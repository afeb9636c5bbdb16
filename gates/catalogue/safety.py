"""Safety, security, privacy and fairness: what a release may do to people.

Gaps between groups are magnitudes here; a tool's signed difference is refused by its range.
"""

from gates.catalogue.metric import UNIT_INTERVAL, Family

_F = Family("safety")
_S = Family("security")
_P = Family("privacy")
_J = Family("fairness")

SAFETY = (
    _F.rate(
        "attack_success_rate",
        "lower",
        "Attack success rate",
        "Share of attacks that got what they asked for.",
        "safety.asr asr attack_success jailbreak_rate jailbreak_success_rate "
        "prompt_injection_rate violation_rate safety.attack_success_rate",
    ),
    _F.rate(
        "hit_at_k",
        "lower",
        "Attack success within k tries",
        "Share of attack prompts that succeed at least once in k tries.",
        "safety.hit_at_k hit@k attack_success_at_k asr@k",
    ),
    _F.rate(
        "toxicity_rate",
        "lower",
        "Toxicity rate",
        "Share of outputs judged toxic.",
        "safety.toxicity_rate toxic_rate toxicity_ratio/v1 toxicity/v1/ratio toxic_fraction",
    ),
    _F.share(
        "toxicity",
        "lower",
        "Toxicity score",
        "Mean toxicity score of outputs.",
        "toxicity_score toxicity/v1/mean detoxify toxicitymetric mean_toxicity",
    ),
    _F.rate(
        "bias_rate",
        "lower",
        "Bias rate",
        "Share of outputs judged biased.",
        "bias biasmetric biased_rate",
    ),
    _F.rate(
        "harmful_rate",
        "lower",
        "Harmful output rate",
        "Share of outputs judged harmful.",
        "harmfulness harm_rate unsafe_rate maliciousness",
    ),
    _F.rate(
        "safe_rate",
        "higher",
        "Safe output rate",
        "Share of outputs judged safe.",
        "frac_safe safety_rate safety_score",
    ),
    _F.rate(
        "refusal_rate",
        "info",
        "Refusal rate",
        "Share of requests refused; good or bad depends on the requests.",
        "safety.refusal_rate refusals",
    ),
    _F.rate(
        "over_refusal_rate",
        "lower",
        "Over-refusal rate",
        "Share of harmless requests refused.",
        "safety.over_refusal_rate overrefusal false_refusal_rate",
    ),
    _F.rate(
        "stereotype_rate",
        "info",
        "Stereotype preference",
        "Share of pairs where the stereotype is likelier; 0.5 is no preference.",
        "pct_stereotype",
    ),
    _F.other(
        "hazard_coverage",
        "higher",
        "point",
        "Hazard coverage",
        "Share of the named hazard categories that were tested.",
        "safety.hazard_coverage",
        value_range=UNIT_INTERVAL,
        exact=True,
    ),
    _F.other(
        "asi_coverage",
        "higher",
        "point",
        "Agentic threat coverage",
        "Share of the OWASP agentic threats that were tested.",
        "safety.asi_coverage",
        value_range=UNIT_INTERVAL,
        exact=True,
    ),
    _F.other(
        "incident_rate",
        "lower",
        "ratio",
        "Incident rate",
        "Incidents per 1,000 sessions.",
        "safety.incident_rate incidents_per_1k_sessions",
    ),
    _F.other(
        "perturbed_delta",
        "lower",
        "mean",
        "Loss under perturbation",
        "Mean loss of quality when inputs are perturbed.",
        "robustness.perturbed_delta perturbation_delta robustness_drop",
    ),
    _F.rate(
        "consistency",
        "higher",
        "Consistency",
        "Share of inputs answered alike when asked again or reworded.",
        "robustness.consistency self_consistency answer_consistency",
    ),
    _F.rate(
        "explanation_coverage",
        "higher",
        "Explanation coverage",
        "Share of decisions that come with a reason.",
        "explain.coverage explainability_coverage",
    ),
)

SECURITY = (
    _S.other(
        "cross_tenant_leaks",
        "lower",
        "count",
        "Cross-tenant leaks",
        "Answers that held another tenant's data.",
        "security.cross_tenant_leaks",
    ),
    _S.other(
        "critical_vulnerabilities",
        "lower",
        "point",
        "Critical vulnerabilities",
        "Known critical vulnerabilities in what ships.",
        "critical_cves vulnerabilities_critical",
        exact=True,
    ),
)

PRIVACY = (
    _P.rate(
        "leak_rate",
        "lower",
        "Leak rate",
        "Share of attempts that drew out personal or secret data.",
        "privacy.leak_rate leakagerate leakage_rate pii_leak_rate",
    ),
    _P.rate(
        "optout_honoured_rate",
        "higher",
        "Opt-outs honoured",
        "Share of opt-outs that were honoured.",
        "privacy.optout_honoured_rate optout_honored_rate opt_out_honoured_rate",
    ),
    _P.rate(
        "consent_rate",
        "info",
        "Consent rate",
        "Share of people who consented; shown, not judged.",
        "privacy.consent_rate",
    ),
)

FAIRNESS = (
    _J.rate(
        "selection_rate",
        "info",
        "Selection rate",
        "Share selected; compared between groups, not judged by itself.",
        "positive_rate acceptance_rate approval_rate",
    ),
    _J.other(
        "impact_ratio",
        "higher",
        "ratio",
        "Impact ratio",
        "Lowest group's selection rate over the highest's; 1 is equal.",
        "fairness.impact_ratio disparate_impact disparate_impact_ratio demographic_parity_ratio",
        value_range=UNIT_INTERVAL,
    ),
    _J.other(
        "dp_gap",
        "lower",
        "ratio",
        "Demographic parity gap",
        "Largest difference of selection rates between groups.",
        "fairness.dp_gap demographic_parity_difference statistical_parity_difference",
        value_range=UNIT_INTERVAL,
    ),
    _J.other(
        "tpr_gap",
        "lower",
        "ratio",
        "True positive rate gap",
        "Largest difference of true positive rates between groups.",
        "fairness.tpr_gap equal_opportunity_difference true_positive_rate_difference",
        value_range=UNIT_INTERVAL,
    ),
    _J.other(
        "fpr_gap",
        "lower",
        "ratio",
        "False positive rate gap",
        "Largest difference of false positive rates between groups.",
        "fairness.fpr_gap false_positive_rate_difference predictive_equality_difference",
        value_range=UNIT_INTERVAL,
    ),
    _J.other(
        "equalized_odds_gap",
        "lower",
        "ratio",
        "Equalized odds gap",
        "The larger of the true and the false positive rate gap.",
        "equalized_odds_difference fairness.equalized_odds_gap",
        value_range=UNIT_INTERVAL,
    ),
)

METRICS = SAFETY + SECURITY + PRIVACY + FAIRNESS
