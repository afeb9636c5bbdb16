"""Every trap that is known of a tool's files, and the test that keeps us out of it.

A trap is a sentence of what was learnt of the tools; its test is named by module and function.
"""

import json
from importlib import import_module

import pytest

from gates.formats import names, read
from tests.gates.formats import yields
from tests.gates.formats.opened import DATA

TRAPS: dict[str, dict[str, str]] = {
    "any tool": {
        "bare NaN and Infinity": "sklearn_report.bare_nan_tokens_of_the_file_itself_are_accepted",
        "NaN never passes": "fail_closed.not_a_number_in_a_file",
        "missing as a text": "lm_eval.a_value_that_is_not_a_number_is_missing_and_stays_in_sight",
        "infinity clipped": "mlflow_run.nan_as_text_and_a_clipped_infinity_are_missing",
        "repeats inflate n": "inspect_log.epochs_are_clusters_and_not_new_examples",
        "a partial run": "fail_closed.incomplete_runs_are_missing",
        "a direction that is not known": "evidently.the_direction_of_drift_is_that_of_its_method",
        "prompts and answers": "traps.no_text_of_a_sample_stays_in_the_evidence",
        "a Git LFS pointer, a stub": "result_file.what_no_format_could_read_is_refused_in_words",
        "a .jsonl that is one object": (
            "result_file.a_pretty_printed_object_is_one_value_whatever_the_file_is_called"
        ),
        "one name, several tools": (
            "registry.each_file_is_recognised_by_its_content_and_by_one_tool_only"
        ),
        "two tools' marks": "memory.two_tools_marks_in_one_file_are_told_apart_or_refused",
        "files of tools not read": (
            "registry.files_of_known_tools_that_are_not_read_are_never_taken_for_a_plain_table"
        ),
        "deep nesting": "result_file.nesting_is_bounded_in_files_in_lines_and_in_values",
    },
    "lm-eval": {
        "the last comma": "lm_eval.the_filter_stands_after_the_last_comma",
        "N/A as stderr": "lm_eval.a_stderr_that_is_not_a_number_is_none_and_the_value_stays",
        "a blank as stderr (0.4.0)": "lm_eval.a_blank_stderr_of_a_group_is_none",
        "effective and original n": "lm_eval.n_is_the_number_run_else_the_length_of_the_task",
        "bookkeeping beside metrics": "lm_eval.what_stands_beside_metrics_is_no_metric",
        "groups in results and groups": "lm_eval.a_group_is_an_aggregate_and_read_once",
        "direction null": (
            "lm_eval.an_unknown_direction_is_not_guessed_and_configs_are_the_fallback"
        ),
        "model_args text or object": "lm_eval.the_model_is_taken_from_its_arguments_in_either_form",
        "version number or text": "lm_eval.the_version_of_a_task_is_a_number_or_a_text",
        "--limit": "lm_eval.a_limited_run_is_incomplete_in_every_row",
        "bypass is 999": "lm_eval.bypass_is_left_out_with_a_note",
        "0.3 without n": "lm_eval.version_0_3_has_values_and_errors_without_n",
        "task hashes": "lm_eval.a_real_file_gives_value_n_stderr_direction_and_where_from",
        "lighteval looks alike": "lm_eval.lighteval_is_another_tool",
    },
    "lm-eval-samples": {
        "one row for each filter": "lm_eval_samples.each_filter_is_a_task_of_its_own",
        "an example twice": "lm_eval_samples.an_example_that_stands_twice_is_refused",
    },
    "inspect": {
        "zstd members": "inspect_log.json_zstd_archive_and_header_say_the_same",
        "deflated members": "inspect_log.older_archives_are_deflated",
        "zip bombs": "inspect_log.an_archive_that_grows_without_end_is_refused",
        "status": "inspect_log.a_run_that_did_not_succeed_is_incomplete",
        "no results on errors": "inspect_log.an_error_without_results_keeps_its_samples_in_sight",
        "stderr among metrics": ("inspect_log.stderr_beside_a_metric_is_its_spread_and_no_metric"),
        "samples times epochs": "inspect_log.epochs_are_clusters_and_not_new_examples",
        "no scored_samples": "inspect_log.older_logs_count_completed_samples_only",
        "errored samples": "inspect_log.an_errored_sample_is_an_error_and_not_a_zero",
        "the group all": "inspect_log.groups_are_slices_and_all_is_no_group",
        "groups without a mark": "inspect_log.older_logs_write_groups_as_metrics_without_a_mark",
        "a dict of scores": "inspect_log.a_score_of_a_dict_is_a_metric_by_its_own_name",
        "C, I, P, N": "inspect_log.letters_booleans_and_numbers_are_scores",
        "judges' tokens": "inspect_log.tokens_and_cost_are_those_of_the_model_and_not_of_judges",
        "NaN in real logs": "inspect_log.a_nan_stays_in_sight_and_is_no_value",
        "versions 1 to 3": "inspect_log.version_1_has_one_scorer_and_bootstrap_std",
        "later versions": "inspect_log.an_unknown_log_version_is_refused_with_what_to_do",
        "task_version": "inspect_log.the_version_of_a_task_is_part_of_its_name",
    },
    "promptfoo": {
        "sums, not means": "promptfoo.a_named_score_is_a_sum_in_the_file_and_a_mean_here",
        "weights or count": (
            "promptfoo.without_rows_a_named_score_is_divided_by_its_weights_else_its_count"
        ),
        "errored rows missing": (
            "promptfoo.an_errored_row_is_missing_from_named_scores_and_is_counted_here"
        ),
        "error is not failure": "promptfoo.errors_stand_apart_from_failures",
        "error holds the reason": "promptfoo.error_also_holds_the_reason_of_a_plain_failure",
        "gradingResult null": (
            "promptfoo.an_error_without_a_reason_code_is_told_by_its_missing_grading"
        ),
        "derived metrics": "promptfoo.a_derived_metric_has_a_value_and_no_n",
        "graders' tokens": "promptfoo.tokens_of_graders_stand_apart",
        "order of completion": "promptfoo.the_order_of_rows_says_nothing",
        "--repeat": "promptfoo.repeats_of_a_test_share_a_cluster",
        "cached answers": "promptfoo.a_cached_answer_has_no_latency",
        "red team": "promptfoo.in_a_red_team_success_means_defended",
        "secrets in vars": "promptfoo.no_answer_and_no_variable_stays_in_the_evidence",
        "other versions": "promptfoo.results_of_another_version_are_refused_with_what_to_do",
        "JSON Lines": "promptfoo.lines_say_the_same_as_json",
    },
    "garak": {
        "attempts twice": "garak.attempts_stand_twice_and_count_once",
        "total_evaluated or total": "garak.keys_of_old_versions_are_read",
        "nones": "garak.outputs_without_a_score_are_errors_and_no_successful_defence",
        "generations are not independent": "garak.n_is_prompts_and_not_generations",
        "degenerate intervals": "garak.the_bootstrapped_interval_of_no_hits_is_not_believed",
        "hit@k": "garak.hit_at_k_has_prompts_as_n",
        "intents": "garak.intents_are_slices_of_prompts",
        "detector. before the name": "garak.keys_of_old_versions_are_read",
        "several detectors": "garak.the_primary_detector_judges_a_probe",
        "no completion": "garak.a_run_without_its_last_line_died",
        "hit logs": "garak.a_report_without_its_beginning_and_a_hitlog_are_told_what_to_send",
        "50 to 500 MB": "memory.a_report_beyond_memory_is_read_in_a_small_part_of_its_size",
        "unknown counts": "garak.results_counted_in_another_way_are_refused_with_what_to_do",
    },
    "deepeval": {
        "both cases, testRunData": "deepeval.both_cases_and_the_wrapper_are_read_alike",
        "empty stubs": "deepeval.an_empty_stub_is_refused",
        "errored metrics": "deepeval.an_errored_metric_is_an_error_and_its_case_no_failure",
        "harm turned round in 4.2": (
            "deepeval.the_sense_of_harm_follows_the_version_that_success_reveals"
        ),
        "nothing tells the sense": "deepeval.where_nothing_reveals_it_there_is_no_value",
        "GEval's suffix": "deepeval.the_suffix_of_geval_is_no_part_of_the_name",
        "conversations": "deepeval.conversations_are_cases_too",
        "the judge's cost": "deepeval.a_run_gives_scores_case_by_case",
    },
    "ragas": {
        "nan-means": "ragas.rows_give_scores_and_a_failed_judge_is_an_error",
        "0.1 columns": "ragas.old_column_names_are_read",
        "noise is worse": "ragas.noise_is_better_when_lower",
        "printed means": "ragas.means_alone_are_flat_json_without_n",
        "metric,score CSV": "ragas.two_columns_metric_and_score_are_a_plain_table",
    },
    "evidently": {
        "metric_name changes": "evidently.the_printed_name_is_no_key",
        "p-value or distance": "evidently.the_direction_of_drift_is_that_of_its_method",
        "n only by RowCount": "evidently.n_comes_only_from_row_count",
        "metrics twice": "evidently.a_metric_that_stands_twice_for_its_tests_is_read_once",
        "its own tests": "evidently.a_failed_test_of_evidently_is_no_verdict",
        "dump_dict": "evidently.a_dump_says_the_same_with_model_and_no_zoneless_time",
        "up to 0.6": "evidently.legacy_reports_and_suites",
        "later than 0.7": "evidently.metrics_of_a_later_version_are_refused_with_what_to_do",
    },
    "mlflow": {
        "NaN as text, infinity clipped": (
            "mlflow_run.nan_as_text_and_a_clipped_infinity_are_missing"
        ),
        "params absent": "mlflow_run.params_and_tags_may_be_absent",
        "score is accuracy": "mlflow_run.score_repeats_the_accuracy",
        "status": "mlflow_run.a_run_that_did_not_finish_is_incomplete",
        "n of scorers": "mlflow_run.a_scorer_of_genai_has_no_n_unless_its_variance_is_logged",
    },
    "mlflow-table": {
        "yes and no": "mlflow_run.the_table_gives_scores_by_what_was_asked",
        "failed traces": "mlflow_run.a_trace_that_failed_is_an_error",
        "execution_duration": "mlflow_run.a_trace_says_how_long_it_took_and_what_it_cost",
    },
    "sklearn-report": {
        "precision's denominator": "sklearn_report.counts_of_a_real_report_are_recovered",
        "rounded reports": "sklearn_report.a_rounded_report_never_gives_a_wrong_count",
        "a class called accuracy": (
            "sklearn_report.a_class_called_accuracy_is_never_taken_for_the_accuracy"
        ),
        "averages": "sklearn_report.averages_are_aggregates_without_a_sample_size",
        "zero_division": "sklearn_report.zero_division_as_nan_is_missing",
        "micro avg, labels": (
            "sklearn_report.a_subset_of_the_labels_has_a_micro_average_in_place_of_the_accuracy"
        ),
        "whole numbers as labels": (
            "sklearn_report."
            "whole_numbers_as_labels_are_texts_and_a_report_says_neither_model_nor_time"
        ),
        "weighted supports": (
            "sklearn_report.fractional_supports_are_weights_and_not_numbers_of_examples"
        ),
    },
    "junit": {
        "XXE, billion laughs": "junit.declarations_and_entities_are_refused",
        "totals of the header": "junit.the_header_is_not_believed",
        "failed and errored": "junit.a_test_that_failed_and_errored_is_errored_once",
        "xfail is skipped": "junit.skipped_tests_count_neither_way",
        "properties": "junit.a_metric_of_several_tests_is_a_slice_per_test",
        "what pytest writes": "junit.what_the_installed_pytest_writes_is_read",
        "time in seconds": "junit.a_test_may_state_the_time_it_took_and_it_is_no_metric",
        "hidden failures": "junit.a_metric_of_a_run_that_hides_failures_is_incomplete_too",
        "control characters": "junit.a_control_character_is_broken_xml_and_said_to_be",
        "huge system-out": "junit.what_a_test_printed_is_no_result",
    },
    "model-index": {
        "0-1 and 0-100, CRLF": "benchmarks.a_model_card_is_a_claim_without_n",
        "values of other types": "benchmarks.a_claim_that_is_no_number_has_no_value",
        "one question twice": (
            "benchmarks.a_model_card_may_state_one_question_twice_and_both_stay_in_sight"
        ),
        "numbers as texts": "benchmarks.a_claim_written_as_a_text_is_its_number",
        ".eval_results": (
            "registry.files_of_known_tools_that_are_not_read_are_never_taken_for_a_plain_table"
        ),
        "invalid or unsafe YAML": "benchmarks.a_broken_model_card_is_refused_in_words",
    },
    "lighteval": {
        "all and averages": "benchmarks.lighteval_has_values_spreads_and_roll_ups",
        "a misspelt stopwatch": (
            "benchmarks.the_times_of_lighteval_are_a_stopwatch_and_no_instant"
        ),
        "model_config, docs of a task": (
            "benchmarks.lighteval_names_the_model_in_its_configuration_and_counts_docs_of_a_task"
        ),
        "max_samples": "benchmarks.a_limited_run_of_lighteval_is_incomplete",
    },
    "helm": {
        "count is trials": "benchmarks.n_of_helm_is_instances_and_not_trials",
        "no mean at count 0": "benchmarks.a_statistic_of_nothing_has_no_mean",
        "perturbations": "benchmarks.perturbed_rows_are_slices_and_bookkeeping_is_no_metric",
        "the valid split": "benchmarks.the_validation_split_says_nothing_of_the_model",
        "run_spec.json": "benchmarks.other_files_of_helm_are_told_what_to_send",
    },
    "fairlearn": {
        "n only by count": "fairness_tables.without_count_a_group_has_no_n",
        "tuples as texts": "fairness_tables.groups_written_as_tuples_are_refused_with_what_to_do",
        "bootstrapped count": "fairness_tables.bootstrapped_counts_are_no_counts",
        "small groups": "fairness_tables.a_group_too_small_is_nan_and_stays_in_sight",
        "several features": "fairness_tables.several_features_are_crossed_slices",
    },
    "aequitas": {
        "denominators": "fairness_tables.aequitas_gives_every_rate_with_its_own_denominator",
        "several thresholds": "fairness_tables.several_models_in_one_table_are_refused",
    },
    "aif360": {
        "JSON in texts": "fairness_tables.aif360_explanations_come_as_texts_too",
        "a value in a sentence": (
            "fairness_tables.a_value_that_is_not_at_the_end_of_the_sentence_is_none"
        ),
    },
    "moonshot": {
        "percent, nested cookbooks": "benchmarks.moonshot_values_are_percent_of_the_prompts",
        "1 is one percent, status": "benchmarks.a_part_of_moonshot_is_incomplete",
    },
    "modelbench": {
        "interval and n": (
            "benchmarks.modelbench_has_counts_where_they_are_determined_else_the_interval"
        ),
        "no end": "benchmarks.the_grade_of_an_unfinished_run_is_incomplete",
    },
    "k6": {
        "passes are failures": "load.a_pass_of_http_req_failed_is_a_failed_request",
        "true means crossed": "load.thresholds_of_k6_are_no_verdict_in_either_form",
        "tags": "load.tags_of_a_submetric_are_a_slice",
        "checks as list or object": "load.each_check_is_a_slice_in_either_form",
    },
    "locust": {
        "rounded histograms": "load.the_share_under_a_percentile_is_true_whatever_was_rounded",
        "no row of all": "load.locust_histograms_give_percentiles_at_their_upper_edge",
        "Aggregated": "load.percentiles_of_the_csv_are_off_a_histogram_and_aggregated_is_the_whole",
        "history, failures": "load.other_tables_of_locust_are_told_what_to_send",
    },
    "serving-bench": {
        "request_goodput: and inf": (
            "load.a_serving_benchmark_gives_percentiles_throughput_and_errors"
        ),
        "--append-result": "load.appended_runs_are_refused_and_one_line_is_read",
        "--metadata": "load.what_a_user_wrote_beside_the_benchmark_is_no_metric",
        "failed requests": "load.single_requests_are_scores_without_those_that_failed",
    },
    "codecarbon": {
        "appended runs": "load.codecarbon_gives_the_last_run_in_units_that_convert",
        "climate tables": "load.a_climate_data_set_of_the_same_name_is_no_run",
    },
    "swebench": {
        "of total, not of completed": (
            "benchmarks.swebench_counts_all_instances_and_not_those_that_were_completed"
        ),
        "infrastructure": "benchmarks.failures_of_the_infrastructure_are_errors_apart",
        "later schemas": "benchmarks.reports_that_cannot_be_believed_are_refused",
    },
    "generic": {
        "the Trainer's n": "flat.the_trainer_states_n_for_shares_of_examples_only",
        "evaluate.save": "flat.evaluate_and_mlflow_files_are_flat",
        "the Trainer's timings": "flat.what_the_trainer_writes_beside_the_metrics_is_no_metric",
        "score in metrics.json": "flat.the_score_of_mlflow_repeats_its_accuracy",
        "one line of JSON Lines": "generic.one_line_of_json_lines_is_one_measurement",
        "rows that stand for many": (
            "generic.rows_that_stand_for_many_examples_are_not_taken_for_one_each"
        ),
    },
}


