"""The catalogue holds what compliance, tools and the field call a metric, each name once."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from gates.metrics import CATALOGUE, Direction, Kind, Metric, nearest, resolve

DOTTED = """
quality.accuracy accuracy | quality.precision precision | quality.recall recall | quality.f1 f1
quality.roc_auc roc_auc | quality.hallucination_rate hallucination_rate
quality.faithfulness faithfulness | quality.relevance relevance | quality.coherence coherence
quality.context_precision context_precision | quality.context_recall context_recall
quality.citation_accuracy citation_accuracy | quality.task_completion task_completion
calibration.ece ece | calibration.brier brier | robustness.perturbed_delta perturbed_delta
explain.coverage explanation_coverage | safety.asr attack_success_rate
safety.hit_at_k hit_at_k | safety.toxicity_rate toxicity_rate | safety.refusal_rate refusal_rate
safety.over_refusal_rate over_refusal_rate | safety.hazard_coverage hazard_coverage
safety.asi_coverage asi_coverage | safety.incident_rate incident_rate
privacy.leak_rate leak_rate | privacy.optout_honoured_rate optout_honoured_rate
privacy.consent_rate consent_rate | security.cross_tenant_leaks cross_tenant_leaks
agent.unauthorised_action_rate unauthorised_action_rate
agent.human_override_rate human_override_rate | fairness.impact_ratio impact_ratio
fairness.dp_gap dp_gap | fairness.tpr_gap tpr_gap | fairness.fpr_gap fpr_gap
perf.latency latency | perf.ttft time_to_first_token | perf.error_rate error_rate
cost.per_inference cost_per_inference | cost.per_task cost_per_task | drift.psi psi
drift.js js_divergence | drift.ks ks_statistic | drift.label label_drift
drift.embedding embedding_drift | exp.srm_p srm_p | product.activation activation_rate
product.engagement engagement_rate | product.adoption adoption_rate | product.csat csat
product.churn churn_rate | business.revenue_impact revenue_impact
business.cost_reduction cost_reduction | env.co2e_per_1k co2e_per_1k
"""
"""Every row of compliance.md section 9."""

COMPLIANCE = [
    (pair.split()[0], pair.split()[1])
    for pair in DOTTED.replace("\n", "|").split("|")
    if pair.strip()
]

LOWER = """
hallucination_rate ece brier perturbed_delta attack_success_rate hit_at_k toxicity_rate psi mae
over_refusal_rate incident_rate leak_rate cross_tenant_leaks unauthorised_action_rate dp_gap tpr_gap
fpr_gap latency time_to_first_token error_rate cost_per_inference cost_per_task js_divergence mse
ks_statistic label_drift embedding_drift churn_rate co2e_per_1k perplexity word_perplexity rmse co2e
bits_per_byte log_loss drift_share model_size
"""
INFO = ["refusal_rate", "consent_rate", "human_override_rate"]


def metric(name: str) -> Metric:
    found = resolve(name)
    assert found is not None, name
    return found.metric


@pytest.mark.parametrize(("dotted", "id_"), COMPLIANCE)
def test_every_metric_of_the_compliance_page_is_there(dotted, id_):
    assert metric(dotted) is metric(id_)
    assert metric(id_).id == id_
    expected = "lower" if id_ in LOWER.split() else "info" if id_ in INFO else "higher"
    assert metric(id_).direction == expected


@pytest.mark.parametrize("id_", LOWER.split())
def test_less_is_better_where_it_is(id_):
    assert metric(id_).direction == "lower"


@pytest.mark.parametrize(
    ("spelling", "id_"),
    [
        ("acc", "accuracy"),  # lm-eval
        ("exact_match", "exact_match"),
        ("acc_norm", "normalized_accuracy"),
        ("brier_score", "brier"),
        ("f1-score", "f1"),  # scikit-learn
        ("precision_macro", "macro_precision"),
        ("matthews_corrcoef", "mcc"),
        ("cohen_kappa_score", "kappa"),
        ("root_mean_squared_error", "rmse"),
        ("Answer Relevancy", "relevance"),  # DeepEval
        ("AnswerRelevancyMetric", "relevance"),
        ("Contextual Precision", "context_precision"),
        ("llm_context_precision_with_reference", "context_precision"),  # ragas
        ("answer_relevancy", "relevance"),
        ("toxicity/v1/mean", "toxicity"),  # MLflow
        ("rougeLsum", "rouge_lsum"),
        ("ROC-AUC", "roc_auc"),
        ("roc auc", "roc_auc"),
        ("AUROC", "roc_auc"),
        ("attack-success-rate", "attack_success_rate"),
        ("leakageRate", "leak_rate"),  # Moonshot
        ("unauthorized_action_rate", "unauthorised_action_rate"),
        ("http_req_failed", "error_rate"),  # k6
    ],
)
def test_tools_spellings_are_understood(spelling, id_):
    assert metric(spelling).id == id_


@pytest.mark.parametrize(
    ("name", "id_", "quantile", "unit"),
    [
        ("latency_p50", "latency", 0.5, None),
        ("latency_p95", "latency", 0.95, None),
        ("latency_p99", "latency", 0.99, None),
        ("latency_p999", "latency", 0.999, None),
        ("latency_p99.9", "latency", 0.999, None),
        ("latency_p975", "latency", 0.975, None),
        ("latency_p5", "latency", 0.05, None),
        ("latency.p95", "latency", 0.95, None),
        ("p95 latency", "latency", 0.95, None),
        ("Latency P95", "latency", 0.95, None),
        ("latency_median", "latency", 0.5, None),
        ("latency_max", "latency", 1.0, None),
        ("latency_ms", "latency", None, "ms"),
        ("latency_s", "latency", None, "s"),
        ("latency_p95_ms", "latency", 0.95, "ms"),
        ("latency_ms_p95", "latency", 0.95, "ms"),
        ("ttft_p99_ms", "time_to_first_token", 0.99, "ms"),
        ("latency_mean_ms", "mean_latency", None, "ms"),
        ("cost_per_inference_usd", "cost_per_inference", None, "USD"),
        ("accuracy_pct", "accuracy", None, "percent"),
        ("model_size_mb", "model_size", None, "MB"),
        ("co2e_kg", "co2e", None, "kg"),
    ],
)
def test_names_may_state_a_quantile_and_a_unit(name, id_, quantile, unit):
    found = resolve(name)
    assert found is not None
    assert (found.metric.id, found.quantile, found.unit, found.scale) == (id_, quantile, unit, 1.0)


def test_units_that_the_engine_lacks_are_scaled_to_one_that_it_has():
    found = resolve("model_size_mib")
    assert found is not None
    assert (found.unit, found.scale) == ("B", 2.0**20)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "_",
        "p95",
        "usd",
        "ms",
        "acuracy",
        "latency_p0",
        "latency_p100",
        "latency_p959",
        "latency_p50_p95",
        "latency_ms_s",
        "latency_usd",
        "accuracy_p95",
        "accuracy_ms",
        # percent is converted for proportions only; beside a limit of 0.8, 87 must not hold
        "f1_pct",
        "faithfulness_percent",
        # these are the opposite of what they sound like
        "neg_mean_squared_error",
        "PII Leakage",
        "non_toxicity_rate",
        "x" * 10_000,
        "latency" + "_p95" * 1000,
    ],
)
def test_nothing_is_guessed(name):
    assert resolve(name) is None


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def test_no_name_means_two_metrics():
    owners: dict[str, set[str]] = {}
    for entry in CATALOGUE:
        for name in (entry.id, *entry.synonyms):
            owners.setdefault(_squeezed(name), set()).add(entry.id)
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}
    assert len(CATALOGUE) == len({entry.id for entry in CATALOGUE})


def test_names_that_one_file_reports_together_stay_apart():
    together = [
        ["acc", "acc_norm", "exact_match", "mc1", "mc2"],
        ["word_perplexity", "byte_perplexity", "bits_per_byte", "perplexity"],
        ["rouge1", "rouge2", "rougeL", "rougeLsum"],
        ["f1", "macro_f1", "micro_f1", "weighted_f1"],
        ["precision", "recall", "f1-score", "accuracy", "precision_macro", "recall_macro"],
        ["toxicity", "toxicity_rate"],
        ["latency", "latency_mean", "ttft"],
        ["score", "pass_rate", "cost"],
    ]
    for names in together:
        assert len({metric(name).id for name in names}) == len(names)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_each_entry_is_complete(entry):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.id)
    assert entry.direction in get_args(Direction)
    assert entry.kind in get_args(Kind)
    assert entry.title
    assert (
        entry.title[0].isupper()
        or entry.title[0].isdigit()
        or entry.title in {"pass@1", "nDCG", "chrF"}
    )
    assert entry.meaning.endswith(".")
    assert "\n" not in entry.meaning
    assert len(entry.meaning) <= 100
    assert entry.family
    if entry.kind == "proportion":
        assert entry.value_range == (0.0, 1.0)
    if entry.value_range is not None:
        assert entry.value_range[0] < entry.value_range[1]
    if entry.money:
        assert entry.unit is None
    for name in (entry.id, *entry.synonyms):
        assert metric(name) is entry
    assert all(name != entry.id for name in entry.synonyms)
    if entry.exact_allowed:
        assert entry.kind in {"point", "mean"}, "sampled rates, ratios and quantiles are not exact"


def test_only_scores_within_a_range_have_one():
    """A range on a mean bounds each score: the Chernoff bound rests on it."""
    ranged = {entry.id for entry in CATALOGUE if entry.kind == "mean" and entry.value_range}
    assert {"faithfulness", "context_precision", "toxicity"} <= ranged
    assert not ranged & {
        "relevance",
        "coherence",
        "csat",
        "brier",
        "log_loss",
        "perplexity",
        "score",
    }


def test_nearest_names_help_with_a_typo():
    assert nearest("acuracy")[0] == "accuracy"
    assert nearest("hallucinaton_rate")[0] == "hallucination_rate"
    assert nearest("atack_sucess")[0] == "attack_success_rate"
    assert nearest("zzzzqqqq") == []
    assert nearest("refund_promised", extra=["refund_promises", "tone"]) == ["refund_promises"]
    assert len(nearest("rate")) <= 3


def test_import_is_light():
    code = (
        "import sys; import gates.metrics;"
        "print(sorted({m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True
    )
    assert set(eval(out.stdout)) <= {"gates", "__main__", "sitecustomize"}


# --- docs/metrics.md is this catalogue ---------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
INTRO = """\
# Metrics

