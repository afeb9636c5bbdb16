"""Running the thing: speed, cost, size, footprint, calibration, drift and the state of its data.

Money has no unit here: rule and measurement name the currency.
"""

from gates.catalogue.metric import UNIT_INTERVAL, Family

_F = Family("performance")
_C = Family("cost")
_E = Family("sustainability")
_K = Family("calibration")
_D = Family("drift")
_Q = Family("data")

PERFORMANCE = (
    _F.other(
        "latency",
        "lower",
        "quantile",
        "Latency",
        "Time from request to complete answer, at a named quantile.",
        "perf.latency response_time request_latency duration e2e_latency end_to_end_latency "
        "http_req_duration gen_ai.client.operation.duration request_duration",
        unit="s",
    ),
    _F.other(
        "time_to_first_token",
        "lower",
        "quantile",
        "Time to first token",
        "Time from request to the first token, at a named quantile.",
        "perf.ttft ttft first_token_latency gen_ai.server.time_to_first_token",
        unit="s",
    ),
    _F.other(
        "time_per_output_token",
        "lower",
        "quantile",
        "Time per output token",
        "Time between output tokens, at a named quantile.",
        "tpot inter_token_latency itl gen_ai.server.time_per_output_token",
        unit="s",
    ),
    _F.other(
        "mean_latency",
        "lower",
        "mean",
        "Mean latency",
        "Mean time from request to complete answer; hides the tail.",
        "latency_mean latency_avg avg_latency average_latency average_response_time",
        unit="s",
    ),
    _F.other(
        "throughput",
        "higher",
        "mean",
        "Throughput",
        "Requests answered per second.",
        "requests_per_second rps qps",
    ),
    _F.other(
        "tokens_per_second",
        "higher",
        "mean",
        "Tokens per second",
        "Output tokens per second.",
        "output_tokens_per_second tps",
    ),
    _F.rate(
        "error_rate",
        "lower",
        "Error rate",
        "Share of requests that failed.",
        "perf.error_rate http_req_failed failure_rate",
    ),
    _F.rate(
        "timeout_rate",
        "lower",
        "Timeout rate",
        "Share of requests that timed out.",
        "timeouts_rate",
    ),
    _F.rate(
        "availability",
        "higher",
        "Availability",
        "Share of requests or checks that were served.",
        "uptime",
    ),
)

COST = (
    _C.other(
        "cost_per_inference",
        "lower",
        "mean",
        "Cost per inference",
        "Mean cost of one answer, in the currency stated.",
        "cost.per_inference cost_per_request cost_per_call inference_cost mean_cost avg_cost",
        exact=True,
        money=True,
    ),
    _C.other(
        "cost_per_success",
        "lower",
        "ratio",
        "Cost per success",
        "All costs over all successes; send costs as scores, 1 or 0 as denominators.",
        "cost.per_success cost_per_solved_task cost_per_successful_task",
        money=True,
    ),
    _C.other(
        "cost_per_task",
        "lower",
        "mean",
        "Cost per task",
        "Mean cost of one finished task, in the currency stated.",
        "cost.per_task task_cost",
        exact=True,
        money=True,
    ),
    _C.other(
        "cost_per_1k_tokens",
        "lower",
        "point",
        "Price of 1,000 tokens",
        "List price of 1,000 tokens, in the currency stated.",
        "token_price price_per_1k_tokens",
        exact=True,
        money=True,
    ),
    _C.other(
        "total_cost",
        "lower",
        "point",
        "Total cost",
        "Cost of the whole evaluation or period, in the currency stated.",
        "cost monthly_cost",
        exact=True,
        money=True,
    ),
    _C.other(
        "tokens_per_request",
        "lower",
        "mean",
        "Tokens per request",
        "Mean tokens read and written for one answer.",
        "gen_ai.client.token.usage total_tokens_per_request token_usage",
    ),
    _C.other(
        "model_size",
        "lower",
        "point",
        "Model size",
        "Size of what ships, in bytes.",
        "model_size_bytes artifact_size size_on_disk",
        unit="B",
        exact=True,
    ),
    _C.other(
        "parameter_count",
        "lower",
        "point",
        "Parameters",
        "Number of parameters of the model.",
        "num_parameters n_parameters parameters",
        exact=True,
    ),
    _C.other(
        "peak_memory",
        "lower",
        "point",
        "Peak memory",
        "Largest memory in use while serving, in bytes.",
        "max_memory memory_peak peak_gpu_memory",
        unit="B",
        exact=True,
    ),
)