@pytest.mark.parametrize(("tool", "trap"), [(tool, trap) for tool in TRAPS for trap in TRAPS[tool]])
def test_each_trap_has_a_test(tool, trap):
    module, _, name = TRAPS[tool][trap].partition(".")
    package = "tests.gates" if module == "fail_closed" else "tests.gates.formats"
    assert callable(getattr(import_module(f"{package}.test_{module}"), f"test_{name}"))


def test_each_format_has_traps_and_samples():
    formats = [name for name, _, _ in names()]
    assert sorted(TRAPS) == sorted(["any tool", *formats])
    assert all(yields.understood().values())


def test_the_table_of_what_each_format_yields_is_true():
    assert yields.table() in yields.DOCS.read_text()


def test_what_has_neither_scores_nor_counts_nor_n_is_known():
    bare = [
        name
        for name, items in yields.understood().items()
        if not any(
            m.scores or m.count is not None or m.n for item in items for m in item.measurements
        )
    ]
    # Kilograms of a run, and claims of a model card: neither file has a sample.
    assert bare == ["codecarbon", "model-index"]


def texts(value):
    match value:
        case dict():
            return {text for inner in value.values() for text in texts(inner)}
        case list():
            return {text for inner in value for text in texts(inner)}
        case str() if len(value) > 40 and " " in value:
            return {value}
        case _:
            return set()


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json*")), ids=lambda path: path.name)
def test_no_text_of_a_sample_stays_in_the_evidence(path):
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    kept = repr(read(path.name, path.read_bytes()).measurements)
    assert not [text for line in lines for text in texts(json.loads(line)) if text in kept]
