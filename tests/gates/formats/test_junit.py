import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gates.formats import FormatError, read

DATA = Path(__file__).parents[2] / "data" / "formats"


def suite(*cases, name="s", attributes=""):
    return f'<testsuite name="{name}" {attributes}>{"".join(cases)}</testsuite>'.encode()


def case(name, inner="", attributes=""):
    return f'<testcase classname="c" name="{name}" {attributes}>{inner}</testcase>'


def rate(content):
    return read("junit.xml", content).measurements[0]


def test_a_real_pytest_file_is_recounted():
    understood = read("junit.xml", (DATA / "junit_pytest.xml").read_bytes())
    rate, accuracy = understood.measurements
    assert (rate.metric, rate.count, rate.n, rate.n_errored) == ("pass_rate", 3, 5, 1)
    assert (rate.direction, rate.errors_stated, rate.task) == ("higher", True, "pytest")
    assert (accuracy.metric, accuracy.value, accuracy.n, accuracy.slice) == (
        "accuracy",
        0.93,
        None,
        (),
    )
    assert any("2 skipped" in note for note in understood.notes)
    assert understood.model == "cand-1"
    assert understood.measured_at == datetime(2026, 11, 23, 6, 24, 25, 324036, UTC)


def test_several_suites_are_slices_beside_the_whole():
    understood = read("junit.xml", (DATA / "junit_promptfoo.xml").read_bytes())
    whole, *parts = understood.measurements
    assert (whole.count, whole.n, whole.n_errored, whole.slice, whole.task) == (10, 20, 4, (), None)
    assert whole.source is not None
    assert whole.source.suite == "promptfoo"
    assert parts[0].slice == (("suite", "[candidate-model] prompt 1"),)
    assert sum(p.count or 0 for p in parts) == 10
    assert sum(p.n or 0 for p in parts) == 20
    assert sum(p.n_errored for p in parts) == 4


def test_suites_of_one_name_are_one_slice():
    parts = suite(case("a")) + suite(case("b", "<failure/>")) + suite(case("c"), name="t")
    whole, s, t = read("j", b"<testsuites>" + parts + b"</testsuites>").measurements
    assert (whole.count, whole.n) == (2, 3)
    assert (s.count, s.n, t.count, t.n) == (1, 2, 1, 1)


def test_nested_suites_count_each_test_once():
    inner = suite(case("a"), case("b"), name="inner").decode()
    content = f'<testsuites><testsuite name="outer">{inner}</testsuite></testsuites>'.encode()
    (m,) = read("j", content).measurements
    assert (m.count, m.n, m.task) == (2, 2, "inner")


def test_a_test_that_failed_and_errored_is_errored_once():
    m = rate(suite(case("a"), case("b", "<failure/><error/>")))
    assert (m.count, m.n, m.n_errored) == (1, 1, 1)


def test_skipped_tests_count_neither_way():
    m = rate(suite(case("a"), case("x", '<skipped type="pytest.xfail"/>')))
    assert (m.count, m.n, m.n_errored) == (1, 1, 0)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('status="run" result="completed"', (1, 1, 0)),
        ('status="notrun" result="suppressed"', (0, 0, 0)),
        ('status="disabled"', (0, 0, 0)),
        ('status="fail"', (0, 1, 0)),
        ('status="mystery"', (0, 0, 1)),
    ],
)
def test_a_test_passes_only_where_nothing_says_otherwise(attributes, expected):
    m = rate(suite(case("a", attributes=attributes)))
    assert (m.count, m.n, m.n_errored) == expected


def test_a_suite_that_broke_as_a_whole_is_an_error():
    m = rate(suite(case("a"), "<error>could not collect</error>"))
    assert (m.count, m.n, m.n_errored) == (1, 1, 1)


def test_no_tests_are_no_samples_and_no_pass():
    for content in (b"<testsuites/>", b'<testsuite tests="12"></testsuite>'):
        (m,) = read("j", content).measurements
        assert (m.count, m.n, m.errors_stated) == (0, 0, True)


def test_the_header_is_not_believed():
    understood = read("j", suite(case("a"), case("b", "<failure/>"), attributes='tests="99"'))
    m = understood.measurements[0]
    assert (m.count, m.n, m.incomplete) == (1, 2, None)
    assert any("99 tests, 2 are listed" in note for note in understood.notes)


def test_failures_in_the_header_that_are_not_listed_make_the_run_incomplete():
    m = rate(suite(case("a"), attributes='tests="1" failures="3" errors="0"'))
    assert "3 failures" in (m.incomplete or "")


def test_namespaces_are_no_obstacle():
    content = b'<testsuite xmlns="urn:junit"><testcase name="a"><failure/></testcase></testsuite>'
    m = rate(content)
    assert (m.count, m.n) == (0, 1)


def properties(value, metric="metric:accuracy"):
    return f'<properties><property name="{metric}" value="{value}"/></properties>'


def test_a_metric_of_several_tests_is_a_slice_per_test():
    content = suite(case("de", properties(0.9)), case("fr", properties(0.8)))
    found = [(m.value, m.slice) for m in read("j", content).measurements if m.metric == "accuracy"]
    assert found == [(0.9, (("test", "c.de"),)), (0.8, (("test", "c.fr"),))]


def test_a_metric_that_is_not_a_number_is_missing_and_text_is_refused():
    (_, m) = read("j", suite(properties("nan"), case("a"))).measurements
    assert (m.value, m.missing) == (None, "not_a_number")
    with pytest.raises(FormatError) as caught:
        read("j", suite(properties("91%"), case("a")))
    assert "metric:accuracy" in caught.value.detail
    ignored = read("j", suite(properties("1", "accuracy"), case("a")))
    assert [m.metric for m in ignored.measurements] == ["pass_rate"]


