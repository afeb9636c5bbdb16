import copy
import re
from html.parser import HTMLParser

import pytest
from defusedxml.ElementTree import fromstring
from markdown_it import MarkdownIt

from app.pages import report
from app.pages.reading import headline, tone
from tests.app.pages import samples

EVERY = pytest.mark.parametrize("name", samples.ALL)
PLACE = "safety/attack_success_rate (category=prompt_injection)"
NOT_PASSED = ("failed", "pending", "expired", "revoked", "superseded", "observed", "??", None)


class Page(HTMLParser):
    """Elements, attributes and text of a page, as a browser would build them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data


def test_html_of_hostile_text_has_the_elements_of_a_harmless_one():
    hostile, harmless = (Page(report.html(samples.hostile(t))) for t in (samples.HOSTILE_TEXT, "x"))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    assert "</style><script>alert(1)</script>" in hostile.text


@pytest.mark.parametrize("name", [*samples.ALL, "hostile"])
def test_html_is_one_page_without_script_link_or_inline_style(name):
    text = report.html(samples.hostile() if name == "hostile" else samples.ALL[name])
    page = Page(text)
    tags = [tag for tag, _ in page.elements]
    assert not {"script", "link", "iframe", "object", "img", "form", "a", "base"} & set(tags)
    assert tags.count("style") == 1
    for tag, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key in {"style", "src"}], (
            tag
        )
        assert not [key for key in attributes if key.endswith("href")], tag
    assert "url(" not in text[text.index("<style>") : text.index("</style>")]
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)


@EVERY
def test_html_says_what_was_decided(name):
    decision = samples.ALL[name]
    page = Page(report.html(decision))
    assert headline(decision) in page.text
    assert decision["summary"] in page.text
    for gate in decision["gates"]:
        for finding in gate["findings"]:
            assert finding["rule"] in page.text
            assert finding["message"] in page.text


@pytest.mark.parametrize("status", NOT_PASSED)
def test_nothing_but_passed_looks_passed(status):
    decision = {**samples.PASSED, "status": status}
    assert tone(decision) != "good"
    assert "✅" not in report.markdown(decision)
    assert '<header class="good">' not in report.html(decision)
    case = fromstring(report.junit(decision)).find("testsuite[@name='decision']/testcase")
    assert case is not None
    assert case.find("failure") is not None or case.find("skipped") is not None


def test_the_same_status_tells_who_settled_it():
    assert headline({**samples.PENDING, "status": "passed"}) == "Approved by people"
    assert headline({**samples.PENDING, "status": "failed"}) == "Rejected by people"


def test_an_empty_decision_is_a_bad_one():
    assert tone({}) == "bad"
    assert "Unknown status" in report.html({})
    assert "Unknown status" in report.markdown({})
    assert fromstring(report.junit({})).get("failures") == "1"


def test_an_approval_is_told_what_it_accepts():
    text = Page(report.html(samples.PENDING)).text
    assert "What an approval accepts" in text
    assert "it may be 2.3%; asked is ≤ 2%." in text
    assert "traffic_max = 0.05" in text
    assert "1 of role security (0 so far)" in text
    assert "What an approval accepts" not in Page(report.html(samples.FAILED)).text


def test_numbers_never_contradict_their_outcome():
    close = samples.finding(
        "accuracy", observed=samples.observed(0.85004, 0.850001, 0.8501, n=10**6, count=850040)
    )
    text = report.markdown(samples.decision("passed", "pass", {"quality": [close]}))
    assert "85.0001%" in text


def test_the_record_is_shown_or_its_absence_said():
    assert samples.PASSED["audit"]["leaf"] in report.html(samples.PASSED)
    assert "not in any record" in report.html(samples.RANGE)


def test_markdown_tables_keep_their_shape():
    for decision in (*samples.ALL.values(), samples.hostile()):
        tokens = MarkdownIt("commonmark").enable("table").parse(report.markdown(decision))
        kinds = [token.type for token in tokens]
        findings = sum(len(gate["findings"]) for gate in decision["gates"])
        rows = findings + len(decision["gates"])
        assert kinds.count("tr_open") == rows
        assert kinds.count("td_open") == findings * 5
        inline = [c.type for t in tokens for c in t.children or []]
        assert not {"link_open", "image"} & set(inline)


def test_markdown_of_an_escalation():
    head, _, rest = report.markdown(samples.PENDING).partition("### quality: holds (2 of 2)")
    assert head.splitlines() == [
        "## ⏳ Needs a decision by people: support-bot 42 → limited_release",
        "",
        samples.PENDING["summary"],
        "",
        "Without an answer it expires at 27 November 2026, 09:30 UTC.",
        "",
        "### What an approval accepts",
        "",
        f"- **{PLACE}**: it may be 2.3%; asked is ≤ 2%.",
        '- for this reach: traffic_max = 0.05, tools = \\["search", "refund"\\]',
        "",
        "Needed: 1 of role product_owner (0 so far), 1 of role security (0 so far).",
        "",
    ]
    said = samples.ACCURACY["message"]
    assert rest.splitlines()[2:5] == [
        "| | Rule | Finding | Supported range | Limit |",
        "|:-:|---|---|---|---|",
        f"| ✓ holds | accuracy (faq-v7) | {said} | 90.2% to 92.3% | ≥ 85% |",
    ]
    assert " | -0.8 to +0.4 points | max drop 1 point |" in rest


def test_junit_of_a_failure():
    root = fromstring(report.junit(samples.FAILED))
    assert root.attrib == {
        "name": "support-bot 42 → limited_release",
        "tests": "6",
        "failures": "3",
        "errors": "0",
        "skipped": "0",
    }
    assert [suite.get("name") for suite in root] == ["decision", "quality", "safety"]
    cases = {case.get("name"): case for case in root.iter("testcase")}
    failure = cases["no-language-left-behind [language=de]"].find("failure")
    assert failure is not None
    assert failure.attrib == {"type": "fail", "message": samples.GERMAN["message"]}
    assert not list(cases["no-language-left-behind [language=fr]"])


def test_junit_skips_what_does_not_count():
    root = fromstring(report.junit(samples.WAIVED))
    assert (root.get("failures"), root.get("skipped")) == ("0", "2")
    skipped = [s.get("message") for s in root.iter("skipped")]
    assert skipped[0] == "waived by wvr_7: " + samples.GERMAN["message"]


def test_junit_holds_hostile_text():
    root = fromstring(report.junit(samples.hostile()))
    assert "<script>" in str(root.get("name"))
    assert "\x1b" not in report.junit(samples.hostile())


def test_an_error_is_an_error_in_junit():
    broken = samples.finding("expr", "error", kind="expr", message="expr could not be judged.")
    root = fromstring(report.junit(samples.decision("failed", "fail", {"x": [broken]})))
    assert root.get("errors") == "1"


def test_reports_change_nothing():
    decision = copy.deepcopy(samples.MANY)
    report.html(decision)
    report.markdown(decision)
    report.junit(decision)
    assert decision == samples.MANY
