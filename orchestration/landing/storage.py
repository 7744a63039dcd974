"""Objects in S3: the requests that inbox and landing make, and what went wrong, in words.

Belongs here: listing, reading, and writing objects; where nothing may be overwritten, by a conditional write. Does not
belong here: which objects an inbox (inbox_mirror.py) or a landing (landing_mirror.py) has.

Only a home that sets `storage` imports the client. No message holds a credential, a signature or an answer's text.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from orchestration.home import Home, publish, sync
from orchestration.settings import CREDENTIALS, Storage, load_settings

AT_ONCE = 8  # requests in parallel
ATTEMPTS = 3  # of a request; with these limits an endpoint that never answers stops a command within a minute
CONNECT_SECONDS, READ_SECONDS = 5, 15
TEMPORARY = ".s3.tmp"  # how the names of unfinished downloads end
LONGEST_WRITE = 5 << 30  # bytes; S3's limit of one write
NOT_INSTALLED = "storage needs a package that is not installed: pip install 'flywheel-metrics[s3]'."
PERMISSIONS = "docs/operations.md#storage lists the permissions that it needs."

NO_STORE = "What answers at {endpoint} is no store. Correct storage.endpoint in flywheel.yml."

# code of an answer -> what happened and what to do
_REGION = "The bucket is in another region. Set AWS_REGION to the bucket's."
_INVALID = f"The credentials are not valid ({{code}}). {CREDENTIALS}"
_EXPIRED = "The credentials have expired. Log in again, as with `aws sso login`, or set new ones."
_DENIED = f"Access denied to {{operation}}. Allow it to these credentials: {PERMISSIONS}"
_CONDITIONS = (
    "The store does not know conditional writes (If-None-Match), which keep two homes apart. Use one that does."
)
WORDS = {
    "NoSuchBucket": "There is no such bucket. Create it, or correct {setting} in flywheel.yml.",
    "404": "There is no such bucket, or what answers at {endpoint} is no store. Correct {setting} or storage.endpoint.",
    "InvalidBucketName": "This can't be the name of a bucket. Correct {setting} in flywheel.yml.",
    **dict.fromkeys(("AccessDenied", "403", "AllAccessDisabled", "AccountProblem"), _DENIED),
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "401"), _INVALID),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"), _EXPIRED),
    **dict.fromkeys(("PermanentRedirect", "301", "AuthorizationHeaderMalformed"), _REGION),
    **dict.fromkeys(("NotImplemented", "501"), _CONDITIONS),
    "RequestTimeTooSkewed": "The clock of this machine differs from the store's. Set it.",
}
OTHER_CODE = "The store refuses {operation}: {code}. Run again; if it stays, look that code up in the store's manual."
# the beginning of an exception's name -> the same
FAILURES = {
    ("NoCredentials", "PartialCredentials", "NoAuthToken"): f"There are no credentials. {CREDENTIALS}",
    ("CredentialRetrieval", "ProfileNotFound", "Config", "InvalidConfig"): f"Credentials can't be read. {CREDENTIALS}",
    ("SSO", "UnauthorizedSSO", "TokenRetrieval", "Login"): _EXPIRED,
    (
        "ParamValidation",
        "InvalidRegion",
        "NoRegion",
    ): "Its name or AWS_REGION is not valid. Correct {setting} or the region.",
    ("ResponseParser",): NO_STORE,
    ("SSL",): "The certificate of {endpoint} is not trusted. Set AWS_CA_BUNDLE, or correct storage.endpoint.",
}
NO_ANSWER = "{endpoint} does not answer. Check the network and storage.endpoint in flywheel.yml, and run again."

T = TypeVar("T")
R = TypeVar("R")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StorageError(RuntimeError):
    """Object storage can't be used: names the setting and the address, what happened, and what to do."""


class TakenError(StorageError):
    """A conditional write found an object of its name."""


