"""Addresses: the file name of a page, and whether an address that a source sent is safe to link to.

Belongs here: names of files, the rule for outside addresses. Does not belong here: markup.
"""

import hashlib
import re
import unicodedata
from urllib.parse import urlsplit

OUTSIDE = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]{1,2000}", re.ASCII)


def slug(name: str) -> str:
    """A file name for any domain or data product: its Latin letters and digits, made unique by a hash."""
    plain = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")
    return f"{readable or 'name'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def outside(address: str | None) -> str:
    """The address where it is a plain web address, else an empty string.

    Plain: http or https, characters that RFC 3986 allows, a host, and no user name, which would hide the real host.
    """
    if not address or not OUTSIDE.fullmatch(address):
        return ""
    try:
        parts = urlsplit(address)
        is_plain = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        return ""
    return address if is_plain else ""
