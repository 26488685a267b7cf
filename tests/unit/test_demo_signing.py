import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from local.demo.client import signed_headers

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = '{"subject":"Größe 👍"}'.encode()


@given(key=st.binary(min_size=24, max_size=64), body=st.text(max_size=50))
def test_the_reference_library_accepts_what_the_demo_signs(key: bytes, body: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    document = f'["{base64.b64encode(body.encode()).decode()}"]'.encode()

    headers = signed_headers(secret, "msg_email-01", document, at=int(time.time()))

    assert Webhook(secret).verify(document, headers) == [base64.b64encode(body.encode()).decode()]


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_the_reference_library_refuses_a_changed_header(changed: str) -> None:
    headers = signed_headers(SECRET, "msg_email-01", BODY, at=int(time.time()))
    headers[changed] = {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}.get(changed, "v1,bXNn")

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, headers)


def test_a_signature_is_the_one_of_the_same_moment() -> None:
    moment = int(time.time())

    assert signed_headers(SECRET, "a", BODY, at=moment) == signed_headers(SECRET, "a", BODY, at=moment)
    assert signed_headers(SECRET, "a", BODY, at=moment) != signed_headers(SECRET, "a", BODY, at=moment + 1)
