"""The headers of Standard Webhooks, against a vector that others computed too."""

import base64
from datetime import UTC, datetime

import pytest

from app.notices.signing import PREFIX, headers, new_secret, signature

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = b'{"email":"test@example.com","username":"test_user"}'
ID, AT = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553
EXPECTED = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="


def test_the_signature_is_the_one_of_the_specification():
    assert signature(SECRET, ID, AT, BODY) == EXPECTED


def test_the_headers_are_exact_and_two_keys_sign_side_by_side():
    made = headers(ID, datetime.fromtimestamp(AT, UTC), BODY, [SECRET, new_secret()])
    assert {k: v for k, v in made.items() if k != "webhook-signature"} == {
        "content-type": "application/json",
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
    }
    first, second = made["webhook-signature"].split(" ")
    assert (first, second[:3]) == (EXPECTED, "v1,")
    assert first != second


@pytest.mark.parametrize(
    "changed",
    [{"message_id": ID + "x"}, {"timestamp": AT + 1}, {"body": BODY + b" "}],
)
def test_anything_else_has_another_signature(changed):
    given = {"message_id": ID, "timestamp": AT, "body": BODY, **changed}
    assert signature(SECRET, **given) != EXPECTED


def test_secrets_are_long_and_new_each_time():
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(len(base64.b64decode(s.removeprefix(PREFIX))) == 32 for s in made)
