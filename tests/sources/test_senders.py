"""Signatures of each sender, against published examples, and changed in one place."""

import json

import pytest
from starlette.datastructures import Headers
from webhooks import SECRET, STANDARD_SECRET, signed, standard

from orchestration.sources.webhooks.senders import (
    SENDERS,
    RefusedError,
    Signed,
    delivery_id,
    fault_of_secret,
    kind_of,
    verify,
)

NOW, AT = 1_750_000_000.0, "1750000000"
GITHUB = "It's a Secret to Everybody"  # the secret in the documentation of GitHub, and of Jira
BODY = json.dumps({"webhookTimestamp": NOW * 1000}).encode()


def refusal(sender: str, headers: dict, body: bytes = BODY, secrets: tuple = (SECRET,), now: float = NOW) -> str:
    """Why a delivery is refused; empty where it is not."""
    try:
        verify(sender, Signed(Headers(headers), body, now, 300), list(secrets))
    except RefusedError as refused:
        assert refused.status == 401 and not any(secret in str(refused) for secret in secrets)
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("sender", "headers", "body", "secret", "now"),
    [
        (
            "github",
            {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
            b"Hello, World!",
            GITHUB,
            NOW,
        ),
        (
            "jira",
            {"X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"},
            b"Hello World!",
            GITHUB,
            NOW,
        ),
        (
            "standard",
            {
                "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp": "1614265330",
                "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            },
            b'{"test": 2432232314}',
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            1614265330.0,
        ),
    ],
)
def test_the_published_example_of_a_sender_is_accepted_and_any_other_body_or_secret_refused(
    sender, headers, body, secret, now
):
    assert refusal(sender, headers, body, (secret,), now) == ""
    for other in (
        refusal(sender, headers, body + b" ", (secret,), now),
        refusal(sender, headers, body, ("AAAA", "BBBB")),
    ):
        assert "does not match: the secret differs from the one here, or the body was changed" in other
    assert refusal(sender, headers, body, ("AAAA", secret), now) == ""  # while a secret is replaced


def secret_of(sender: str) -> str:
    return STANDARD_SECRET if sender == "standard" else SECRET


@pytest.mark.parametrize("sender", SENDERS)
def test_each_sender_has_its_signature_and_one_without_or_with_half_of_it_is_refused(sender):
    secret = secret_of(sender)
    headers = standard(secret, BODY, "d1", AT) if sender == "standard" else signed(sender, BODY)
    assert refusal(sender, headers, secrets=(secret,)) == ""
    [name] = [name for name in headers if name.lower().endswith(("signature", "256", "token", "authorization"))]
    for value in ("", headers[name][:-1], headers[name] + "0", "é"):
        assert refusal(sender, headers | {name: value}, secrets=(secret,))
    del headers[name]
    assert f"the header {name} is missing: " in refusal(sender, headers, secrets=(secret,))


def test_gitea_may_sign_as_github_does_and_gitlab_with_a_signing_token():
    hub = {"X-Hub-Signature-256": signed("github", BODY)["X-Hub-Signature-256"]}
    assert refusal("gitea", hub) == ""
    assert "X-Gitea-Signature does not match" in refusal("gitea", hub | {"X-Gitea-Signature": "00"})
    signing = standard(STANDARD_SECRET, BODY, "d1", AT)
    assert refusal("gitlab", signing, secrets=(STANDARD_SECRET,)) == ""
    assert "webhook-id is missing" in refusal("gitlab", {"X-Gitlab-Token": "x"}, secrets=(STANDARD_SECRET,))


def test_one_of_several_signatures_of_standard_webhooks_is_enough():
    headers = standard(STANDARD_SECRET, BODY, "d1", AT)
    several = f"v1a,AAAA v1,AAAA {headers['webhook-signature']}"
    assert refusal("standard", headers | {"webhook-signature": several}, secrets=(STANDARD_SECRET,)) == ""
    other_version = headers["webhook-signature"].replace("v1,", "v2,")
    assert refusal("standard", headers | {"webhook-signature": other_version}, secrets=(STANDARD_SECRET,))


@pytest.mark.parametrize(("apart", "words"), [(300, ""), (-300, ""), (301, "301 seconds"), (-9000, "9,000 seconds")])
def test_a_signed_time_far_from_the_clock_is_refused(apart, words):
    headers = standard(STANDARD_SECRET, BODY, "d1", AT)
    for found in (
        refusal("standard", headers, secrets=(STANDARD_SECRET,), now=NOW + apart),
        refusal("linear", signed("linear", BODY), now=NOW + apart),
    ):
        assert words in found and bool(found) == bool(words)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"1", b"x", b'{"webhookTimestamp": "now"}'])
def test_a_delivery_of_linear_without_its_time_is_refused(body):
    assert refusal("linear", signed("linear", body), body) == "webhookTimestamp is missing in the body."


@pytest.mark.parametrize("at", ["", "soon", "-1", "1e9", "9" * 400])
def test_a_time_of_standard_webhooks_that_is_no_number_is_refused(at):
    headers = standard(STANDARD_SECRET, BODY, "d1", at)
    found = refusal("standard", headers, secrets=(STANDARD_SECRET,))
    assert found == "webhook-timestamp is no number of seconds."


@pytest.mark.parametrize("sender", SENDERS)
def test_a_delivery_has_the_id_and_the_kind_of_its_headers_else_the_hash_of_its_body(sender):
    headers = signed(sender, BODY, secret=secret_of(sender))
    kinds = {"github": "issues", "gitea": "issues", "gitlab": "Issue Hook", "linear": "Issue"}
    assert (delivery_id(sender, headers, BODY), kind_of(sender, headers)) == ("d1", kinds.get(sender))
    assert delivery_id(sender, {}, b"{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("sent", ["../../etc/passwd", "a/b", "..\\x", "x" * 201, "a b", "é", "a\tb"])
def test_an_id_that_looks_like_a_path_or_is_too_long_is_refused(sent):
    with pytest.raises(RefusedError, match="X-GitHub-Delivery is no delivery id: up to 200 printable") as refused:
        delivery_id("github", Headers({"X-GitHub-Delivery": sent}), BODY)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("sender", "secret", "fault"),
    [
        ("github", SECRET, ""),
        ("github", "", "is empty"),
        ("standard", STANDARD_SECRET, ""),
        ("standard", "not base64", "is no secret of Standard Webhooks, which is base64 after whsec_"),
        ("gitlab", "whsec_!", "is no secret of Standard Webhooks, which is base64 after whsec_"),
    ],
)
def test_a_secret_that_can_sign_nothing_is_named(sender, secret, fault):
    assert fault_of_secret(sender, secret) == fault
