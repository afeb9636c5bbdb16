import gzip
import io
import json
import zipfile

import pytest

from gates.formats import FormatError, read, read_json
from gates.formats.result_file import ResultFile


def refused(content, name="results.json", **options):
    with pytest.raises(FormatError) as caught:
        read(name, content, **options)
    assert caught.value.detail.startswith(name)
    return caught.value


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (gzip.compress(b"{}", mtime=0), "gzip"),
        (b"PAR1\x00\x00", "Parquet"),
        ("metric,value\n".encode("utf-16"), "UTF-16"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\x80\x04\x95\x00pickle", "neither UTF-8 text"),
        (b"a,b\n\x00,1\n", "binary"),
        (b'{"accuracy": 0.9', "cut off"),
        (b'{"accuracy": 0.9, "accuracy": 0.1}', "Detected duplicate key"),
        (b'{"a": {"accuracy": 0.9, "accuracy": 0.1}}', "Detected duplicate key"),
        (b"{'accuracy': 0.9}", "cannot be parsed"),
        (b'{"accuracy": 0.9}\n{"accuracy": 0.8', "line 2"),
        (b'{"a": 1}\n\n{"b": 1, "b": 2}\n', "line 3"),
    ],
)
def test_what_no_format_could_read_is_refused_in_words(content, says):
    error = refused(content)
    assert error.slug == "malformed-file"
    assert says in error.detail


def test_nesting_is_bounded_in_files_in_lines_and_in_values():
    def deep(levels):
        return b'{"a":' * levels + b"1" + b"}" * levels

    assert refused(deep(201)).slug == "file-too-deep"
    assert refused(deep(5_000)).slug == "file-too-deep"
    assert refused(b'{"a": 1}\n' + deep(201)).slug == "file-too-deep"
    assert refused(deep(200)).slug == "unrecognised-format"
    value: object = 1
    for _ in range(50_000):
        value = [value]
    with pytest.raises(FormatError) as caught:
        read_json("content", value)
    assert caught.value.slug == "file-too-deep"


def test_size_is_bounded_before_anything_is_parsed():
    assert refused(b"{" * 1001, max_bytes=1000).slug == "file-too-large"
    assert refused(b"[" + b"{}," * 2_000_001).slug == "file-too-large"
    assert refused(b"[" + b"1," * 10_000_001).slug == "file-too-large"


def test_a_zip_archive_is_named_as_such():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("results.json", "{}")
    error = refused(buffer.getvalue())
    assert error.slug == "unrecognised-format"
    assert "zip archive" in error.detail


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    assert read("r.json", b'\xef\xbb\xbf{"accuracy": 0.9}').measurements[0].value == 0.9
    assert read("r.csv", b"\xef\xbb\xbfmetric,value\r\nf1,0.5\r\n").measurements[0].metric == "f1"


def test_a_pretty_printed_object_is_one_value_whatever_the_file_is_called():
    understood = read("results.jsonl", b'{\n "accuracy": 0.9\n}\n')
    assert understood.measurements[0].value == 0.9


def test_the_digest_of_json_ignores_white_space_order_and_how_it_came():
    value = {"b": 0.25, "a": 0.5}
    digests = {
        read("x", json.dumps(value, indent=4).encode()).digest,
        read("y", b'{"a":0.5,"b":0.25}').digest,
        read_json("z", value).digest,
    }
    assert len(digests) == 1
    assert digests != {read_json("z", {"b": 0.25, "a": 0.75}).digest}
    assert digests.pop().startswith("sha256:")


def test_values_that_are_not_json_are_refused():
    for value in ({1, 2}, {(1, 2): 3}, b"bytes"):
        with pytest.raises(FormatError) as caught:
            read_json("content", value)
        assert caught.value.slug == "malformed-file"


def test_control_characters_of_a_name_do_not_reach_the_message():
    assert ResultFile("a\n\x1b[31mb", b"{}").label == "a??[31mb"
