"""JUnit XML of any test runner: the share of tests that passed, and metrics given as properties.

Tests are recounted; the header's totals are never believed. It refuses document type declarations
and entities, and a test that cannot be told to have passed does not count as passed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING, NotANumber, instant, number, whole
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "junit"
TITLE = "JUnit XML"
RECOGNISED_BY = "XML whose root is `testsuites` or `testsuite`"

_MAX_TAGS = 1_000_000
_MAX_ATTRIBUTES = 2_000_000
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
_SKIPPED_WORDS = frozenset({"notrun", "disabled", "skipped", "suppressed", "ignored", "pending"})
_FAILED_WORDS = frozenset({"fail", "failed", "failure"})
_PASSED_WORDS = frozenset({"", "run", "pass", "passed", "success", "successful", "ok", "completed"})

Verdict = Literal["passed", "failed", "errored", "skipped"]


def mismatch(file: ResultFile) -> str | None:
    """Why this is not JUnit XML; None where it is."""
    if file.syntax != "xml":
        return "not XML"
    root = _ROOT.search(file.head)
    if root is None or root[1] not in (b"testsuites", b"testsuite"):
        return "the root element is neither `testsuites` nor `testsuite`"
    return None


def read(file: ResultFile) -> Reading:
    """The pass rate over all tests and, where there are several suites, of each of them."""
    root = _parse(file)
    suites = [_suite(element) for element in root.iter() if _tag(element) in _SUITE_TAGS]
    by_name: dict[str, Counter[Verdict]] = {}
    total: Counter[Verdict] = Counter()
    for suite in suites:
        if suite.verdicts or suite.own_errors:
            by_name.setdefault(suite.name, Counter()).update(suite.counted)
            total.update(suite.counted)
    root_name = root.get("name") or None
    task = (next(iter(by_name)) or root_name) if len(by_name) == 1 else None
    source = Source(tool="junit", suite=root_name or task)
    incomplete, notes = _against_header(root, total)
    measurements = [_pass_rate(total, task, (), source, incomplete)]
    for name, counted in by_name.items() if len(by_name) > 1 else ():
        key: SliceKey = (("suite", name or "(unnamed)"),)
        measurements.append(_pass_rate(counted, None, key, source, incomplete))
    measurements.extend(_metrics(file, root, task, source, incomplete))
    if total["skipped"]:
        notes.append(f"{total['skipped']} skipped tests count neither as passed nor as failed")
    flaky = sum(_tag(element) in ("flakyFailure", "flakyError") for element in root.iter())
    if flaky:
        notes.append(f"tests passed only after being repeated ({flaky} earlier failures)")
    return Reading(
        tuple(measurements), model=_model(root), measured_at=_started(root), notes=tuple(notes)
    )


_SUITE_TAGS = ("testsuites", "testsuite")


@dataclass(frozen=True)
class _Suite:
    name: str
    verdicts: tuple[Verdict, ...]
    own_errors: int

    @property
    def counted(self) -> Counter[Verdict]:
        counted: Counter[Verdict] = Counter(self.verdicts)
        counted["errored"] += self.own_errors
        return counted


def _parse(file: ResultFile) -> Element:
    if file.content.count(b"<") > _MAX_TAGS or file.content.count(b"=") > _MAX_ATTRIBUTES:
        raise file.too_large(f"the XML holds more than {_MAX_TAGS:,} tags or too many attributes")
    try:
        root: Element = fromstring(file.content, forbid_dtd=True)
    except DefusedXmlException:
        raise file.malformed(
            "the XML has a document type declaration or entities, which are refused because they "
            "can read other files or explode; write it without <!DOCTYPE>"
        ) from None
    except ParseError as error:
        raise file.malformed(f"the XML is cut off or broken: {error}") from None
    except (LookupError, ValueError) as error:
        raise file.malformed(f"the XML's encoding cannot be read: {error}") from None
    return root


def _suite(element: Element) -> _Suite:
    cases = tuple(_verdict(child) for child in element if _tag(child) == "testcase")
    own_errors = sum(_tag(child) in ("error", "failure") for child in element)
    return _Suite(element.get("name", "").strip(), cases, own_errors)


def _verdict(case: Element) -> Verdict:
    """One verdict per test: an error outweighs a failure, which outweighs a skip."""
    children = {_tag(child) for child in case}
    if "error" in children:
        return "errored"
    if "failure" in children:
        return "failed"
    words = {case.get(key, "").strip().lower() for key in ("status", "result")}
    if "skipped" in children or words & _SKIPPED_WORDS:
        return "skipped"
    if words & _FAILED_WORDS:
        return "failed"
    return "passed" if words <= _PASSED_WORDS else "errored"


def _pass_rate(
    counted: Counter[Verdict],
    task: str | None,
    key: SliceKey,
    source: Source,
    incomplete: str | None,
) -> Measurement:
    return Measurement(
        metric="pass_rate",
        count=counted["passed"],
        n=counted["passed"] + counted["failed"],
        n_errored=counted["errored"],
        errors_stated=True,
        direction="higher",
        task=task,
        slice=key,
        source=source,
        incomplete=incomplete,
    )


def _against_header(root: Element, total: Counter[Verdict]) -> tuple[str | None, list[str]]:
    """Why the listing cannot be the whole run, and remarks. pytest counts subtests in its header.

    So a header that says more is only remarked upon, unless it speaks of failures and no listed
    test failed.
    """
    headers = [root] if root.get("tests") else [e for e in root if _tag(e) == "testsuite"]
    tests = sum(_stated(header, "tests") for header in headers)
    bad = sum(_stated(header, key) for header in headers for key in ("failures", "errors"))
    listed_bad = total["failed"] + total["errored"]
    if bad > 0 and listed_bad == 0:
        return f"the header speaks of {bad} failures or errors and none is listed", []
    listed = sum(total.values())
    if tests != listed and headers:
        return None, [f"the header says {tests} tests, {listed} are listed; the listed ones count"]
    return None, []


def _stated(element: Element, key: str) -> int:
    try:
        return whole(element.get(key)) or 0
    except NotANumber:
        return 0


def _metrics(
    file: ResultFile, root: Element, task: str | None, source: Source, incomplete: str | None
) -> Iterator[Measurement]:
    """Properties `metric:<name>`; where several tests give one metric, each is a slice {test}."""
    given = list(_properties(root))
    often = Counter(metric for metric, _, _ in given)
    for metric, test, text in given:
        try:
            value = number(text)
        except NotANumber as error:
            raise file.malformed(f"the property metric:{metric[:60]}: {error}") from None
        yield Measurement(
            metric=metric,
            value=value,
            missing=MISSING if value is None else None,
            task=task,
            slice=(("test", test),) if often[metric] > 1 and test else (),
            source=source,
            incomplete=incomplete,
        )


def _properties(root: Element) -> Iterator[tuple[str, str, str]]:
    for owner in root.iter():
        test = ""
        if _tag(owner) == "testcase":
            test = ".".join(filter(None, (owner.get("classname"), owner.get("name"))))
        for name, value in _properties_of(owner):
            metric = name.removeprefix("metric:").strip()
            if metric and metric != name:
                yield metric, test, value


def _properties_of(owner: Element) -> Iterator[tuple[str, str]]:
    for group in owner:
        if _tag(group) == "properties":
            for entry in group:
                yield entry.get("name", ""), entry.get("value") or entry.text or ""


def _model(root: Element) -> str | None:
    """The suite property `model`, where all suites agree on it."""
    found = {
        value
        for suite in root.iter()
        if _tag(suite) in _SUITE_TAGS
        for name, value in _properties_of(suite)
        if name == "model" and value
    }
    return found.pop() if len(found) == 1 else None


def _started(root: Element) -> datetime | None:
    """The earliest start with a zone: evidence is as old as its oldest part."""
    stamps: Sequence[datetime | None] = [
        instant(element.get("timestamp")) for element in root.iter() if _tag(element) in _SUITE_TAGS
    ]
    return min((stamp for stamp in stamps if stamp is not None), default=None)


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
