"""The home's copies of an inbox and a landing in S3: when they are brought up to date, and by whom.

Belongs here: syncing both, one process of a home at a time. Does not belong here: what an inbox (inbox_mirror.py) or a
landing (landing_mirror.py) has in a bucket.
"""

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing import inbox_mirror, landing_mirror, locks
from orchestration.landing.batch import prepare_landing
from orchestration.landing.storage import store_of


def sync(home: Home, may_wait: bool = True) -> list[str]:
    """Bring what others landed or put into the inbox, and send what was placed in the home.

    Returns the objects of the inbox that are left out, with the reason. Where inbox and landing are folders of the
    home, there is nothing to do. Without `may_wait` nothing is done either while another process of the home syncs.
    Raises StorageError and SettingsError.
    """
    inbox, landing = store_of(home, "inbox"), store_of(home, "landing")
    if landing is None:
        landing_mirror.forget(home)
    if inbox is None:
        inbox_mirror.forget(home)
    if landing is None and inbox is None:
        return []
    with locks.syncing(home, may_wait) as is_alone:
        if not is_alone:
            return []
        if landing:
            landing_mirror.sync(home, landing)  # first: receipts say which objects of the inbox have landed
            prepare_landing(home, load_layer("landing"))
        return inbox_mirror.sync(home, inbox) if inbox else []


def bring_again(home: Home, names: list[str]) -> None:
    """Bring objects of an inbox in S3 that were read already; raises StorageError."""
    if names and (inbox := store_of(home, "inbox")):
        with locks.syncing(home, is_waiting=True):
            inbox_mirror.bring(home, inbox, names)


def address(home: Home, what: str) -> str | None:
    """The address of the `inbox` or `landing`, where it is in S3; raises StorageError."""
    store = store_of(home, what)
    return store.address if store else None
