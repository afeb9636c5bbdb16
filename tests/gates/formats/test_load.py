import json
from math import sqrt

import pytest

from gates.formats import read
from tests.gates.formats.opened import content, found, of, of_value, opened, refusal


def k6(**metrics):
    return {
        "metrics": {
            "http_req_duration": {
                "type": "trend",
                "values": {"avg": 5.0, "med": 4, "p(90)": 9.0, "p(95)": 12.0, "max": 30.0},
                "thresholds": {"p(95)<10": {"ok": False}},
            },
            "http_reqs": {"values": {"count": 1000, "rate": 50.5}},
            "http_req_failed": {"values": {"rate": 0.01, "passes": 10, "fails": 990}},
            "checks": {"values": {"passes": 95, "fails": 5}},
            **metrics,
        }
    }


def test_percentiles_of_k6_stay_together_with_n():
    rows = [m for m in read("x", json.dumps(k6()).encode()).measurements if m.metric == "latency"]
    assert [(m.quantile, m.value, m.n, m.unit) for m in rows] == [
        (0.5, 4.0, 1000, "ms"),
        (0.9, 9.0, 1000, "ms"),
        (0.95, 12.0, 1000, "ms"),
        (1.0, 30.0, 1000, "ms"),
    ]


def test_a_pass_of_http_req_failed_is_a_failed_request():
    m = of_value(k6())
    assert (m[None, "error_rate"].count, m[None, "error_rate"].n) == (10, 1000)
    assert (m[None, "pass_rate"].count, m[None, "pass_rate"].n) == (95, 100)
    assert m[None, "throughput"].value == 50.5


def test_tags_of_a_submetric_are_a_slice():
    tagged = {"http_req_duration{name:login,status:200}": {"values": {"p(95)": 7}}}
    m = of_value(k6(**tagged))
    assert m[None, "latency", ("name", "login"), ("status", "200")].n is None


def test_thresholds_of_k6_are_no_verdict_in_either_form():
    understood = read("x", json.dumps(k6()).encode())
    assert any("1 thresholds" in note for note in understood.notes)
    legacy = {"p(95)": 12.0, "thresholds": {"p(95)<10": True, "p(95)<20": False}}
    old = {"metrics": {"http_req_duration": legacy, "http_reqs": {"count": 1000, "rate": 1.0}}}
    again = read("x", json.dumps(old).encode())
    assert any("1 thresholds" in note for note in again.notes)
    assert found(again)[None, "latency"].n == 1000


def test_locust_histograms_give_percentiles_at_their_upper_edge():
    m = [x for x in opened("locust.json", "locust").measurements if x.metric == "latency"]
    slices = {x.slice for x in m}
    assert (("endpoint", "GET /missing"),) in slices
    assert () in slices
    whole = {x.quantile: x for x in m if not x.slice}
    assert whole[1.0].value == 345.0
    assert not whole[0.95].bucketed
    assert whole[0.95].n == 342


def test_the_share_under_a_percentile_is_true_whatever_was_rounded():
    rows = [
        {"num_requests": 4, "num_failures": 0, "response_times": {"99": 2, "120": 1, "2000": 1}}
    ]
    m = {x.quantile: x.value for x in read("x", json.dumps(rows).encode()).measurements}
    assert (m[0.5], m[0.75], m[1.0]) == (99.5, 125.0, 2050.0)


def test_percentiles_of_the_csv_are_off_a_histogram_and_aggregated_is_the_whole():
    m = [x for x in opened("locust_stats.csv", "locust").measurements if x.metric == "latency"]
    assert all(x.bucketed for x in m)
    m2 = of("locust_stats.csv")
    assert (m2[None, "error_rate"].count, m2[None, "error_rate"].n) == (179, 327)
    assert m2[None, "error_rate", ("endpoint", "GET /")].count == 0


@pytest.mark.parametrize("name", ["locust_history.csv", "locust_failures.csv"])
def test_other_tables_of_locust_are_told_what_to_send(name):
    assert "*_stats.csv" in refusal(content(name)).detail


