"""A running service that trusts a real issuer: tokens of a CI system and the login of people."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.cli.demo.issuer import Client, Issuer, Person, listening
from app.main import create_app
from app.settings import Settings
from tests.app.http.service import PLAIN, Clock, Service, serving

AUDIENCE = "https://clearance.example.com"
REPOSITORY = "192056896"
PEOPLE = (
    Person("00u-ada", "ada", ("security",), {"email": "ada@example.com"}),
    Person("00u-ben", "ben", ("fraud-security", "chat-viewers")),
    Person("00u-cat", "cat", ("security",), {"github_id": 583231}),
    Person("00u-dan", "dan", ("security",)),
    Person("00u-eve", "eve", ("strangers",)),
    Person("00u-rob", "rob", ("platform", "security")),
)
FILE = """
audience: {audience}
issuers:
  - name: ci
    kind: github
    issuer: {url}
    rules:
      - name: support-bot
        claims: {{repository_id: {repository}, ref: [refs/heads/main, "refs/heads/release/*"]}}
        models: ["support-*"]
      - name: policies
        claims: {{repository_id: 777, environment: production}}
        roles: [policy_editor]
        models: ["*"]
people:
  issuer: {url}
  client_id: clearance
  client_secret_file: {secret}
  groups:
    - {{group: security, roles: ["reviewer:security"], models: ["support-*"]}}
    - {{group: fraud-security, roles: ["reviewer:security"], models: ["fraud-*"]}}
    - {{group: chat-viewers, roles: [viewer], models: ["*"]}}
    - {{group: platform, roles: [admin]}}
  accounts: {{ci: github_id}}
  links:
    - {{subject: 00u-dan, accounts: {{ci: 583232}}}}
    - {{subject: 00u-rob, person: root}}
"""


@dataclass
class Guarded:
    """The service, its issuer, and a browser at it."""

    service: Service
    issuer: Issuer
    url: str
    open: ExitStack

    def token(self, **claims: Any) -> str:
        """A token as the CI system of the support bot gets it; arguments change its claims."""
        given = {
            "sub": "repo:acme/bot:ref:refs/heads/main",
            "repository_id": REPOSITORY,
            "repository_owner_id": "9919",
            "repository": "acme/bot",
            "ref": "refs/heads/main",
            "event_name": "push",
            **claims,
        }
        return self.issuer.token(given.pop("aud", AUDIENCE), **given)

    def browser(self) -> httpx.Client:
        """A client with a cookie jar that follows nothing by itself."""
        return self.open.enter_context(httpx.Client(base_url=self.url, timeout=60, verify=PLAIN))

    def begin(self, browser: httpx.Client, wanted: str = "/v1/me") -> httpx.Response:
        """Ask to sign in: the answer leads to the issuer."""
        return browser.get("/login", params={"next": wanted})

    def chosen(self, began: httpx.Response, subject: str) -> str:
        """The person chooses themselves at the issuer; gives where the browser is sent back to."""
        query = urlsplit(began.headers["location"]).query
        form = {"query": query, "person": subject}
        answer = httpx.post(f"{self.issuer.url}/authorize", data=form, verify=PLAIN)
        assert answer.status_code == 303, answer.text
        back = urlsplit(answer.headers["location"])
        return f"{back.path}?{back.query}"

    def sign_in(
        self, browser: httpx.Client, subject: str, wanted: str = "/v1/me"
    ) -> httpx.Response:
        """The whole round trip; gives the answer to the callback."""
        began = self.begin(browser, wanted)
        assert began.status_code == 303, began.text
        return browser.get(self.chosen(began, subject))

    def signed_in(self, subject: str) -> httpx.Client:
        """A browser in which a person is signed in, and that sends the CSRF token."""
        browser = self.browser()
        answer = self.sign_in(browser, subject)
        assert answer.status_code == 303, answer.text
        browser.headers["X-CSRF-Token"] = browser.get("/v1/me").json()["csrf_token"]
        return browser


@contextmanager
def guarded(
    settings: Settings,
    folder: Path,
    text: str = FILE,
    *,
    people: tuple[Person, ...] = PEOPLE,
    port: int = 0,
    **changes: Any,
) -> Iterator[Guarded]:
    """The service and the issuer, each behind its own port."""
    secret = folder / "client-secret"
    secret.write_text("s3cret\n")
    file = folder / "identity.yaml"
    with listening(Issuer(people)) as issuer:
        file.write_text(
            text.format(audience=AUDIENCE, url=issuer.url, repository=REPOSITORY, secret=secret)
        )
        made = replace(
            settings,
            identity_file=file,
            **{"public_url": "http://localhost:1", "failure_limit": None, **changes},
        )
        clock = Clock()
        app = create_app(made, clock=clock)
        with (
            serving(app, port) as url,
            httpx.Client(base_url=url, timeout=60, verify=PLAIN) as client,
            ExitStack() as open_browsers,
        ):
            public = made.public_url or ""
            issuer.client = Client("clearance", "s3cret", f"{public}/login/callback")
            yield Guarded(Service(app, client, clock), issuer, url, open_browsers)