def test_a_start_without_a_zone_is_no_time_and_the_earliest_counts():
    def at(stamp, name):
        return suite(case("a"), name=name, attributes=f'timestamp="{stamp}"')

    assert read("j", at("2026-01-01T00:00:00", "x")).measured_at is None
    both = at("2026-01-02T00:00:00Z", "x") + at("2026-01-01T01:00:00+01:00", "y")
    understood = read("j", b"<testsuites>" + both + b"</testsuites>")
    assert understood.measured_at == datetime(2026, 1, 1, tzinfo=UTC)


LAUGHS = (
    b'<!DOCTYPE testsuite [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    b'<testsuite name="&b;"><testcase name="x"/></testsuite>'
)
OUTSIDE = (
    b'<!DOCTYPE testsuite [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b"<testsuite><testcase name='&x;'/></testsuite>"
)


@pytest.mark.parametrize("content", [LAUGHS, OUTSIDE, b"<!DOCTYPE testsuite><testsuite/>"])
def test_declarations_and_entities_are_refused(content):
    with pytest.raises(FormatError) as caught:
        read("junit.xml", content)
    assert caught.value.slug == "malformed-file"
    assert "<!DOCTYPE>" in caught.value.detail


@pytest.mark.parametrize(
    "content",
    [
        b"<testsuite><testcase name='a'>",
        b"<testsuite>\x01</testsuite>",
        b'<?xml version="1.0" encoding="utf-32"?><testsuite/>',
        b'<?xml version="1.0" encoding="martian"?><testsuite/>',
    ],
)
def test_broken_xml_is_refused(content):
    with pytest.raises(FormatError) as caught:
        read("junit.xml", content)
    assert caught.value.slug == "malformed-file"


def test_xml_bombs_of_tags_and_attributes_are_refused_and_deep_nesting_is_survived():
    for content in (
        b"<testsuite>" + b"<a/>" * 1_000_001 + b"</testsuite>",
        b"<testsuite " + b"=" * 2_000_001 + b"></testsuite>",
    ):
        with pytest.raises(FormatError) as caught:
            read("junit.xml", content)
        assert caught.value.slug == "file-too-large"
    deep = b"<testsuite>" * 100_000 + b"<testcase name='a'/>" + b"</testsuite>" * 100_000
    assert rate(deep).n == 1


def test_many_suites_are_refused_without_counting_for_hours():
    suites = b"".join(suite(case("a"), name=f"s{i}") for i in range(60_000))
    with pytest.raises(FormatError) as caught:
        read("junit.xml", b"<testsuites>" + suites + b"</testsuites>")
    assert caught.value.slug == "file-too-large"


def test_other_xml_is_not_junit():
    with pytest.raises(FormatError) as caught:
        read("x.xml", b"<coverage/>")
    assert caught.value.slug == "unrecognised-format"


def test_a_control_character_is_broken_xml_and_said_to_be():
    with pytest.raises(FormatError) as caught:
        read("j", suite(case("a", "<failure>\x1b[31mred</failure>")))
    assert "cut off or broken" in caught.value.detail


def test_what_a_test_printed_is_no_result():
    noise = f"<system-out>{'failure ' * 100_000}</system-out>"
    m = rate(suite(case("a", noise)))
    assert (m.count, m.n) == (1, 1)


def test_a_metric_of_a_run_that_hides_failures_is_incomplete_too():
    root = b'<testsuite tests="2" failures="1">%s<testcase name="a"/></testsuite>'
    given = b'<properties><property name="metric:accuracy" value="0.9"/></properties>'
    assert all(m.incomplete for m in read("j", root % given).measurements)


WRITTEN_BY_PYTEST = """
import pytest

@pytest.fixture
def breaks():
    yield
    raise RuntimeError("teardown")

def test_fails_and_breaks(breaks):
    assert False

@pytest.mark.xfail
def test_known():
    assert False

@pytest.mark.parametrize("language", ["de", "fr"])
def test_language(language, record_property):
    record_property("metric:accuracy", {"de": 0.9, "fr": 0.8}[language])

@pytest.fixture(scope="session", autouse=True)
def whole(record_testsuite_property):
    record_testsuite_property("metric:toxicity", 0.01)
    record_testsuite_property("model", "cand-2")
"""


def test_what_the_installed_pytest_writes_is_read(tmp_path):
    """A failed call whose teardown broke (it stands twice), xfail, parameters, properties."""
    (tmp_path / "test_it.py").write_text(WRITTEN_BY_PYTEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["--rootdir", str(tmp_path), "--junitxml", "junit.xml", "test_it.py"]
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    understood = read("junit.xml", (tmp_path / "junit.xml").read_bytes())
    found = {(m.metric, m.slice): m for m in understood.measurements}
    passed = found["pass_rate", ()]
    assert (passed.count, passed.n, passed.n_errored) == (2, 3, 1)
    assert found["toxicity", ()].value == 0.01
    language = {k: m.value for (metric, k), m in found.items() if metric == "accuracy"}
    assert language == {
        (("test", "test_it.test_language[de]"),): 0.9,
        (("test", "test_it.test_language[fr]"),): 0.8,
    }
    assert understood.model == "cand-2"


def test_a_test_may_state_the_time_it_took_and_it_is_no_metric():
    (m,) = read(
        "j", suite(case("a", attributes='time="12.5"'), attributes='time="12.5"')
    ).measurements
    assert m.metric == "pass_rate"