class MissingError(StorageError):
    """There is no object of this name."""


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it."""

    name: str  # its key below the folder
    size: int  # bytes
    modified_ns: int
    etag: str


class Store:
    """The objects below one address."""

    def __init__(self, setting: str, address: str, endpoint: str | None) -> None:
        """`setting` is the name of what people set, for messages; `address` is s3://BUCKET/FOLDER."""
        self.setting, self.address, self.endpoint = setting, address.rstrip("/"), endpoint
        self.bucket, _, folder = self.address.removeprefix("s3://").partition("/")
        self.prefix = f"{folder}/" if folder else ""
        self.identity = f"{self.address} at {endpoint or 'AWS'}"  # the same address may be of another store

    def list(self) -> Iterator[StoredObject]:
        """Every object below the address, in the order of their names; one request for 1,000."""
        more: dict[str, str] = {}
        while True:
            page = self.request("list_objects_v2", Prefix=self.prefix, **more)
            if "IsTruncated" not in page:  # a page of the web that happens to be XML
                raise StorageError(f"{self.setting} {self.address}: {NO_STORE.format(endpoint=self.endpoint)}")
            for entry in page.get("Contents", ()):
                name = entry["Key"].removeprefix(self.prefix)
                yield StoredObject(name, entry["Size"], _nanoseconds(entry), entry["ETag"])
            if not page["IsTruncated"]:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def read(self, name: str) -> bytes:
        """A small object's content; raises MissingError."""
        return b"".join(self._chunks(name))

    def download(self, name: str, path: Path, modified_ns: int | None = None) -> None:
        """Write an object's content into a file, atomically; raises MissingError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]  # a name of 255 bytes has no room for more
        temporary = path.with_name(f".{digest}.{os.getpid()}{TEMPORARY}")
        try:
            with temporary.open("wb") as file:
                file.writelines(self._chunks(name))
            if modified_ns is not None:
                os.utime(temporary, ns=(modified_ns, modified_ns))
            sync(temporary)
            publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def write(self, name: str, path: Path) -> None:
        """Write a file's content, over an object of the name: for names that hold the hash of their content."""
        self._put(name, path, {})

    def create(self, name: str, content: bytes | Path, metadata: dict[str, str] | None = None) -> str:
        """Write an object that is not there yet; returns its ETag, raises TakenError. Of two at once, one does."""
        for _ in range(ATTEMPTS):
            try:
                return self._put(name, content, {"IfNoneMatch": "*", "Metadata": metadata or {}})
            except _ConflictError:  # another write of the same name is at work
                continue
        raise StorageError(f"{self.of(name)}: another process writes it all the time. Run again.")

    def describe(self, name: str) -> tuple[StoredObject, dict[str, str]]:
        """(An object, its metadata); raises MissingError."""
        answer = self.request("head_object", name)
        entry = StoredObject(name, answer["ContentLength"], _nanoseconds(answer), answer["ETag"])
        return entry, answer.get("Metadata", {})

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is no error."""
        self.request("delete_object", name)

    def of(self, name: str) -> str:
        """An object's address, for messages."""
        return f"{self.address}/{name}"

    def request(self, operation: str, name: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer to one request; raises StorageError, TakenError or MissingError."""
        if name is not None:
            parameters["Key"] = self.prefix + name
        try:
            client = _client(self.endpoint, os.getpid())
            return getattr(client, operation)(Bucket=self.bucket, **parameters)
        except Exception as error:
            raise self._error(error, operation, name) from None

    def _put(self, name: str, content: bytes | Path, options: dict[str, Any]) -> str:
        if isinstance(content, bytes):
            return self.request("put_object", name, Body=content, **options)["ETag"]
        if content.stat().st_size > LONGEST_WRITE:
            raise StorageError(
                f"{content} is over 5 GB, more than S3 takes in one write. Split the file that it is from."
            )
        with content.open("rb") as body:
            return self.request("put_object", name, Body=body, **options)["ETag"]

    def _chunks(self, name: str) -> Iterator[bytes]:
        """The content of an object; a connection that breaks while it is read is taken up where it broke."""
        done, etag = 0, ""
        for attempt in range(1, ATTEMPTS + 1):
            # the same object, should it be replaced meanwhile
            more: dict[str, str] = {"Range": f"bytes={done}-", "IfMatch": etag} if done else {}
            answer = self.request("get_object", name, **more)
            etag = answer["ETag"]
            try:
                for chunk in answer["Body"].iter_chunks(1 << 20):
                    done += len(chunk)
                    yield chunk
                return
            except Exception as error:
                if attempt == ATTEMPTS:
                    raise self._error(error, "get_object", name) from None

    def _error(self, error: Exception, operation: str, name: str | None) -> Exception:
        """What an error of the client means; one that is not of the client stays as it is."""
        if type(error).__module__.split(".")[0] not in ("botocore", "urllib3"):
            return error
        where = self.address if name is None else self.of(name)
        code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code", "")
        if code in ("PreconditionFailed", "412"):
            return TakenError(f"{self.setting}: {where} is taken, or has changed.")
        if name is not None and code in ("NoSuchKey", "404", "InvalidRange", "416"):
            return MissingError(f"{self.setting}: {where} is not there.")
        if code in ("ConditionalRequestConflict", "409"):
            return _ConflictError(f"{self.setting}: {where} is being written.")
        words = WORDS.get(code, OTHER_CODE) if code else _failure(type(error).__name__)
        if words not in (_DENIED, OTHER_CODE):  # which are of one object
            where = self.address
        said = words.format(
            code=code, operation=_action(operation), setting=self.setting, endpoint=self.endpoint or "S3"
        )
        return StorageError(f"{self.setting} {where}: {said}")


class _ConflictError(StorageError):
    """Another conditional write of the same name has not ended yet."""


def _nanoseconds(answer: dict[str, Any]) -> int:
    """When an object was written, in whole seconds: some stores state less of them in a listing, others more."""
    return (answer["LastModified"] - EPOCH) // timedelta(seconds=1) * 1_000_000_000


def _failure(name: str) -> str:
    return next((words for starts, words in FAILURES.items() if name.startswith(starts)), NO_ANSWER)


def _action(operation: str) -> str:
    """The permission of IAM that an operation needs."""
    actions = {"list_objects_v2": "ListBucket", "head_object": "GetObject"}
    return "s3:" + actions.get(operation, "".join(word.title() for word in operation.split("_")))


def store_of(home: Home, what: str) -> Store | None:
    """The store of the home's `inbox` or `landing`; None where it is the home's folder.

    Raises SettingsError, and StorageError in a home of sample events: other homes would take them for real ones.
    """
    stat = home.settings.stat() if home.settings.exists() else None
    storage = _storage(home, (stat.st_size, stat.st_mtime_ns, stat.st_ino)) if stat else Storage()
    address = getattr(storage, what)
    if address and home.sample():
        raise StorageError(
            f"{home.root} holds the events of a made-up sample organisation, and its flywheel.yml sets storage.{what}. "
            "Take that line out, or give your own events a home of their own: --home NEW."
        )
    return Store(f"storage.{what}", address, storage.endpoint) if address else None


@cache
def _storage(home: Home, _state: tuple[int, ...]) -> Storage:
    """The section, read once for each state of the file: reading it takes as long as landing a small batch."""
    return load_settings(home).storage


@cache
def _client(endpoint: str | None, _process: int) -> Any:
    """The client of this process, for all threads; raises StorageError where the package is missing."""
    try:
        from botocore.config import Config
        from botocore.session import get_session
    except ImportError:
        raise StorageError(NOT_INSTALLED) from None
    of_endpoint: dict[str, Any] = {}
    if endpoint:  # stores that are not AWS know neither names of buckets as hosts nor all checksums
        checksums = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
        of_endpoint = {"s3": {"addressing_style": "path"}, **checksums}
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=AT_ONCE,
        **of_endpoint,
    )
    return get_session().create_client("s3", endpoint_url=endpoint, config=config)


def at_once(work: Callable[[T], R], items: list[T]) -> list[R]:
    """The result of each, in order; several at a time, because a request mostly waits."""
    if len(items) < 2 or AT_ONCE == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        return list(pool.map(work, items))
