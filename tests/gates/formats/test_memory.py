"""Large files and bombs: memory is bounded by what is kept, never by what is sent."""

import io
import json
import tracemalloc

import pytest

from gates.formats import FormatError, read
from gates.formats.result_file import ResultFile

MB = 2**20


def attempts(count):
    """A report whose lines are long and whose results are few."""
    text = {"turns": [{"role": "user", "content": {"text": "x" * 4000}}]}
    yield {"entry_type": "start_run setup", "run.generations": 1}
    for number in range(count):
        probe = f"m.P{number // 100}"
        line = {"entry_type": "attempt", "uuid": "u", "seq": number, "status": 2}
        prompt = {**text, "seq": number}
        yield {
            **line,
            "probe_classname": probe,
            "prompt": prompt,
            "detector_results": {"d.D": [0.0]},
        }
        if number % 100 == 99:
            eval_ = {"entry_type": "eval", "probe": probe, "detector": "d.D", "passed": 100}
            yield {**eval_, "fails": 0, "nones": 0, "total_evaluated": 100}
    yield {"entry_type": "completion"}


def peak(work):
    """The most memory that Python held at once, in bytes, beyond what was there."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_report_beyond_memory_is_read_in_a_small_part_of_its_size(tmp_path):
    path = tmp_path / "big.report.jsonl"
    with path.open("w") as file:
        for line in attempts(6_000):
            file.write(json.dumps(line) + "\n")
    size = path.stat().st_size
    assert size > 24 * MB
    found = []

    def work():
        with path.open("rb") as file:
            found.append(read("big", file, max_bytes=MB))

    assert peak(work) < size // 4
    whole = next(m for m in found[0].measurements if not m.slice)
    assert (len(whole.scores or ()), whole.n_errored) == (6_000, 0)


def test_a_large_file_says_the_same_as_a_small_one():
    raw = b"\n".join(json.dumps(line).encode() for line in attempts(200))
    streamed = read("x", io.BytesIO(raw), max_bytes=1000)
    assert streamed == read("x", raw)
    assert streamed.digest == read("x", io.BytesIO(raw)).digest


def test_rows_beyond_memory_are_read_line_by_line():
    raw = b"\n".join(b'{"id": %d, "ok": %d}' % (i, i % 2) for i in range(20_000))
    m = read("x", io.BytesIO(raw), max_bytes=10_000).measurements[0]
    assert len(m.scores or ()) == 20_000


@pytest.mark.parametrize(
    "raw", [b'{"accuracy": 0.9, "more": "' + b"x" * 3000 + b'"}', b"a,b\n" + b"1,2\n" * 1000]
)
def test_what_must_be_held_whole_is_refused_beyond_memory(raw):
    with pytest.raises(FormatError) as caught:
        read("x", io.BytesIO(raw), max_bytes=2000)
    assert caught.value.slug == "file-too-large"
    assert "JSON Lines and archives" in caught.value.detail


def test_a_million_lines_are_refused_at_the_bound_and_not_held():
    raw = b'{"a":1}\n' * 1_000_001

    def work():
        with pytest.raises(FormatError) as caught:
            read("x", raw)
        assert caught.value.slug == "file-too-large"

    assert peak(work) < 250 * MB


def test_a_line_without_end_is_refused():
    line = b'{"entry_type": "start_run setup"}\n{"entry_type": "' + b"x" * (17 * MB) + b'"}'
    with pytest.raises(FormatError) as caught:
        read("x", io.BytesIO(line), max_bytes=MB)
    assert (caught.value.slug, "line 2" in caught.value.detail) == ("file-too-large", True)


def test_a_file_may_be_read_elsewhere_between_two_lines():
    raw = b'{"a": 1}\n{"a": 2}\n{"a": 3}\n'
    file = ResultFile("x", io.BytesIO(raw), max_bytes=10)
    lines = file.raw_lines()
    next(lines)
    assert file.digest
    assert [line.strip() for _, line in lines] == [b'{"a": 2}', b'{"a": 3}']


@pytest.mark.parametrize(
    "raw",
    [
        b'{"entry_type": "start_run setup"}\n{"user_input": "q", "response": "a", "f1": 1}\n',
        b'{"evalId": "e", "results": {"version": 3}, "testRunData": null}',
        b'{"run_uid":"run-1","scores":[{"hazard_scores":[]}],"config_general":{},"results":{}}',
    ],
)
def test_two_tools_marks_in_one_file_are_told_apart_or_refused(raw):
    with pytest.raises(FormatError) as caught:
        read("x", raw)
    assert caught.value.slug in ("ambiguous-format", "nothing-measured")
