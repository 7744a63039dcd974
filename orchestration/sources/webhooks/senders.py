"""What sends webhooks: where each sender puts its signature, its delivery id and the kind of the event.

Belongs here: headers and signatures, compared in constant time over the bytes that came. Does not belong here: HTTP
(receiver.py), files (deliveries.py).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

ID = re.compile(r"[!-.0-\[\]-~]{1,200}")  # printable ASCII; a slash is in none, and would look like a path
PREFIX = "whsec_"  # of a secret of Standard Webhooks, which is base64


class RefusedError(Exception):
    """A delivery that is not kept: the HTTP status, and words for the sender, which hold no secret."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True)
class Signed:
    """A delivery to check: its headers, by names in any case, its bytes, and the receiver's clock."""

    headers: Mapping[str, str]
    body: bytes
    now: float  # seconds since 1970
    tolerance: int  # seconds


Check = Callable[[Signed, str], str]  # why a delivery is not signed with this secret; empty where it is


@dataclass(frozen=True)
class Sender:
    """The headers that may hold the delivery id, the first that is there counts; that of the kind; the check."""

    check: Check
    ids: tuple[str, ...]
    kind: str = ""  # the others name it in the body


def verify(sender: str, signed: Signed, secrets: list[str]) -> None:
    """Raise RefusedError (401) for a delivery that none of the secrets signed."""
    reasons = [SENDERS[sender].check(signed, secret) for secret in secrets]
    if "" not in reasons:
        raise RefusedError(401, reasons[0])


def fault_of_secret(sender: str, secret: str) -> str:
    """Why a secret can't be used; empty where it can."""
    if not secret:
        return "is empty"
    if sender == "standard" or secret.startswith(PREFIX):
        try:
            _key(secret)
        except binascii.Error:
            return "is no secret of Standard Webhooks, which is base64 after whsec_"
    return ""


def delivery_id(sender: str, headers: Mapping[str, str], body: bytes) -> str:
    """The sender's id of a delivery, else a hash of its body; raises RefusedError (400) for one that can't be an id."""
    name = next((name for name in SENDERS[sender].ids if headers.get(name)), "")
    if name and not ID.fullmatch(headers[name]):
        raise RefusedError(400, f"{name} is no delivery id: up to 200 printable characters of ASCII, without / and \\.")
    return headers[name] if name else hashlib.sha256(body).hexdigest()


def kind_of(sender: str, headers: Mapping[str, str]) -> str | None:
    """The kind of the event, as the sender's header names it."""
    return headers.get(SENDERS[sender].kind) if SENDERS[sender].kind else None


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("latin-1", "replace"), other.encode())


def _missing(header: str) -> str:
    return f"the header {header} is missing: set the source's secret where the webhook is set up."


def _differs(header: str) -> str:
    return f"{header} does not match: the secret differs from the one here, or the body was changed on its way."


def _hexadecimal(**prefixes: str) -> Check:
    """HMAC-SHA256 of the body in hexadecimal, after a prefix, in the first of these headers that is there."""
    forms = {name.replace("_", "-"): prefix for name, prefix in prefixes.items()}

    def check(signed: Signed, secret: str) -> str:
        header = next((name for name in forms if name in signed.headers), "")
        if not header:
            return _missing(next(iter(forms)))
        digest = hmac.new(secret.encode(), signed.body, hashlib.sha256).hexdigest()
        return "" if _is_same(signed.headers[header], forms[header] + digest) else _differs(header)

    return check


def _linear(signed: Signed, secret: str) -> str:
    """The body's HMAC, and `webhookTimestamp` in it, in milliseconds."""
    if reason := _hexadecimal(Linear_Signature="")(signed, secret):
        return reason
    try:
        sent_at = orjson.loads(signed.body)["webhookTimestamp"] / 1000
    except (ValueError, KeyError, TypeError):
        return "webhookTimestamp is missing in the body."
    return _late(signed, sent_at, "webhookTimestamp")


def _standard(signed: Signed, secret: str) -> str:
    """Standard Webhooks: one of several signatures, v1, of id, time and body."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    for name in names:
        if name not in signed.headers:
            return _missing(name)
    message_id, sent_at, signatures = (signed.headers[name] for name in names)
    content = f"{message_id}.{sent_at}.".encode("latin-1") + signed.body
    digest = base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode()
    if not any(_is_same(given, f"v1,{digest}") for given in signatures.split()):
        return _differs("webhook-signature")
    if not re.fullmatch(r"[0-9]{1,12}", sent_at):
        return "webhook-timestamp is no number of seconds."
    return _late(signed, int(sent_at), "webhook-timestamp")


def _gitlab(signed: Signed, secret: str) -> str:
    """The secret token itself; or, where the secret is a signing token, Standard Webhooks."""
    if secret.startswith(PREFIX):
        return _standard(signed, secret)
    if "X-Gitlab-Token" not in signed.headers:
        return _missing("X-Gitlab-Token")
    return "" if _is_same(signed.headers["X-Gitlab-Token"], secret) else _differs("X-Gitlab-Token")


def _bearer(signed: Signed, secret: str) -> str:
    scheme, _, token = signed.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return "the header Authorization is missing: send `Authorization: Bearer` and the source's secret."
    return "" if _is_same(token.strip(), secret) else _differs("Authorization")


def _late(signed: Signed, sent_at: float, name: str) -> str:
    """Why a signed time can't be right: an old one may be a delivery that somebody else sends again."""
    apart = abs(signed.now - sent_at)
    if apart <= signed.tolerance:
        return ""
    return f"{name} is {apart:,.0f} seconds from the time here; {signed.tolerance:,} are allowed: set the clock right."


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


_HUB = {"X_Hub_Signature_256": "sha256="}
SENDERS = {
    "github": Sender(_hexadecimal(**_HUB), ("X-GitHub-Delivery",), "X-GitHub-Event"),
    "gitea": Sender(_hexadecimal(X_Gitea_Signature="", **_HUB), ("X-Gitea-Delivery",), "X-Gitea-Event"),
    # not X-Gitlab-Event-UUID: webhooks that one webhook sets off share it
    "gitlab": Sender(_gitlab, ("Idempotency-Key", "webhook-id"), "X-Gitlab-Event"),
    "jira": Sender(_hexadecimal(X_Hub_Signature="sha256="), ("X-Atlassian-Webhook-Identifier",)),
    "linear": Sender(_linear, ("Linear-Delivery",), "Linear-Event"),
    "standard": Sender(_standard, ("webhook-id",)),
    "bearer": Sender(_bearer, ("Idempotency-Key",), "ce-type"),
}
