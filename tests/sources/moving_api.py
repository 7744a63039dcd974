"""An API whose records change while they are read, for the tests of the kind http."""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

BASE = "https://api.example.test/v1"
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
REQUESTS = {
    "issues": {
        "path": "/issues",
        "parameters": {"since": "{cursor}", "limit": 4},
        "cursor": "$.updated_at",
        "start": "1970-01-01T00:00:00Z",
    },
    "events": {"path": "/events", "newest_first": True},
    "releases": {"path": "/releases"},
    "tasks": {
        "path": "/tasks",
        "parameters": {"after": "{cursor_ms}"},
        "records": "$.values",
        "cursor": "$.fields.updated",
        "start": "1970-01-01T00:00:00Z",
        "next": "$.token",
        "next_parameter": "token",
    },
    "history": {"path": "/tasks/{id}/history", "for_each": "tasks", "records": "$.values", "next": "$.following"},
}


class Killed(BaseException):
    """The process ends here."""


def text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass
class MovingApi:
    """Lists of `size` records a page; `act(chance)` may change, fail or kill at each request."""

    seed: int = 0
    size: int = 4
    moves: float = 0.0  # how often something changes before an answer
    faults: float = 0.0  # how often an answer is a fault
    kills: float = 0.0  # how often the process is killed, before or after an answer
    now: datetime = STARTED
    number: int = 0
    asked: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self):
        self.chance = random.Random(self.seed)
        self.issues, self.events, self.releases, self.tasks, self.history = {}, [], [], {}, {}

    def change(self, count: int = 1) -> None:
        """Make, edit or delete records."""
        for _ in range(count):
            self.now += timedelta(seconds=self.chance.choice([0, 0, 0, 1, 1, 60, 3600]))
            self.number += 1
            made = {"id": self.number, "updated_at": text(self.now), "title": f"t{self.number}"}
            what = self.chance.choice(["issue", "issue", "edit", "edit", "delete", "event", "release", "task", "task"])
            known = self.issues if self.chance.random() < 0.5 else self.tasks
            if what == "issue":
                self.issues[self.number] = made
            elif what == "event":
                self.events.insert(0, made)
            elif what == "release":
                self.releases.insert(0, made)
                del self.releases[self.chance.choice([5, 9]) :]
            elif what == "task":
                self.tasks[self.number], self.history[self.number] = made, [made]
            elif what == "edit" and known:
                old = known[self.chance.choice(list(known))]
                known[old["id"]] = made | {"id": old["id"]}
                if known is self.tasks:
                    self.history[old["id"]].append(made)
            elif what == "delete" and known and self.chance.random() < 0.4:
                known.pop(self.chance.choice(list(known)))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One request, as a transport of httpx sends it."""
        self.asked.append(str(request.url).removeprefix(BASE))
        if self.chance.random() < self.moves:
            self.change()
        if self.chance.random() < self.kills:
            raise Killed
        if self.chance.random() < self.faults:
            return self._fault()
        path, asked = request.url.path.removeprefix("/v1"), request.url.params
        if path == "/issues":
            rows = self._sorted(self.issues)
            return self._linked(request, [row for row in rows if row["updated_at"] >= asked["since"]])
        if path in ("/events", "/releases"):
            return self._linked(request, list(self.events if path == "/events" else self.releases))
        if path == "/tasks":
            return self._tasks(asked)
        return self._history(int(path.split("/")[2]), int(asked.get("from", 0)))

    def _sorted(self, rows: dict[int, dict]) -> list[dict]:
        return sorted(rows.values(), key=lambda row: (row["updated_at"], row["id"]))

    def _linked(self, request: httpx.Request, rows: list[dict]) -> httpx.Response:
        page = int(request.url.params.get("page", 1))
        headers = {}
        if len(rows) > page * self.size:
            following = request.url.copy_merge_params({"page": page + 1})
            headers["link"] = f'<{request.url.copy_merge_params({"page": 1})}>; rel="first", <{following}>; rel="next"'
        return httpx.Response(200, json=rows[(page - 1) * self.size : page * self.size], headers=headers)

    def _tasks(self, asked: httpx.QueryParams) -> httpx.Response:
        minute = int(asked["after"]) // 60_000 * 60_000  # to the minute, as Jira reads it
        rows = [
            r for r in self._sorted(self.tasks) if datetime.fromisoformat(r["updated_at"]).timestamp() * 1e3 >= minute
        ]
        first = int(asked.get("token", 0))
        values = [{"id": str(r["id"]), "fields": {"updated": r["updated_at"], "title": r["title"]}} for r in rows]
        token = {"token": first + self.size} if len(rows) > first + self.size else {}
        return httpx.Response(200, json={"values": values[first : first + self.size], **token})

    def _history(self, task: int, first: int) -> httpx.Response:
        if task not in self.tasks:
            return httpx.Response(404, json={"message": "Not Found"})
        rows, end = self.history[task], first + self.size
        following = {"following": f"/v1/tasks/{task}/history?from={end}"} if len(rows) > end else {}
        return httpx.Response(200, json={"values": rows[first:end], **following})

    def _fault(self) -> httpx.Response:
        status, headers = self.chance.choice(
            [
                *((500, {}), (502, {}), (503, {"retry-after": "1"}), (429, {"retry-after": "2"})),
                (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(self.clock()) + 3)}),
            ]
        )
        return httpx.Response(status, text="<html>busy</html>", headers=headers)

    def clock(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def holds(self) -> dict[str, set[str]]:
        """{request: the records, as JSON} that there are now."""
        tasks = [
            {"id": str(r["id"]), "fields": {"updated": r["updated_at"], "title": r["title"]}}
            for r in self.tasks.values()
        ]
        rows = {
            "issues": list(self.issues.values()),
            "events": self.events,
            "releases": self.releases,
            "tasks": tasks,
            "history": [row for task in self.tasks for row in self.history[task]],
        }
        return {name: {json.dumps(row, sort_keys=True) for row in found} for name, found in rows.items() if found}
