"""People in a browser: the provider's round trip, sessions, and the attacks on both."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth.csrf import token_of
from app.settings import Settings, SettingsError
from tests.app.http.guarded import FILE, Guarded, guarded
from tests.app.http.service import ESCALATES, POLICY


@pytest.fixture
def house(settings: Settings, tmp_path: Path) -> Iterator[Guarded]:
    with guarded(settings, tmp_path) as made:
        yield made


def review_of(house: Guarded, model: str = "support-bot") -> tuple[str, dict[str, Any]]:
    """An open question to a reviewer, and the answer that settles it."""
    name = f"{model}-release"
    text = POLICY.replace("support-bot-release", name).replace('"support-bot*"', model)
    house.service.publish(text, name)
    made = house.service.submit(
        house.service.key(f"ci-{model}", "submitter"),
        candidate={"model": model, "version": "1"},
        **ESCALATES,
    ).json()
    answer = {"answer": "approve", "role": "security", "decision_digest": made["digest"]}
    return f"/v1/reviews/{made['review']['id']}/sign-offs", answer


def test_a_reviewer_signs_in_and_answers(house: Guarded):
    path, answer = review_of(house)
    browser = house.browser()
    began = house.begin(browser, "/v1/reviews?status=open")
    assert began.status_code == 303
    asked = httpx.URL(began.headers["location"]).params
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) > 20
    assert len(asked["nonce"]) > 20
    assert asked["redirect_uri"] == "http://localhost:1/login/callback"
    back = browser.get(house.chosen(began, "00u-ada"))
    assert (back.status_code, back.headers["location"]) == (303, "/v1/reviews?status=open")
    me = browser.get("/v1/me").json()
    assert (me["name"], me["kind"], me["via"]) == ("ada", "person", "session")
    assert me["grants"] == [{"roles": ["reviewer:security"], "models": ["support-*"]}]
    signed = browser.post(path, json=answer, headers={"X-CSRF-Token": me["csrf_token"]})
    assert signed.status_code == 201, signed.text
    assert (signed.json()["person"], signed.json()["decision_status"]) == ("ada", "passed")
    assert browser.get("/v1/keys").status_code == 403


def test_the_session_cookie_is_out_of_reach(settings: Settings, tmp_path: Path):
    with guarded(settings, tmp_path, public_url="https://clearance.example.com") as house:
        # What a browser does with Secure cookies, a test client on plain http cannot do.
        browser = house.browser()
        began = house.begin(browser)
        pending = began.headers["set-cookie"]
        kept = {"cookie": pending.partition(";")[0]}
        where = house.chosen(began, "00u-ada")
        answer = browser.get(where, headers=kept)
        assert answer.status_code == 303, answer.text
        cookie = next(c for c in answer.headers.get_list("set-cookie") if "clearance=" in c)
        for given, name in ((pending, "clearance-login"), (cookie, "clearance")):
            assert given.startswith(f"__Host-{name}=")
            for wanted in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
                assert wanted in given
            assert "Domain" not in given
        assert answer.headers["cache-control"] == "no-store"
        me = browser.get("/v1/me", headers={"cookie": cookie.partition(";")[0]})
        assert me.json()["name"] == "ada"
        # Without the prefix it could have been planted by a neighbouring host.
        bare = cookie.partition(";")[0].removeprefix("__Host-")
        assert browser.get("/v1/me", headers={"cookie": bare}).status_code == 401


def test_a_session_prepared_by_somebody_else_is_worth_nothing(house: Guarded):
    planted = "x" * 43
    victim = house.browser()
    victim.cookies.set("clearance", planted)
    assert house.sign_in(victim, "00u-ada").status_code == 303
    mine = [c.value for c in victim.cookies.jar if c.name == "clearance" and c.value != planted]
    assert len(mine) == 1
    attacker = house.browser()
    attacker.cookies.set("clearance", planted)
    assert attacker.get("/v1/me").status_code == 401


def test_signing_in_again_ends_the_former_session(house: Guarded):
    browser = house.signed_in("00u-ada")
    former = browser.cookies["clearance"]
    assert house.sign_in(browser, "00u-ben").status_code == 303
    assert browser.cookies["clearance"] != former
    other = house.browser()
    other.cookies.set("clearance", former)
    assert other.get("/v1/me").status_code == 401


def test_signing_out_ends_it_everywhere_and_needs_the_token(house: Guarded):
    browser = house.signed_in("00u-ada")
    cookie = browser.cookies["clearance"]
    token = browser.headers.pop("X-CSRF-Token")
    assert browser.post("/logout").status_code == 403
    form = browser.post("/logout", data={"csrf_token": token})
    assert (form.status_code, form.headers["location"]) == (303, "/")
    assert "clearance" not in browser.cookies
    other = house.browser()
    other.cookies.set("clearance", cookie)
    answer = other.get("/v1/me")
    assert (answer.status_code, answer.json()["detail"]) == (
        401,
        "The session is over. Sign in again.",
    )


def test_a_session_ends_by_itself(house: Guarded):
    idle, busy = house.signed_in("00u-ada"), house.signed_in("00u-ada")
    for minutes in range(50, 8 * 60, 50):
        house.service.clock.ahead = timedelta(minutes=minutes)
        assert busy.get("/v1/me").status_code == 200
        _wait_until_noted(house, busy, timedelta(minutes=minutes))
    assert idle.get("/v1/me").status_code == 401, "nobody used it for an hour"
    house.service.clock.ahead = timedelta(hours=8, minutes=1)
    assert busy.get("/v1/me").status_code == 401, "eight hours are the most"


def _wait_until_noted(house: Guarded, browser: httpx.Client, ahead: timedelta) -> None:
    """Noting a use is not waited for by the answer; the next minute must find it."""
    house.service.clock.ahead = ahead
    sessions = house.service.app.state.runtime.access.sessions
    for _ in range(2000):
        now = house.service.clock()
        if sessions.find(browser.cookies["clearance"], now).work is None:
            return
    raise AssertionError("the session's use was not noted")


def test_another_site_cannot_make_a_browser_change_anything(house: Guarded):
    path, answer = review_of(house)
    browser = house.signed_in("00u-ada")
    token = browser.headers.pop("X-CSRF-Token")
    wrong: list[dict[str, str]] = [
        {},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": token[:-1]},
        {"X-CSRF-Token": token_of("another session")},
        {"X-CSRF-Token": "ä"},
        {"X-CSRF-Token": token, "Origin": "https://evil.example"},
        {"X-CSRF-Token": token, "Origin": "null"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
    ]
    for headers in wrong:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        refused = browser.post(path, json=answer, headers=raw)
        assert (refused.status_code, refused.json()["type"]) == (403, "forbidden"), headers
    planted = browser.post(path, data={"csrf_token": "guess", **answer})
    assert planted.status_code == 403
    good = {"X-CSRF-Token": token, "Origin": house.url, "Sec-Fetch-Site": "same-origin"}
    assert browser.post(path, json=answer, headers=good).status_code == 201
    # A key needs no token: no browser sends it along by itself.
    key = house.service.key("ada-laptop", "viewer", person=True)
    assert house.service.call("GET", "/v1/policies", key).status_code == 200


OUTSIDE = (
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%0d%0aSet-Cookie:x=y\r\nSet-Cookie: x=y",
    "javascript:alert(1)",
    "/\t/evil.example",
    " //evil.example",
    "evil.example",
    "",
)


@pytest.mark.parametrize("way", ["provider", "key"])
def test_a_sign_in_leads_nowhere_but_here(house: Guarded, way: str):
    key = house.service.key("sam", "viewer", person=True)
    for wanted in OUTSIDE:
        browser = house.browser()
        if way == "provider":
            answer = house.sign_in(browser, "00u-ada", wanted)
        else:
            answer = browser.post("/login/key", data={"key": key, "next": wanted})
        assert answer.status_code == 303, wanted
        assert answer.headers["location"] == "/", wanted
        assert all("x=y" not in c for c in answer.headers.get_list("set-cookie"))


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(house: Guarded):
    attacker, victim = house.browser(), house.browser()
    location = house.chosen(house.begin(attacker), "00u-eve")
    refused = [
        ("nothing was begun", victim.get(location)),
    ]
    house.begin(victim)
    refused.append(("login CSRF: another browser's answer", victim.get(location)))
    began = house.begin(victim)
    good = house.chosen(began, "00u-ada")
    state = httpx.URL(began.headers["location"]).params["state"]
    refused.append(("no state", victim.get(good.replace(state, ""))))
    house.begin(victim)
    refused.append(("an older sign-in's answer", victim.get(good)))
    again = house.chosen(house.begin(victim), "00u-ada")
    refused.append(("mix-up", victim.get(re.sub("iss=[^&]*", "iss=https://evil.example", again))))
    state = httpx.URL(house.begin(victim).headers["location"]).params["state"]
    refused.append(("made-up code", victim.get(f"/login/callback?state={state}&code=made-up")))
    refused.append(("no code", victim.get(f"/login/callback?state={state}")))
    for name, answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (403, "sign-in-refused"), name
        assert "clearance=" not in str(answer.headers.get_list("set-cookie")), name
    assert victim.get("/v1/me").status_code == 401


def test_an_id_token_that_answers_something_else_is_refused(house: Guarded):
    """The code was right; what the provider signed for it is not what was asked."""
    ada = house.issuer.people["00u-ada"]
    for claims in (
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"azp": "another-application"},
        {"aud": "another-application"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ):
        house.issuer.people["00u-ada"] = replace(ada, claims=claims)
        browser = house.browser()
        answer = house.sign_in(browser, "00u-ada")
        assert (answer.status_code, answer.json()["type"]) == (403, "sign-in-refused"), claims
        assert "clearance" not in browser.cookies, claims


def test_a_code_is_good_once(house: Guarded):
    browser = house.browser()
    began = house.begin(browser)
    where = house.chosen(began, "00u-ada")
    pending = browser.cookies["clearance-login"]
    assert browser.get(where).status_code == 303
    replaying = house.browser()
    replaying.cookies.set("clearance-login", pending)
    assert replaying.get(where).status_code == 403


def test_who_has_no_group_here_gets_no_session(house: Guarded):
    browser = house.browser()
    answer = house.sign_in(browser, "00u-eve")
    assert answer.status_code == 403
    assert "none of your groups" in answer.json()["detail"]
    assert "clearance" not in browser.cookies


def test_a_group_is_its_exact_name_and_no_claim_is_a_role(house: Guarded):
    for groups in (
        ["Security"],
        ["security "],
        "security",
        [["security"]],
        {"security": True},
        None,
    ):
        eve = house.issuer.people["00u-eve"]
        claims = {"groups": groups, "roles": ["admin"], "role": "admin", "permissions": ["*"]}
        house.issuer.people["00u-eve"] = type(eve)(eve.subject, eve.name, (), claims)
        browser = house.browser()
        assert house.sign_in(browser, "00u-eve").status_code == 403, groups


def test_groups_that_the_id_token_lacks_are_asked_for(house: Guarded):
    """As Google and Entra ID with many groups do: the provider tells them at its userinfo."""
    house.issuer.tells_apart = True
    path, answer = review_of(house)
    assert house.signed_in("00u-ada").post(path, json=answer).status_code == 201
    assert house.sign_in(house.browser(), "00u-eve").status_code == 403
    assert house.issuer.asked.count("/userinfo") == 2


def test_who_names_groups_in_the_id_token_is_not_asked(house: Guarded):
    house.signed_in("00u-ada")
    assert "/userinfo" not in house.issuer.asked


@pytest.mark.parametrize(
    "told",
    [
        {"sub": "00u-rob", "groups": ["security"]},
        {"groups": ["security"], "sub": None},
        ["security"],
        None,
    ],
)
def test_what_is_told_about_somebody_else_or_not_at_all_is_refused(
    house: Guarded, told: Any, monkeypatch: pytest.MonkeyPatch
):
    house.issuer.tells_apart = True

    def user_info(_: object, __: str) -> Any:
        if told is None:
            raise ValueError("gone")
        return told

    monkeypatch.setattr(type(house.issuer), "user_info", user_info)
    browser = house.browser()
    answer = house.sign_in(browser, "00u-ada")
    assert (answer.status_code, answer.json()["type"]) == (403, "sign-in-refused")
    assert "clearance" not in browser.cookies


def test_what_was_signed_counts_before_what_was_told(
    house: Guarded, monkeypatch: pytest.MonkeyPatch
):
    house.issuer.tells_apart = True
    monkeypatch.setattr(
        type(house.issuer),
        "user_info",
        lambda *_: {"sub": "00u-ada", "groups": ["security"], "preferred_username": "root"},
    )
    assert house.signed_in("00u-ada").get("/v1/me").json()["name"] == "ada"


def test_grants_of_several_groups_do_not_mix(house: Guarded):
    """Reviewer of the fraud models and viewer of all: no reviewer of all."""
    path, answer = review_of(house)
    mine, mine_answer = review_of(house, "fraud-bot")
    ben = house.signed_in("00u-ben")
    assert len(ben.get("/v1/decisions").json()["items"]) == 2
    assert len(ben.get("/v1/reviews").json()["items"]) == 2
    theirs = ben.get("/v1/decisions?model=support-bot").json()["items"][0]["id"]
    revoked = ben.post(f"/v1/decisions/{theirs}/revoke", json={"reason": "not mine to end"})
    assert revoked.status_code == 404, "seen as a viewer, but not as a reviewer"
    refused = ben.post(path, json=answer)
    assert refused.status_code in {403, 404}
    document = {"model": "support-bot", "kind": "dpia", "sha256": "0" * 64, "role": "security"}
    assert ben.post("/v1/documents", json=document).status_code == 403
    assert ben.post("/v1/documents", json={**document, "model": "fraud-bot"}).status_code == 201
    assert ben.post(mine, json=mine_answer).status_code == 201


def test_an_admin_judges_nothing_whatever_else_their_groups_say(house: Guarded):
    path, answer = review_of(house)
    rob = house.signed_in("00u-rob")
    roles = {role for grant in rob.get("/v1/me").json()["grants"] for role in grant["roles"]}
    assert roles == {"admin"}
    assert rob.post(path, json=answer).status_code == 403
    # Nor by a key of the same person, which knows nothing of the sign-in.
    key = house.service.key("root", "reviewer:security", person=True)
    assert house.service.call("POST", path, key, json=answer).status_code == 403


def test_one_human_is_one_person_by_key_and_by_provider(house: Guarded):
    """`links` in the identity file says that 00u-rob is the person `root` who has keys."""
    by_key = house.service.call("GET", "/v1/me").json()
    rob = house.signed_in("00u-rob")
    assert rob.get("/v1/me").json()["id"] == by_key["id"]


def test_a_name_is_no_identity(house: Guarded):
    """Who calls themselves like a person with a key gets neither their id nor their bare name."""
    known = house.service.call(
        "GET", "/v1/me", house.service.key("ada", "viewer", person=True)
    ).json()
    ada = house.signed_in("00u-ada").get("/v1/me").json()
    assert ada["id"] != known["id"]
    assert re.fullmatch(r"ada \([0-9a-f]{8}\)", ada["name"])


def change_by(
    house: Guarded, token: str, version: str, **context: str
) -> tuple[str, dict[str, Any]]:
    """An open question about a change whose pipeline says this of it."""
    candidate = {"model": "support-bot", "version": version}
    made = house.service.submit(token, candidate=candidate, context=context, **ESCALATES).json()
    answer = {"answer": "approve", "role": "security", "decision_digest": made["digest"]}
    return f"/v1/reviews/{made['review']['id']}/sign-offs", answer


def is_barred(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and "made the change" in answer.json()["detail"]


@pytest.mark.parametrize("author", ["Ada@Example.com", "Ada L. <ada@example.com>", " ada "])
def test_a_commit_author_is_barred_under_any_of_their_names(house: Guarded, author: str):
    house.service.publish()
    path, answer = change_by(house, house.service.key("ci", "submitter"), "2", author=author)
    assert is_barred(house.signed_in("00u-ada").post(path, json=answer))
    assert house.signed_in("00u-cat").post(path, json=answer).status_code == 201


def test_who_set_the_pipeline_off_is_barred_by_the_id_in_its_token(house: Guarded):
    """What the pipeline writes cannot hide it; names play no part; links serve as claims do."""
    house.service.publish()
    for number, subject in ((583231, "00u-cat"), (583232, "00u-dan")):
        token = house.token(actor_id=number, actor="somebody")
        told = {"author": "nobody", "actor": "ci:1"}
        path, answer = change_by(house, token, str(number), **told)
        assert is_barred(house.signed_in(subject).post(path, json=answer))
        assert house.signed_in("00u-ada").post(path, json=answer).status_code == 201


def test_no_second_way_in_and_no_new_name_gets_around_it(house: Guarded):
    """Names belong to the person, whatever key they hold and whatever their provider says next."""
    house.service.publish()
    key = house.service.key("ada", "reviewer:security", person=True)
    ada = house.issuer.people["00u-ada"]
    first = house.signed_in("00u-ada").get("/v1/me").json()
    house.issuer.people["00u-ada"] = type(ada)(
        ada.subject, "lovelace", ada.groups, {"email": "new@example.com"}
    )
    again = house.signed_in("00u-ada")
    assert again.get("/v1/me").json()["id"] == first["id"]
    own = house.service.key(first["name"], "reviewer:security", person=True)
    path, answer = change_by(
        house, house.service.key("ci", "submitter"), "2", author="ada@example.com"
    )
    assert is_barred(again.post(path, json=answer))
    assert is_barred(house.service.call("POST", path, own, json=answer))
    # Somebody else who is only called alike is not this person, and has no such address.
    assert house.service.call("POST", path, key, json=answer).status_code == 201


def test_changed_groups_are_an_entry(house: Guarded):
    house.signed_in("00u-ada")
    house.signed_in("00u-ada")
    ada = house.issuer.people["00u-ada"]
    house.issuer.people["00u-ada"] = type(ada)(ada.subject, ada.name, ("chat-viewers",))
    roles = house.signed_in("00u-ada").get("/v1/me").json()["grants"]
    assert roles == [{"roles": ["viewer"], "models": ["*"]}]
    entries = house.service.call("GET", "/v1/audit/entries?type=role.changed").json()["items"]
    changes = [(e["body"]["data"]["was"], e["body"]["data"]["grants"]) for e in entries]
    first = [{"roles": ["reviewer:security"], "models": ["support-*"]}]
    assert changes == [([], first), (first, roles)]
    written = str([e["body"] for e in entries])
    # Commitments are hexadecimal, in which `ada` by itself may well stand.
    assert not any(name in written for name in ("'ada'", "ada@")), "names are commitments"


def test_people_sign_in_with_a_key_where_there_is_no_provider(house: Guarded):
    secret = house.service.key("sam", "reviewer:legal", person=True, models=("fraud-*",))
    browser = house.browser()
    wrong = browser.post("/login/key", data={"key": "clr_wrong", "next": "/"})
    assert wrong.status_code == 401
    service = house.service.key("ci", "submitter")
    assert browser.post("/login/key", data={"key": service}).status_code == 403
    crossed = {"Origin": "https://evil.example"}
    answer = browser.post("/login/key", data={"key": secret}, headers=crossed)
    assert answer.status_code == 403, "another site would choose who is signed in"
    answer = browser.post("/login/key", data={"key": secret, "next": "/v1/me?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/v1/me?x=1")
    assert secret not in str(answer.headers)
    me = browser.get("/v1/me").json()
    assert me["grants"] == [{"roles": ["reviewer:legal"], "models": ["fraud-*"]}]
    # The session is as good as the key, and no longer.
    key = next(
        k for k in house.service.call("GET", "/v1/keys").json()["items"] if k["name"] == "sam"
    )
    house.service.call("POST", f"/v1/keys/{key['id']}/revoke")
    assert browser.get("/v1/me").status_code == 401


def test_a_provider_that_is_down_is_told_so(house: Guarded):
    house.issuer.is_down = True
    answer = house.browser().get("/login")
    assert (answer.status_code, answer.json()["type"]) == (503, "identity-unavailable")
    assert answer.headers["retry-after"]


def test_people_need_a_safe_address(settings: Settings, tmp_path: Path):
    for wrong in (None, "http://clearance.example.com"):
        with (
            pytest.raises(SettingsError, match="CLEARANCE_PUBLIC_URL must be the https address"),
            guarded(settings, tmp_path, FILE, public_url=wrong),
        ):
            pass
