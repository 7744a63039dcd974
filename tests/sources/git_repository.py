"""A git repository that a test makes, for the tests of the git reader and of `flywheel try`."""

import os
import subprocess
from pathlib import Path

BODY = "select 1 as order_id, 2 as customer_id, 3 as amount, 4 as placed_at, 5 as country\n" * 5


class Repository:
    """A git repository with one commit a day, from 1 January 2025 on."""

    def __init__(self, folder: Path):
        self.folder, self.day = folder, 0
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        at = f"2025-01-{self.day:02}T12:00:00+02:00"
        own = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": os.devnull}
        who = {f"GIT_{w}_{k}": "a@b.c" for w in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=os.environ | own | who, capture_output=True, text=True, check=True).stdout

    def commit(self, **files: str | None) -> str:
        """Commit models by their path below models/, with __ for a slash; None deletes one. Returns the commit's id."""
        return self.commit_files({f"models/{name.replace('__', '/')}.sql": text for name, text in files.items()})

    def commit_files(self, files: dict[str, str | None]) -> str:
        """Commit files by their path; None deletes one. Returns the commit's id."""
        self.day += 1
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content) if content is not None else path.unlink()
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"day {self.day}")
        return self.git("rev-parse", "HEAD").strip()

    def move(self, old: str, new: str) -> None:
        (self.folder / "models" / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", f"models/{old}", f"models/{new}")
