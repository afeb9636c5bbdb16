"""Who is who in the demo: a small real identity provider, and a browser for the person who judges.

The pipeline proves itself by its CI system's own token and Ada by signing in, so that nobody in
the story holds a secret of ours.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from app.cli.demo.issuer import Client, Issuer, Person, listening
from app.cli.demo.walk import StepFailed

AUDIENCE: Final = "https://clearance.demo"
REPOSITORY: Final = "192056896"
ADA: Final = "00u-ada"
_SECRET: Final = "a-demo-s-client-secret"
_FILE: Final = """\
# Who comes in without a secret of ours (docs/identity.md): a repository's pipeline, and people.
audience: {audience}
issuers:
  - name: ci
    kind: github
    issuer: {url}
    rules:
      - name: digit-reader
        claims: {{repository_id: {repository}, ref: refs/heads/main}}
        models: ["digit-*"]
people:
  issuer: {url}
  client_id: clearance
  client_secret_file: {secret}
  groups:
    - {{group: forms-team-leads, roles: ["reviewer:product_owner"], models: ["digit-*"]}}
"""


@contextmanager
def provider(folder: Path, service: str) -> Iterator[Issuer]:
    """The provider while the block runs; the service's identity file is written into the folder."""
    client = Client("clearance", _SECRET, f"{service}/login/callback")
    with listening(Issuer((Person(ADA, "Ada Lovelace", ("forms-team-leads",)),), client)) as issuer:
        secret = folder / "client-secret"
        secret.write_text(_SECRET, encoding="utf-8")
        text = _FILE.format(audience=AUDIENCE, url=issuer.url, repository=REPOSITORY, secret=secret)
        identity_file(folder).write_text(text, encoding="utf-8")
        yield issuer


def identity_file(folder: Path) -> Path:
    """Where `provider` writes the file that the service reads."""
    return folder / "identity.yaml"


def pipeline_token(issuer: Issuer) -> str:
    """What the CI system hands to a job of the repository's main branch."""
    return issuer.token(
        AUDIENCE,
        lasts=900,
        sub="repo:acme/digit-reader:ref:refs/heads/main",
        repository_id=REPOSITORY,
        repository_owner_id="9919",
        repository="acme/digit-reader",
        ref="refs/heads/main",
        event_name="push",
    )


class Browser:
    """Signs in and sends forms as a browser does: cookies, redirects, hidden fields."""

    def __init__(self, service: str) -> None:
        self._client = httpx.Client(base_url=service, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def sign_in(self, subject: str) -> None:
        """The round trip to the provider, where the person chooses themselves."""
        began = self._client.get("/login", params={"next": "/"})
        page = urlsplit(_expected(began, 303).headers["location"])
        chosen = httpx.post(
            f"{page.scheme}://{page.netloc}/authorize",
            data={"query": page.query, "person": subject},
            timeout=30,
        )
        back = urlsplit(_expected(chosen, 303).headers["location"])
        _expected(self._client.get(f"{back.path}?{back.query}"), 303)

    def open(self, path: str, *, says: str) -> str:
        """A page, which has to say something."""
        text = _expected(self._client.get(path), 200).text
        if says not in text:
            raise StepFailed(f"the page {path} does not say {says!r}")
        return text

    def press(self, page: str, path: str, **fields: str) -> str:
        """Send a page's form with its hidden fields; gives the page that follows."""
        hidden = dict(_HIDDEN.findall(page))
        sent: dict[str, Any] = {name: unescape(value) for name, value in hidden.items()}
        answer = _expected(self._client.post(path, data={**sent, **fields}), 303)
        return _expected(self._client.get(answer.headers["location"]), 200).text


_HIDDEN: Final = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">')


def _expected(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise StepFailed(f"{answer.request.url} answered {answer.status_code}: {answer.text[:500]}")
    return answer
