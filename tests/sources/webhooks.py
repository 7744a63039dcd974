"""Sources of kind webhook for the tests: declaring one, and deliveries as senders sign them."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette

from orchestration.home import Home

SECRET = "correct horse"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"battery staple, 24 bytes").decode()
SQL = """
select
    delivery_id as event_id, 'deployed' as event_type, body->>'product' as data_product_id, received_at as occurred_at
from records
"""


def declare(home: Home, name: str = "hooks", sender: str = "github", more: str = "", sql: str = SQL) -> None:
    home.sources.mkdir(exist_ok=True)
    (home.sources / f"{name}.sql").write_text(sql)
    (home.sources / f"{name}.yml").write_text(f"kind: webhook\nsender: {sender}\nsecret: ${{HOOK_SECRET}}\n{more}")


def body_of(product: str = "orders", **more) -> bytes:
    return json.dumps({"product": product, **more}).encode()


def hexadecimal(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard(secret: str, body: bytes, message_id: str, at: str) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def signed(sender: str, body: bytes, delivery_id: str = "d1", secret: str = SECRET) -> dict[str, str]:
    """The headers that a sender adds to a delivery."""
    digest = hexadecimal(secret, body)
    return {
        "github": lambda: {
            "X-GitHub-Delivery": delivery_id,
            "X-GitHub-Event": "issues",
            "X-Hub-Signature-256": f"sha256={digest}",
        },
        "gitea": lambda: {
            "X-Gitea-Delivery": delivery_id,
            "X-Gitea-Event": "issues",
            "X-Gitea-Signature": digest,
        },
        "gitlab": lambda: {
            "Idempotency-Key": delivery_id,
            "X-Gitlab-Event": "Issue Hook",
            "X-Gitlab-Token": secret,
        },
        "jira": lambda: {"X-Atlassian-Webhook-Identifier": delivery_id, "X-Hub-Signature": f"sha256={digest}"},
        "linear": lambda: {"Linear-Delivery": delivery_id, "Linear-Event": "Issue", "Linear-Signature": digest},
        "standard": lambda: standard(secret, body, delivery_id, f"{time.time():.0f}"),
        "bearer": lambda: {"Authorization": f"Bearer {secret}", "Idempotency-Key": delivery_id},
    }[sender]()


def request(app: Starlette, path: str, content: bytes | list[bytes], headers: dict, method: str = "POST"):
    """An application's answer to a body, or to one in parts, whose length is not announced."""

    async def parts() -> AsyncIterator[bytes]:
        for part in content:
            await asyncio.sleep(0)  # as if it had not arrived yet
            yield part

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            body = content if isinstance(content, bytes) else parts()
            return await client.request(method, path, content=body, headers=headers)

    return asyncio.run(send())
