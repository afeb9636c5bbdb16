"""Attestations over HTTP: DSSE, in-toto JSON lines, Sigstore bundles, and what they verify under.

The keys and the trusted root need no account: whoever holds an old attestation can check it.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.attestations.bundle import bundle, trusted_root
from app.attestations.dsse import BUNDLE_TYPE
from app.attestations.reading import (
    Signed,
    attestation_keys,
    chosen,
    of_decision,
    trusted_logs,
)
from app.auth.demands import MayReadDecisions
from app.auth.keys import Principal
from app.errors import Problem
from app.evaluations.reading import found
from app.evaluations.standing import status_at
from app.ledger.reading import inclusion
from app.openapi import problems, public_problems
from app.replies import as_json, json_bytes
from app.runtime import Runtime, runtime_of

router = APIRouter(prefix="/v1/decisions", tags=["attestations"])
public = APIRouter(prefix="/v1/attestations", tags=["attestations"])

LINES_TYPE: Final = "application/x-ndjson"
DecisionId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
Predicate = Annotated[
    Literal["decision", "vsa", "svr"] | None,
    Query(
        description="`vsa`: SLSA Verification Summary (passed or failed); `svr`: Simple "
        "Verification Result (passed); `decision`: our own, with findings and approvals. Left out: "
        "`vsa` where there is one."
    ),
]


class SignatureOut(BaseModel):
    """A signature over DSSE's pre-authentication encoding."""

    keyid: str = Field(description="SHA-256 of the public key (SubjectPublicKeyInfo), hex")
    sig: str = Field(description="ECDSA P-256, DER, base64")


class EnvelopeOut(BaseModel):
    """A DSSE envelope around an in-toto statement."""

    payload: str
    payloadType: str  # noqa: N815 - DSSE's name
    signatures: list[SignatureOut]


class BundleOut(BaseModel):
    """A Sigstore bundle."""

    mediaType: str  # noqa: N815 - Sigstore's name
    verificationMaterial: dict[str, Any]  # noqa: N815 - Sigstore's name
    dsseEnvelope: EnvelopeOut  # noqa: N815 - Sigstore's name


class AttestationKeyOut(BaseModel):
    """A public key that attestations verify under."""

    keyid: str
    algorithm: str
    public_key: str = Field(description="PEM")
    valid_from: str
    valid_until: str | None


class AttestationKeysOut(BaseModel):
    """Every attestation key, the current one first."""

    items: list[AttestationKeyOut]


class TrustedRootOut(BaseModel):
    """Sigstore's trusted root with our log in it."""

    mediaType: str  # noqa: N815 - Sigstore's name
    tlogs: list[dict[str, Any]]
    certificateAuthorities: list[dict[str, Any]]  # noqa: N815 - Sigstore's name
    ctlogs: list[dict[str, Any]]
    timestampAuthorities: list[dict[str, Any]]  # noqa: N815 - Sigstore's name


_LINES: Final[dict[str, Any]] = {LINES_TYPE: {"schema": {"type": "string"}}}
_BUNDLE: Final[dict[str, Any]] = {
    BUNDLE_TYPE: {"schema": {"$ref": "#/components/schemas/BundleOut"}}
}


@router.get(
    "/{decision_id}/attestation",
    summary="What the settled decision attests",
    description="A DSSE envelope; all statements as in-toto JSON lines, or a Sigstore bundle, by "
    "`Accept`. There is none before an escalation is settled: 409.",
    responses={
        200: {"model": EnvelopeOut, "content": {**_LINES, **_BUNDLE}},
        **problems(404, 406, 409),
    },
)
def get_attestation(
    request: Request, who: MayReadDecisions, decision_id: DecisionId, predicate: Predicate = None
) -> Response:
    """A signed statement about the candidate."""
    form = _wanted(request.headers.get("accept", "*/*"))
    runtime = runtime_of(request)
    if form == LINES_TYPE:
        answer = _lines(_statements(runtime, decision_id, who))
    elif form == BUNDLE_TYPE:
        answer = _bundle(runtime, decision_id, who, predicate)
    else:
        statement = chosen(_statements(runtime, decision_id, who), predicate)
        answer = as_json(statement.envelope.as_json())
    answer.headers["Vary"] = "Accept"
    return answer


@router.get(
    "/{decision_id}/attestation.intoto.jsonl",
    summary="All statements as in-toto JSON lines",
    responses={200: {"content": _LINES}, **problems(404, 409)},
)
def get_lines(request: Request, who: MayReadDecisions, decision_id: DecisionId) -> Response:
    """One DSSE envelope a line."""
    return _lines(_statements(runtime_of(request), decision_id, who))


@router.get(
    "/{decision_id}/attestation.sigstore.json",
    summary="A statement as a Sigstore bundle",
    response_model=BundleOut,
    responses={200: {"content": _BUNDLE}, **problems(404, 409)},
)
def get_bundle(
    request: Request, who: MayReadDecisions, decision_id: DecisionId, predicate: Predicate = None
) -> Response:
    """The envelope with the proof that it is in the log, to be checked offline."""
    return _bundle(runtime_of(request), decision_id, who, predicate)


@public.get(
    "/keys",
    summary="Public keys of attestations",
    responses={200: {"model": AttestationKeysOut}, **public_problems()},
)
def get_keys(request: Request) -> Response:
    """Those that sign and signed, with the times between which they did."""
    with runtime_of(request).engine.connect() as connection:
        return as_json({"items": attestation_keys(connection)})


@public.get(
    "/trusted_root.json",
    summary="The log as a Sigstore trusted root",
    responses={200: {"model": TrustedRootOut}, **public_problems()},
)
def get_trusted_root(request: Request) -> Response:
    """For Sigstore clients; keep a copy, and do not fetch it anew for each check."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        return as_json(trusted_root(trusted_logs(connection, runtime.ledger.origin)))


def _statements(runtime: Runtime, decision_id: str, who: Principal) -> list[Signed]:
    with runtime.engine.connect() as connection:
        row = found(connection, decision_id, who)
        return list(of_decision(connection, row, status_at(row, runtime.clock())))


def _lines(signed: list[Signed]) -> Response:
    lines = [json_bytes(item.envelope.as_json()) + b"\n" for item in signed]
    return Response(b"".join(lines), media_type=LINES_TYPE)


def _bundle(runtime: Runtime, decision_id: str, who: Principal, predicate: str | None) -> Response:
    statement = chosen(_statements(runtime, decision_id, who), predicate)
    key = runtime.ledger.verifier_key
    with runtime.engine.connect() as connection:
        place = inclusion(connection, statement.index, [key])
    made = bundle(statement.envelope, statement.leaf, place, key)
    return Response(json_bytes(made), media_type=BUNDLE_TYPE)


def _wanted(accept: str) -> str:
    """The offered form that stands first in the Accept header."""
    for part in accept.lower().split(","):
        kind = part.partition(";")[0].strip()
        if kind in (LINES_TYPE, BUNDLE_TYPE):
            return kind
        if kind == "application/vnd.in-toto+jsonl":
            return LINES_TYPE
        if kind in ("*/*", "application/*", "application/json", ""):
            return "application/json"
    detail = f"Offered are application/json, {LINES_TYPE} and {BUNDLE_TYPE}."
    raise Problem("not-acceptable", detail)