SUSTAINABILITY = (
    _E.other(
        "co2e_per_1k",
        "lower",
        "mean",
        "CO2e per 1,000 answers",
        "Greenhouse gases for 1,000 answers, in grams of CO2 equivalent.",
        "env.co2e_per_1k co2e_per_1k_inferences emissions_per_1k",
        unit="g",
        exact=True,
    ),
    _E.other(
        "co2e",
        "lower",
        "point",
        "CO2e",
        "Greenhouse gases of training or evaluation, in grams of CO2 equivalent.",
        "emissions carbon_emissions co2 training_emissions",
        unit="g",
        exact=True,
    ),
    _E.other(
        "energy_per_1k",
        "lower",
        "mean",
        "Energy per 1,000 answers",
        "Electricity for 1,000 answers, in watt-hours.",
        "energy_per_1k_inferences",
        unit="Wh",
        exact=True,
    ),
    _E.other(
        "energy",
        "lower",
        "point",
        "Energy",
        "Electricity of training or evaluation, in watt-hours.",
        "energy_consumed energy_consumption",
        unit="Wh",
        exact=True,
    ),
)

CALIBRATION = (
    _K.other(
        "ece",
        "lower",
        "ratio",
        "Expected calibration error",
        "Mean gap of confidence and accuracy over bins; biased upwards in small samples.",
        "calibration.ece expected_calibration_error calibration_error",
        value_range=UNIT_INTERVAL,
    ),
    _K.other(
        "brier",
        "lower",
        "mean",
        "Brier score",
        "Mean squared error of predicted probabilities; up to 1 for two classes, 2 for more.",
        "calibration.brier brier_score brier_score_loss",
    ),
    _K.other(
        "log_loss",
        "lower",
        "mean",
        "Log loss",
        "Mean negative log-likelihood of the true class.",
        "cross_entropy logloss negative_log_likelihood nll neg_log_likelihood",
    ),
    _K.other(
        "loss",
        "lower",
        "mean",
        "Loss",
        "Mean of the loss that the evaluation defines.",
        "eval_loss val_loss validation_loss test_loss",
    ),
)

DRIFT = (
    *(
        _D.other(id_, "lower", "ratio", title, meaning, synonyms)
        for id_, title, meaning, synonyms in (
            (
                "psi",
                "Population stability index",
                "Distance of two binned distributions; above 0 without any drift.",
                "drift.psi population_stability_index",
            ),
            (
                "js_divergence",
                "Jensen-Shannon divergence",
                "Distance of two distributions; state base and whether it is the root.",
                "drift.js jensen_shannon jensenshannon jensen_shannon_distance",
            ),
            (
                "ks_statistic",
                "Kolmogorov-Smirnov statistic",
                "Largest gap of two cumulative distributions.",
                "drift.ks kolmogorov_smirnov ks_stat",
            ),
            (
                "wasserstein",
                "Wasserstein distance",
                "Work to turn one distribution into the other.",
                "drift.wasserstein wasserstein_distance earth_movers_distance",
            ),
            (
                "label_drift",
                "Label drift",
                "Distance of the label distributions by the stated measure.",
                "drift.label target_drift",
            ),
            (
                "prediction_drift",
                "Prediction drift",
                "Distance of the prediction distributions by the stated measure.",
                "drift.prediction",
            ),
            (
                "embedding_drift",
                "Embedding drift",
                "Distance of the embedding distributions by the stated measure.",
                "drift.embedding",
            ),
        )
    ),
    _D.other(
        "drift_share",
        "lower",
        "point",
        "Share of drifted columns",
        "Share of columns flagged as drifted; counts columns, not examples.",
        "drift.share share_of_drifted_columns drifted_columns_share dataset_drift_share",
        value_range=UNIT_INTERVAL,
        exact=True,
    ),
)

DATA = (
    _Q.rate(
        "missing_value_share",
        "lower",
        "Missing values",
        "Share of values that are missing.",
        "missing_values_share share_of_missing_values null_rate",
    ),
    _Q.rate(
        "duplicate_share",
        "lower",
        "Duplicates",
        "Share of rows that repeat another.",
        "duplicated_rows_share duplicate_rate",
    ),
    _Q.rate(
        "label_error_rate",
        "lower",
        "Label errors",
        "Share of audited labels that are wrong.",
        "label_noise",
    ),
    _Q.rate(
        "contamination_rate",
        "lower",
        "Test set contamination",
        "Share of test examples found in training data.",
        "leakage_share train_test_overlap",
    ),
)

METRICS = PERFORMANCE + COST + SUSTAINABILITY + CALIBRATION + DRIFT + DATA