def vllm(**more):
    return {
        "date": "20261101-000000",
        "backend": "vllm",
        "model_id": "llm",
        "num_prompts": 1000,
        "completed": 990,
        "request_rate": "inf",
        "request_throughput": 12.5,
        "output_throughput": 900.0,
        "request_goodput:": 10.0,
        "mean_ttft_ms": 40.0,
        "median_ttft_ms": 35.0,
        "p99_ttft_ms": 90.0,
        "mean_e2el_ms": 500.0,
        "std_e2el_ms": 99.0,
        "p99_e2el_ms": 800.0,
        **more,
    }


def test_a_serving_benchmark_gives_percentiles_throughput_and_errors():
    understood = read("x", json.dumps(vllm()).encode())
    assert (understood.format, understood.model) == ("serving-bench", "llm")
    rows = {(m.metric, m.quantile): m for m in understood.measurements}
    assert (rows["time_to_first_token", 0.5].value, rows["time_to_first_token", 0.99].n) == (
        35,
        990,
    )
    assert ("time_to_first_token", None) not in rows
    mean = rows["mean_latency", None]
    assert (mean.value, mean.stderr) == (500.0, 99.0 / sqrt(990))
    assert (rows["error_rate", None].count, rows["error_rate", None].n) == (10, 1000)
    # Many versions write this key with a colon at its end.
    assert rows["goodput", None].value == 10.0


def test_single_requests_are_scores_without_those_that_failed():
    m = of_value(vllm(ttfts=[0.04, 0.05, 0.0], errors=["", "", "boom"]))
    assert (m[None, "time_to_first_token"].scores, m[None, "time_to_first_token"].unit) == (
        (0.04, 0.05),
        "s",
    )


def test_another_load_is_not_comparable():
    one, two = (of_value(vllm(request_rate=rate))[None, "error_rate"] for rate in ("inf", 5))
    assert one.source is not None
    assert two.source is not None
    assert one.source.prompt_set_digest != two.source.prompt_set_digest


def test_appended_runs_are_refused_and_one_line_is_read():
    line = json.dumps(vllm()).encode()
    assert "2 runs" in refusal(line + b"\n" + line).detail
    assert read("x", line + b"\n").format == "serving-bench"
    assert refusal(vllm(completed=0)).slug == "nothing-measured"


def test_codecarbon_gives_the_last_run_in_units_that_convert():
    understood = opened("codecarbon.csv", "codecarbon")
    m = found(understood)
    assert m[None, "co2e"].unit == "kg"
    assert (m[None, "energy"].unit, m[None, "energy"].value) == ("Wh", pytest.approx(0.0062263914))
    head, row = content("codecarbon.csv").splitlines()[:2]
    later = row.replace(b"3.4892074683441537e-07", b"1.0")
    again = read("x", b"\n".join([head, row, later]))
    assert found(again)[None, "co2e"].value == 1.0
    assert "2 runs" in again.notes[0]


def test_a_climate_data_set_of_the_same_name_is_no_run():
    assert read("emissions.csv", b"country,emissions\nFR,4.1\n").format == "generic"


@pytest.mark.parametrize("name", ["k6_summary.json", "k6_export.json"])
def test_each_check_is_a_slice_in_either_form(name):
    m = of(name)[None, "pass_rate", ("check", "login::status is 200")]
    assert (m.count, m.n) == (60, 62)


def test_locust_says_when_and_how_often():
    understood = opened("locust.json")
    assert understood.measured_at is not None
    m = found(understood)
    mean = m[None, "mean_latency", ("endpoint", "GET /missing")]
    assert (mean.value, mean.n) == (pytest.approx(19.0771, abs=1e-4), 186)
    assert m[None, "throughput"].value == pytest.approx(342 / 3.25, rel=0.01)


def test_tokens_of_a_request_are_those_read_and_written():
    m = of_value(vllm(total_input_tokens=990, total_output_tokens=9900))
    assert (m[None, "tokens_per_request"].value, m[None, "tokens_per_request"].n) == (11.0, 990)
    assert (None, "tokens_per_request") not in of_value(vllm(total_input_tokens=990))


def test_what_a_user_wrote_beside_the_benchmark_is_no_metric():
    assert of_value(vllm(commit="1234", tag="0.5")).keys() == of_value(vllm()).keys()