The names that policies and result files may use, written by `tests/gates/test_metrics.py` from the
catalogue in `gates/catalogue`; `CLEARANCE_WRITE_DOCS=1 make test` writes it again.

Case, blanks, hyphens and underscores do not matter: `ROC-AUC` is `roc_auc`. A quantile stands after
or before the name of a quantile metric (`latency_p95`, `p99 latency`, `latency_median`), and a unit
after it (`latency_p95_ms`, `cost_per_inference_usd`, `accuracy_pct`). A metric that is not here
declares itself on the rule: `direction: higher | lower` and `kind`, with `unit` and `range` where
they apply.

| kind | what it is | what it takes to prove something |
|---|---|---|
| proportion | a share of independent examples | `count` and `n`, or `value` and `n` |
| mean | an average of scores | scores, or `value`, `stderr`, `n`; with a range, `value`, `n` |
| quantile | a percentile of a series | values, or how many of `n` exceeded the limit |
| ratio | any other statistic of a sample | `labels`, `denominators`, `table`, counts (F1), `ci` |
| count | events seen | the count and its `exposure`, or `n` |
| point | one number without sampling error | the number, with `mode: exact` |

*exact* marks metrics that `mode: exact` takes without `accepts_point_estimate`. Money has no unit
here: rule and measurement name the currency.
"""


def page() -> str:
    lines = [INTRO]
    for family in dict.fromkeys(entry.family for entry in CATALOGUE):
        lines += [
            f"## {family.capitalize()}",
            "",
            "| metric | better | kind | meaning | also known as |",
        ]
        lines.append("|---|---|---|---|---|")
        lines += [_row(entry) for entry in CATALOGUE if entry.family == family]
        lines.append("")
    return "\n".join(lines)


def _row(entry: Metric) -> str:
    unit = "currency" if entry.money else entry.unit
    kind = ", ".join(filter(None, [entry.kind, unit, "exact" if entry.exact_allowed else ""]))
    better = "-" if entry.direction == "info" else entry.direction
    span = f" {entry.value_range[0]:g} to {entry.value_range[1]:g}." if entry.value_range else ""
    names = ", ".join(f"`{name}`" for name in entry.synonyms)
    return f"| `{entry.id}` | {better} | {kind} | {entry.meaning}{span} | {names} |"


def test_the_page_is_the_catalogue():
    if os.environ.get("CLEARANCE_WRITE_DOCS") == "1":
        PAGE.write_text(page(), "utf-8")
    assert PAGE.read_text("utf-8") == page()
