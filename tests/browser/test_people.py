"""A reviewer's day in a real browser: sign in, read, answer; and whoever must not is refused."""

import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.app.cli.shell import COMMAND, environment
from tests.app.http.guarded import Guarded
from tests.app.http.service import ESCALATES, Service, evidence
from tests.browser.conftest import SHOTS
from tests.browser.lived import Lived

pytestmark = pytest.mark.slow

TWO = """
policy: support-bot-release
owner: genai-platform
description: What the support bot must show before customers meet it.
applies_to: {model: "support-bot*", stage: [limited_release, broad_rollout]}
gates:
  quality:
    - {metric: accuracy, min: 0.85, target: 0.9}
    - {metric: accuracy, versus_baseline: {max_drop: 0.02}}
  safety:
    - {metric: attack_success_rate, max: 0.02}
escalation:
  reviews: [{role: security, min: 1}, {role: legal, min: 1}]
  expires_hours: 72
grants: {traffic_max: 0.05}
valid_days: 30
"""
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


def sign_in(page: Page, key: str, path: str = "/") -> None:
    page.context.clear_cookies()
    page.goto(path)
    page.get_by_label("A person's API key").fill(key)
    page.get_by_role("button", name="Sign in with the key").click()
    page.wait_for_url(f"**{path}")


def reviewer(service: Service, name: str, stake: str) -> str:
    return service.key(name, f"reviewer:{stake}", person=True)


def escalated(service: Service, **changes):
    sent = evidence(**{**ESCALATES, "baseline": {"version": "41"}, **changes})
    answer = service.call("POST", "/v1/evaluations", service.key("ci", "submitter"), json=sent)
    assert answer.status_code == 201, answer.text
    return answer.json()


def prepared(service: Service) -> None:
    service.publish(TWO)
    assert service.submit(service.key("ci", "submitter"), version="41", baseline={"measurements": [
        {"metric": "accuracy", "count": 1890, "n": 2000}]}).status_code == 201  # fmt: skip


def approve(page: Page) -> None:
    page.locator("section.ask").get_by_label("Why").fill(
        "Looked at the fourteen attacks; none leaves the sandbox."
    )
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Your approval is recorded.")


def as_person(page: Page, name: str) -> None:
    """Sign in at the organisation's provider, as whom the browser belongs to."""
    page.context.clear_cookies()
    page.goto("/")
    page.get_by_role("link", name="Sign in with your organisation").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name=name).click()


