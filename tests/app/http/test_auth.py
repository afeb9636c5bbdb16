"""Who may do what: every route demands a permission, and keys end when they should."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from app.auth.demands import Requires
from app.auth.roles import Permission, permissions
from app.main import ROUTERS
from app.pages.routes.page_route import PageRoute
from tests.app.http.service import ESCALATES, Service

PUBLIC = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/audit/checkpoint",
    "/v1/audit/keys",
    "/v1/audit/tile/{level}/{number:path}",
    "/v1/attestations/keys",
    "/v1/attestations/trusted_root.json",
    "/login",
    "/login/callback",
    "/login/key",
    "/sign-in",
    "/static/{name}",
    # Its sender signs the bytes instead; tests/app/integrations holds what is refused.
    "/v1/hooks/mlflow",
}


def routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def test_every_route_but_the_public_ones_demands_one_permission():
    for route in routes():
        demands = [d.call for d in route.dependant.dependencies if isinstance(d.call, Requires)]
        expected = 0 if route.path in PUBLIC else 1
        assert len(demands) == expected, f"{route.methods} {route.path}"
    assert {route.path for route in routes()} >= PUBLIC
    assert len(routes()) > 40


def test_every_route_refuses_without_a_key(service: Service):
    for route in routes():
        if route.path in PUBLIC:
            continue
        path = route.path.replace("{", "").replace("}", "").replace("index", "0")
        path = path.replace("/version/", "/1/").replace("versions/version", "versions/1")
        for method in route.methods or ():
            answer = service.client.request(method, path)
            if isinstance(route, PageRoute):
                assert answer.status_code == 303, f"{method} {path}"
                assert answer.headers["location"].startswith("/sign-in?next=%2F")
                continue
            assert answer.status_code == 401, f"{method} {path}: {answer.text}"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["type"] == "unauthenticated"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Basic clr_x",
        "Bearer clr_unknown",
        "Bearer eyJhbGciOi",
        "Bearer clr_" + "x" * 5000,
    ],
)
def test_a_wrong_header_is_401(service: Service, header: str):
    answer = service.client.get("/v1/keys", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


ALLOWED = {
    "submitter": {Permission.SUBMIT, Permission.READ_DECISIONS, Permission.OPEN_REVIEW},
    "viewer": {Permission.READ, Permission.READ_DECISIONS},
}


def test_roles_grant_what_the_table_says_and_unknown_roles_nothing():
    for role, expected in ALLOWED.items():
        assert permissions([role]) == expected
    assert Permission.SIGN_OFF not in permissions(["admin"])
    assert Permission.SIGN_OFF in permissions(["reviewer:security"])
    assert not permissions(["superuser"])
    assert not permissions(["reviewer:"])
    assert Permission.PUBLISH_POLICY not in permissions(["reviewer:security"])


def test_a_role_that_lacks_the_permission_is_403(service: Service):
    submitter = service.key("ci", "submitter")
    viewer = service.key("eve", "viewer", person=True)
    assert service.call("GET", "/v1/keys", submitter).status_code == 403
    assert service.call("GET", "/v1/policies", submitter).status_code == 403
    assert service.submit(viewer).status_code == 403
    answer = service.call("GET", "/v1/keys", viewer)
    assert answer.json()["type"] == "forbidden"
    assert "manage keys" in answer.json()["detail"]


def test_a_key_is_shown_once_and_never_stored(service: Service):
    made = service.call("POST", "/v1/keys", json={"name": "ci", "roles": ["submitter"]})
    assert made.status_code == 201
    secret = made.json()["key"]
    assert secret.startswith("clr_")
    assert len(secret) >= 43 + 4
    listed = service.call("GET", "/v1/keys")
    assert secret not in listed.text
    entries = service.call("GET", "/v1/audit/entries?type=key.created")
    assert secret not in entries.text
    assert entries.json()["items"][-1]["subject"] == made.json()["id"]
    # Only a submitter: the key works, and for nothing else.
    assert service.call("GET", "/v1/decisions", secret).status_code == 200


def test_a_repeated_key_request_does_not_show_the_secret_again(service: Service):
    request = {"name": "ci", "roles": ["submitter"]}
    headers = {"Idempotency-Key": "make-ci"}
    first = service.call("POST", "/v1/keys", json=request, headers=headers)
    second = service.call("POST", "/v1/keys", json=request, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    assert first.json()["key"]
    assert second.json()["key"] is None
    assert len(service.call("GET", "/v1/keys").json()["items"]) == 2


def test_a_revoked_key_ends_at_once_and_leaves_an_entry(service: Service):
    made = service.call("POST", "/v1/keys", json={"name": "ci", "roles": ["viewer"]}).json()
    assert service.call("GET", "/v1/policies", made["key"]).status_code == 200
    ended = service.call("POST", f"/v1/keys/{made['id']}/revoke")
    assert ended.status_code == 200
    assert ended.json()["revoked_at"]
    assert service.call("GET", "/v1/policies", made["key"]).status_code == 401
    again = service.call("POST", f"/v1/keys/{made['id']}/revoke")
    assert (again.status_code, again.json()["type"]) == (409, "already-revoked")
    assert service.call("POST", "/v1/keys/key_none/revoke").status_code == 404
    entries = service.call("GET", "/v1/audit/entries?type=key.revoked").json()["items"]
    assert [entry["subject"] for entry in entries] == [made["id"]]


def test_an_expired_key_is_401(service: Service):
    soon = datetime.now(UTC) + timedelta(hours=1)
    key = service.key("temp", "viewer", expires_at=soon)
    assert service.call("GET", "/v1/policies", key).status_code == 200
    service.clock.ahead = timedelta(hours=2)
    assert service.call("GET", "/v1/policies", key).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x", "roles": ["root"]},
        {"name": "x", "roles": []},
        {"name": "x", "roles": ["reviewer:security"]},
        {"name": "x", "roles": ["admin", "reviewer:security"], "person": True},
        {"name": "x", "roles": ["admin", "break_glass"], "person": True},
        {"name": "x", "roles": ["viewer"], "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "roles": ["viewer"], "expires_at": "2099-01-01"},
        {"name": "x", "roles": ["viewer"], "models": ["[ab]*"]},
        {"name": "x", "roles": ["viewer"], "person": "yes"},
        {"name": "x", "roles": ["viewer"], "surprise": 1},
        {"name": "", "roles": ["viewer"]},
        {"name": "root", "roles": ["viewer"]},
    ],
)
def test_keys_that_make_no_sense_are_refused(standing: Service, wrong: dict[str, Any]):
    answer = standing.call("POST", "/v1/keys", json=wrong)
    assert answer.status_code == 422, answer.text
    assert len(standing.call("GET", "/v1/keys").json()["items"]) == 1


def test_a_key_sees_only_its_models(service: Service):
    service.publish()
    mine = service.key("ci", "submitter", models=("support-bot",))
    other = service.key("other", "submitter", models=("fraud-*",))
    made = service.submit(mine).json()
    assert service.call("GET", f"/v1/decisions/{made['id']}", mine).status_code == 200
    assert service.call("GET", f"/v1/decisions/{made['id']}", other).status_code == 404
    assert service.submit(other).status_code == 403
    assert service.call("GET", "/v1/decisions", other).json()["items"] == []
    assert len(service.call("GET", "/v1/decisions", mine).json()["items"]) == 1
    barrier = service.call("GET", f"/v1/decisions/{made['id']}/barrier", other)
    assert barrier.status_code == 403
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    assert service.call("GET", asked, other).json()["cleared"] is False
    assert service.call("GET", asked, mine).json()["cleared"] is True


def test_model_patterns_are_exact_about_case(service: Service):
    service.publish()
    service.submit(service.key("ci", "submitter"))
    shouting = service.key("loud", "viewer", models=("SUPPORT-BOT",))
    assert service.call("GET", "/v1/decisions", shouting).json()["items"] == []
    assert service.call("GET", "/v1/models", shouting).json()["items"] == []


def test_last_use_is_noted_at_most_once_a_minute(service: Service):
    key = service.key("ci", "viewer")
    for _ in range(3):
        service.call("GET", "/v1/policies", key)
    found = _used(service, "ci")
    assert found is not None
    service.call("GET", "/v1/policies", key)
    assert _used(service, "ci") == found
    service.clock.ahead = timedelta(minutes=2)
    service.call("GET", "/v1/policies", key)
    later = _used(service, "ci", after=found)
    assert later != found


def _used(service: Service, name: str, after: str | None = None) -> str | None:
    """Noting is not waited for, so the note may come a moment after the answer."""
    used = None
    for _ in range(200):
        items = service.call("GET", "/v1/keys").json()["items"]
        used = next(item for item in items if item["name"] == name)["last_used_at"]
        if used is not None and used != after:
            break
    return used


def test_a_submitter_may_open_only_its_own_reviews(service: Service):
    service.publish()
    mine, other = service.key("ci", "submitter"), service.key("cd", "submitter")
    made = service.submit(mine, **ESCALATES).json()
    path = f"/v1/decisions/{made['id']}/review"
    assert service.call("POST", path, other).status_code == 403
    assert service.call("POST", path, mine).status_code == 200
