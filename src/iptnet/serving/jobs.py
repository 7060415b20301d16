"""The videos and renderings in SQLite: what must survive a restart, and nothing else.

Write-ahead logging, one connection behind one lock: statements here take microseconds. A crash
leaves rows in state ``running``; :meth:`Jobs.recover` queues them again, and gives up on one that
took the server down ``MAX_ATTEMPTS`` times.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from iptnet.errors import IntegrityError, MachineError
from iptnet.serving.records import ACTIVE, Facts, Failure, Kind, Render, State, Task, Video

MAX_ATTEMPTS = 3
SCHEMA = 1
TABLES = """
CREATE TABLE videos (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL, created REAL NOT NULL, used REAL NOT NULL, queued REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, ready INTEGER NOT NULL DEFAULT 0, facts TEXT, error TEXT
) STRICT;
CREATE INDEX videos_of_owner ON videos (owner, created);
CREATE TABLE renders (
  video TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE, kind TEXT NOT NULL,
  ratio REAL NOT NULL, state TEXT NOT NULL, queued REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, error TEXT, warnings TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (video, kind)
) STRICT;
"""
NEXT = """
SELECT id, 'video', 0.0, attempts, queued FROM videos WHERE state = 'queued' UNION ALL
SELECT video, kind, ratio, attempts, queued FROM renders WHERE state = 'queued' ORDER BY 5 LIMIT 1
"""
COLUMNS = "id, owner, name, bytes, state, created, used, ready, facts, error"
_WORN_OUT = Failure(
    f"the server broke down {MAX_ATTEMPTS} times while it worked on this",
    "re-encode the video, or make it smaller",
    "crashed",
)


class Jobs:
    """The table of work.

    Args:
        path: the database; created when missing.

    Raises:
        IntegrityError: not a database of ours, or of another version.
        MachineError: it cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._db.executescript(f"BEGIN;{TABLES}PRAGMA user_version = {SCHEMA};COMMIT;")
        except sqlite3.OperationalError as error:
            raise MachineError(f"cannot use {path}: {error}", "choose another --data") from error
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"{path} is no database: {error}", "move it away, or choose another --data"
            ) from error
        if version not in {0, SCHEMA}:
            raise IntegrityError(
                f"{path} was made by another version of iptnet", "choose another --data"
            )

    def _run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def _changed(self, sql: str, *values: object) -> bool:
        with self._lock:
            return self._db.execute(sql, values).rowcount > 0

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    # Videos

    def add(self, id_: str, owner: str, name: str) -> None:
        """Announce an upload."""
        now = time.time()
        self._run(
            "INSERT INTO videos (id, owner, name, state, created, used, queued)"
            " VALUES (?, ?, ?, 'uploading', ?, ?, ?)",
            id_, owner, name, now, now, now,
        )  # fmt: skip

    def uploaded(self, id_: str, size: int) -> bool:
        """Queue a finished upload; False when it was deleted meanwhile."""
        return self._changed(
            "UPDATE videos SET state = 'queued', bytes = ?, queued = ? WHERE id = ?",
            size, time.time(), id_,
        )  # fmt: skip

    def video(self, id_: str) -> Video | None:
        """A video by its id."""
        rows = self._run(f"SELECT {COLUMNS} FROM videos WHERE id = ?", id_)  # noqa: S608
        return _video(rows[0]) if rows else None

    def videos(self, owner: str) -> list[Video]:
        """The videos of one session, newest first."""
        return [
            _video(row)
            for row in self._run(
                f"SELECT {COLUMNS} FROM videos WHERE owner = ? ORDER BY created DESC",  # noqa: S608
                owner,
            )
        ]

    def ids(self) -> set[str]:
        """All videos of everybody."""
        return {row[0] for row in self._run("SELECT id FROM videos")}

    def unused_since(self, when: float) -> list[str]:
        """Videos at rest that nobody looked at since ``when``."""
        return [
            row[0]
            for row in self._run(
                "SELECT id FROM videos WHERE used < ?"
                " AND state NOT IN ('uploading', 'queued', 'running')",
                when,
            )
        ]

    def use(self, id_: str) -> None:
        """Note that somebody looks at a video."""
        self._run("UPDATE videos SET used = ? WHERE id = ?", time.time(), id_)

    def ready(self, id_: str, facts: Facts) -> None:
        """Note that there is a result."""
        self._run(
            "UPDATE videos SET ready = 1, facts = ? WHERE id = ?", json.dumps(asdict(facts)), id_
        )

    def remove(self, id_: str) -> bool:
        """Forget a video and its renderings; False when there is none."""
        return self._changed("DELETE FROM videos WHERE id = ?", id_)

    # Renderings

    def render(self, id_: str, kind: Kind, ratio: float) -> None:
        """Queue a rendering in place of an earlier one."""
        self._run(
            "INSERT OR REPLACE INTO renders (video, kind, ratio, state, queued)"
            " VALUES (?, ?, ?, 'queued', ?)",
            id_, kind, ratio, time.time(),
        )  # fmt: skip

    def renders(self, id_: str) -> list[Render]:
        """What has been or will be rendered of a video."""
        rows = self._run(
            "SELECT video, kind, ratio, state, error, warnings FROM renders WHERE video = ?", id_
        )
        return [
            Render(video, kind, ratio, state, _failure(error), tuple(json.loads(warnings)))
            for video, kind, ratio, state, error, warnings in rows
        ]

    # Work

    def claim(self) -> Task | None:
        """Take what waits longest."""
        with self._lock:
            rows = self._run(NEXT)
            if not rows:
                return None
            id_, kind, ratio, attempts, _ = rows[0]
            self.settle(id_, kind, "running", attempts=attempts + 1)
            return Task(id_, kind, ratio, attempts + 1)

    def settle(
        self,
        id_: str,
        kind: Kind,
        state: State,
        *,
        attempts: int = 0,
        error: Failure | None = None,
        warnings: Iterable[str] = (),
    ) -> None:
        """Put a task into another state; nothing happens when it was deleted."""
        told = json.dumps(asdict(error)) if error else None
        if kind == "video":
            self._run(
                "UPDATE videos SET state = ?, attempts = ?, error = ? WHERE id = ?",
                state, attempts, told, id_,
            )  # fmt: skip
        else:
            self._run(
                "UPDATE renders SET state = ?, attempts = ?, error = ?, warnings = ?"
                " WHERE video = ? AND kind = ?",
                state, attempts, told, json.dumps(list(warnings)), id_, kind,
            )  # fmt: skip

    def requeue(self, id_: str, kind: Kind, attempts: int = 0) -> None:
        """Have a task done (again) in its turn."""
        self.settle(id_, kind, "queued", attempts=attempts)

    def unqueue(self, id_: str, kind: Kind) -> bool:
        """Cancel what has not begun; False when it has, or is over."""
        if kind == "video":
            return self._changed(
                "UPDATE videos SET state = 'cancelled' WHERE id = ? AND state = 'queued'", id_
            )
        return self._changed(
            "UPDATE renders SET state = 'cancelled' WHERE video = ? AND kind = ?"
            " AND state = 'queued'",
            id_, kind,
        )  # fmt: skip

    def active(self) -> int:
        """How many uploads, videos and renderings wait or run."""
        marks = ", ".join("?" * len(ACTIVE))
        rows = self._run(
            f"SELECT (SELECT count(*) FROM videos WHERE state IN ({marks}))"  # noqa: S608
            f" + (SELECT count(*) FROM renders WHERE state IN ({marks}))",
            *ACTIVE, *ACTIVE,
        )  # fmt: skip
        return int(rows[0][0])

    def ahead(self, id_: str, kind: Kind) -> int:
        """How many tasks come before a queued one, the running one included."""
        when = (
            "(SELECT queued FROM videos WHERE id = ?1)"
            if kind == "video"
            else "(SELECT queued FROM renders WHERE video = ?1 AND kind = ?2)"
        )
        busy = f"(state = 'running' OR (state = 'queued' AND queued < {when}))"
        rows = self._run(
            f"SELECT (SELECT count(*) FROM videos WHERE {busy})"  # noqa: S608
            f" + (SELECT count(*) FROM renders WHERE {busy}), ?2",
            id_, kind,
        )  # fmt: skip
        return int(rows[0][0])

    def recover(self) -> None:
        """After a crash or stop: forget unfinished uploads, queue again what was interrupted."""
        self._run("DELETE FROM videos WHERE state = 'uploading'")
        worn = json.dumps(asdict(_WORN_OUT))
        for table in ("videos", "renders"):
            self._run(
                f"UPDATE {table} SET state = 'failed', error = ?"  # noqa: S608
                " WHERE state = 'running' AND attempts >= ?",
                worn, MAX_ATTEMPTS,
            )  # fmt: skip
            self._run(f"UPDATE {table} SET state = 'queued' WHERE state = 'running'")  # noqa: S608


def _video(row: tuple[Any, ...]) -> Video:
    id_, owner, name, size, state, created, used, ready, facts, error = row
    known = Facts(**json.loads(facts)) if facts else None
    return Video(id_, owner, name, size, state, created, used, bool(ready), known, _failure(error))


def _failure(text: str | None) -> Failure | None:
    return Failure(**cast(dict[str, str], json.loads(text))) if text else None