def test_two_roles_sign_in_read_and_approve_while_the_pipeline_waits(
    house_page: Page, house: Guarded, tmp_path: Path
):
    """Nobody here holds a key: the pipeline brings its CI system's token, people sign in."""
    prepared(house.service)
    results = tmp_path / "results.json"
    results.write_text(json.dumps(evidence(**ESCALATES)["measurements"]))
    where = ("--model", "support-bot", "--version", "42", "--stage", "limited_release")
    with subprocess.Popen(
        [*COMMAND, "submit", str(results), *where, "--baseline-version", "41", "--wait", "10m"],
        env=environment(CLEARANCE_URL=house.url, CLEARANCE_TOKEN=house.token()),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as waiting:
        try:
            answer_as_two(house_page, waiting)
            out, err = waiting.communicate(timeout=120)
        finally:
            # Otherwise a failure would be told only when the pipeline gives up.
            waiting.kill()
    assert waiting.returncode == 0, (out, err)
    newest = house.service.call("GET", "/v1/decisions?version=42").json()["items"][0]
    shown = house.service.call("GET", f"/v1/decisions/{newest['id']}").json()
    review = house.service.call("GET", f"/v1/reviews/{shown['review']['id']}").json()
    given = [(one["person"], one["role"], one["answer"]) for one in review["sign_offs"]]
    assert given == [("Ada Lovelace", "security", "approve"), ("Ben Ohm", "legal", "approve")]


def answer_as_two(page: Page, waiting: subprocess.Popen[bytes]) -> None:
    """Both roles approve in turn, each in their own session."""
    as_person(page, "Ada Lovelace")
    link = page.get_by_role("link", name="support-bot 42")
    while link.count() == 0:
        # The pipeline has to start and submit first; the page is looked at until it has.
        assert waiting.poll() is None, waiting.communicate()
        page.wait_for_timeout(500)
        page.reload()
    link.click()
    question = page.get_by_role("heading", level=2).first
    expect(question).to_contain_text("Accept that attack success rate may be as high as")
    expect(page.get_by_text("at most 5% of traffic").first).to_be_visible()
    approve(page)
    expect(page.get_by_text("security 1/1")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    as_person(page, "Ben Ohm")
    page.get_by_role("link", name="support-bot 42").click()
    approve(page)
    expect(page.get_by_role("heading", name="Approved by people")).to_be_visible()


def test_who_signs_in_comes_back_to_the_page_and_strangers_get_no_session(
    house_page: Page, house: Guarded
):
    prepared(house.service)
    decision = escalated(house.service)
    path = f"/decisions/{decision['id']}"
    house_page.goto(path)
    house_page.get_by_role("link", name="Sign in with your organisation").click()
    house_page.get_by_role("button", name="Ada Lovelace").click()
    house_page.wait_for_url(f"**{path}")
    expect(house_page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    as_person(house_page, "Eve")
    expect(house_page.get_by_text("none of your groups may do anything here")).to_be_visible()
    house_page.goto(path)
    expect(house_page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_submitter_finds_no_button_and_is_refused(page: Page, service: Service):
    prepared(service)
    key = service.key("Dora", "submitter", "reviewer:security", person=True)
    sent = evidence(**ESCALATES, baseline={"version": "41"})
    decision = service.call("POST", "/v1/evaluations", key, json=sent).json()
    sign_in(page, key, f"/decisions/{decision['id']}")
    why = "You cannot answer: Who submitted the evaluation does not sign it off."
    expect(page.get_by_text(why)).to_be_visible()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    # A page that was tampered with gets no further.
    page.evaluate(
        """([path, digest]) => {
          const form = document.createElement("form");
          form.method = "post"; form.action = path + "/answer";
          const token = document.querySelector("[name=csrf_token]").value;
          const sent = {answer: "approve", role: "security", digest, csrf_token: token};
          for (const [name, value] of Object.entries(sent)) {
            const field = document.createElement("input");
            field.name = name; field.value = value; form.append(field);
          }
          document.body.append(form); form.submit();
        }""",
        [f"/decisions/{decision['id']}", decision["digest"]],
    )
    expect(page.get_by_text("Who submitted the evaluation does not sign it off.")).to_be_visible()


def test_a_stale_page_is_refused_and_says_what_changed(page: Page, service: Service):
    prepared(service)
    first = escalated(service)
    sign_in(page, reviewer(service, "Ada Lovelace", "security"), f"/decisions/{first['id']}")
    newer = escalated(service, attacks=(19, 1300))
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("heading", name="Your answer came too late")).to_be_visible()
    expect(page.get_by_text("attempt 2")).to_be_visible()
    changed = page.get_by_role("row", name="safety/attack_success_rate")
    expect(changed).to_contain_text("1.4% (14 of 1,000), not settled")
    expect(changed).to_contain_text("(19 of 1,300), not settled")
    page.screenshot(path=SHOTS / "stale-desktop-light.png", full_page=True)
    page.get_by_role("link", name="Look at the new decision").click()
    page.wait_for_url(f"**/decisions/{newer['id']}")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    page.goto(f"/decisions/{first['id']}")
    expect(page.get_by_text("A newer decision about this candidate")).to_be_visible()
    review = service.call("GET", f"/v1/reviews/{first['review']['id']}").json()
    assert review["sign_offs"] == []


def test_a_reviewer_needs_no_mouse(page: Page, service: Service):
    """From the queue to an approval by keys alone; where the focus is can be seen."""
    prepared(service)
    decision = escalated(service)
    sign_in(page, reviewer(service, "Ada Lovelace", "security"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    to(page, "support-bot 42 → limited_release")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/decisions/{decision['id']}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Looked at all fourteen.")
    to(page, "Approve")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Your approval is recorded.")
    expect(page.get_by_text("Looked at all fourteen.")).to_be_visible()


def to(page: Page, name: str) -> None:
    """Tab on until what has this name has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"{name!r} is not reached by keys")


def test_times_are_the_reader_s_with_utc_on_hover(browser: Browser, service: Service):
    prepared(service)
    service.clock.ahead = datetime(2026, 11, 20, 23, 30, tzinfo=UTC) - datetime.now(UTC)
    decision = escalated(service)
    context = browser.new_context(
        base_url=str(service.client.base_url), timezone_id="Asia/Tokyo", locale="en-GB"
    )
    page = context.new_page()
    sign_in(page, reviewer(service, "Ada Lovelace", "security"), f"/decisions/{decision['id']}")
    decided = page.locator("header time").first
    expect(decided).to_have_text(re.compile("^21 Nov 2026, 08:30"))
    expect(decided).to_have_attribute("title", re.compile("^20 November 2026, 23:30 UTC$"))
    context.close()


def test_a_document_is_hashed_in_the_page_and_vouched_for(
    page: Page, service: Service, tmp_path: Path
):
    report = tmp_path / "dpia.pdf"
    report.write_bytes(b"%PDF-1.7 the assessment")
    sign_in(page, reviewer(service, "Lee", "legal"), "/documents")
    page.get_by_label("The file").set_input_files(report)
    digest = hashlib.sha256(report.read_bytes()).hexdigest()
    expect(page.get_by_label("Its SHA-256")).to_have_value(digest)
    page.get_by_label("Kind").fill("dpia")
    page.get_by_label("Model").fill("support-bot")
    page.get_by_label("Ends").fill("2031-01-31")
    page.get_by_role("button", name="Vouch for it").click()
    expect(page.get_by_role("status")).to_have_text("The document is registered.")
    (item,) = service.call("GET", "/v1/documents").json()["items"]
    assert (item["sha256"], item["grade"], item["signed_by"]) == (digest, "attested", "legal")
    expect(page.get_by_text(f"{digest[:12]}…")).to_be_visible()


def test_an_expired_review_cannot_be_approved(page: Page, service: Service):
    prepared(service)
    decision = escalated(service)
    path = f"/decisions/{decision['id']}"
    key = reviewer(service, "Ada Lovelace", "security")
    sign_in(page, key, path)
    button = page.get_by_role("button", name="Approve", exact=True)
    expect(button).to_be_visible()
    service.clock.ahead = timedelta(hours=73)
    sign_in(page, key, path)
    expect(page.get_by_role("heading", name="Expired")).to_be_visible()
    expect(button).to_have_count(0)
    answer = service.call("GET", f"/v1/decisions/{decision['id']}").json()
    assert answer["status"] == "expired"


def test_every_page_is_fit_to_be_read(page: Page, service: Service):
    """No serious finding of axe, nothing wider than the screen, and a picture of each."""
    lived = Lived(service)
    ada, admin = lived.ada, service.admin
    looked_at(page, {
        "sign-in": ("/sign-in", ada),
        "queue": ("/", ada),
        "decisions": ("/decisions", ada),
        "decision": (f"/decisions/{lived.open['id']}", ada),
        "decision-of-others": (f"/decisions/{lived.open['id']}", lived.dora),
        "decision-passed": (f"/decisions/{lived.passed['id']}", ada),
        "decision-through-glass": (f"/decisions/{lived.failed['id']}", ada),
        "models": ("/models", ada),
        "model": ("/models/support-bot", ada),
        "policies": ("/policies", ada),
        "policy": ("/policies/support-bot-release", ada),
        "policy-looser": ("/policies/support-bot-release?version=2", admin),
        "waivers": ("/waivers", lived.cleo),
        "waiver-asked": ("/waivers?rule=safety/toxicity&model=support-bot", ada),
        "documents": ("/documents", lived.ben),
        "record": ("/record", ada),
        "entry": ("/record/1", ada),
        "keys": ("/keys", admin),
        "notices": ("/notices", admin),
        "notice": (f"/notices/{lived.told['id']}", admin),
        "not-found": ("/decisions/dec_none", ada),
        "not-allowed": ("/keys", ada),
    })  # fmt: skip


def test_the_first_screen_has_the_question_and_the_buttons(page: Page, service: Service):
    """However many findings are open, on a desktop and on a phone, before anybody scrolls."""
    lived = Lived(service)
    sign_in(page, lived.ada)
    for width, (w, h) in WIDTHS.items():
        page.set_viewport_size({"width": w, "height": h})
        page.goto(f"/decisions/{lived.open['id']}")
        page.screenshot(path=SHOTS / f"first-screen-{width}.png")
        asked = page.locator("section.ask").first
        shown = [asked.get_by_role("heading", level=2)]
        shown += [
            asked.get_by_role("button", name=name) for name in ("Approve", "Reject", "Ask for")
        ]
        shown.append(asked.get_by_role("link", name="Not mine"))
        for item in shown:
            box = item.first.bounding_box()
            assert box is not None
            assert box["y"] >= 0, (width, item)
            assert box["y"] + box["height"] <= h, (width, item)
    page.get_by_role("link", name="Not mine").click()
    expect(page.get_by_role("button", name="Delegate")).to_be_visible()


def test_empty_pages_teach_and_are_fit_to_be_read(page: Page, service: Service):
    ada = reviewer(service, "Ada Lovelace", "security")
    paths = ("/", "/decisions", "/models", "/policies", "/waivers", "/documents")
    empty = {f"empty-{path[1:] or 'queue'}": (path, ada) for path in paths}
    looked_at(page, {**empty, "empty-notices": ("/notices", service.admin)})


def looked_at(page: Page, paths: dict[str, tuple[str, str]]) -> None:
    """Each page as a reader sees it, on both screens, by day and by night."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    who = ""
    for name, (path, key) in paths.items():
        if key != who:
            sign_in(page, key)
            who = key
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, (w, h) in WIDTHS.items():
                page.set_viewport_size({"width": w, "height": h})
                page.goto(path)
                page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
                found += _too_wide(page, name, width)
                found += _serious(page, f"{name} on a {width}", scheme)
    assert found == []


def _too_wide(page: Page, name: str, width: str) -> list[str]:
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{name} is {over} px too wide on a {width}"] if over > 0 else []


def _serious(page: Page, name: str, scheme: str) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [
        f"{name} ({scheme}): {item['id']} {item['nodes'][0]['html'][:120]}"
        for item in violations
        if item["impact"] in {"serious", "critical"}
    ]
