"""A laboratory: a bare hub, clones, lone repositories and the real `guard`, cut off from the machine around it."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from walks import warm

ROOT = Path(__file__).resolve().parents[2]
INBOX = "state/stream_deltas"
GUARD = (sys.executable, "-c", "from guard.cli import main; main()")

AGENTS = {
    "agents": {
        "ada": {"comment_count": 0, "heartbeat_last": "2025-12-01T00:00:00Z", "post_count": 0},
        "bob": {"bio": "caf\u00e9 \u2014 and more", "comment_count": 0, "heartbeat_last": None, "post_count": 0},
        "cyd": {"comment_count": 0, "heartbeat_last": "2025-12-01T00:00:00Z", "post_count": 0},
    },
    "_meta": {"count": 3, "last_updated": "2025-12-01T00:00:00Z"},
}
CHANNELS = {"channels": {"general": {"slug": "general", "post_count": 0}}, "_meta": {"count": 1, "last_updated": None}}
STATS = {
    "total_agents": 3,
    "total_channels": 1,
    "total_posts": 0,
    "total_comments": 0,
    "total_reactions": 0,
    "last_updated": "2025-12-01T00:00:00Z",
}
STATE = {
    "state/agents.json": json.dumps(AGENTS, indent=2, ensure_ascii=False) + "\n",
    "state/channels.json": json.dumps(CHANNELS, indent=2) + "\n",
    "state/stats.json": json.dumps(STATS, indent=2),
    "state/frame_counter.json": '{\n  "frame": 0\n}\n',
    "state/notes.json": '{"kept": [1, 2.50, 1e-07]}\n',
}

_RACERS = ThreadPoolExecutor(64)


@dataclass
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @classmethod
    def of(cls, done: "subprocess.CompletedProcess[bytes]") -> "Said":
        """What a command that is over left behind."""
        return cls(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    @property
    def json(self) -> Any:
        """Its standard output as the one JSON object that it has to be."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        """Both streams."""
        return self.out + self.err


def delta(frame: int, stream: str, **keys: Any) -> bytes:
    """A delta's bytes: valid, small, and different for every frame, stream and content."""
    seconds = int(hashlib.sha256(stream.encode()).hexdigest(), 16) % 3600
    time = f"2026-01-{frame % 28 + 1:02d}T10:{seconds // 60:02d}:{seconds % 60:02d}Z"
    value = {"frame": frame, "stream_id": stream, "completed_at": time, **keys}
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def post(number: int, author: str = "ada", channel: str = "general") -> dict[str, Any]:
    """A post."""
    return {"number": number, "author": author, "channel": channel, "title": f"post {number}"}


def comment(name: str, author: str = "bob") -> dict[str, Any]:
    """A comment with a node id."""
    return {"id": name, "author": author, "discussion": 1}


def digest(data: bytes) -> str:
    """The identity of a delta."""
    return hashlib.sha256(data).hexdigest()


class Lab:
    """Repositories below one folder, with an environment of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hub = root / "hub.git"
        self.clock = itertools.count(1767600000)
        home = root / "home"
        home.mkdir()
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "GUARD_"))}
        self.env = {
            **clean,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Lab",
            "GIT_AUTHOR_EMAIL": "lab@example.invalid",
            "GIT_COMMITTER_NAME": "Lab",
            "GIT_COMMITTER_EMAIL": "lab@example.invalid",
            "GIT_CONFIG_COUNT": "4",
            "GIT_CONFIG_KEY_0": "init.defaultBranch",
            "GIT_CONFIG_VALUE_0": "main",
            "GIT_CONFIG_KEY_1": "protocol.file.allow",
            "GIT_CONFIG_VALUE_1": "always",
            "GIT_CONFIG_KEY_2": "gc.auto",
            "GIT_CONFIG_VALUE_2": "0",
            "GIT_CONFIG_KEY_3": "core.fsync",
            "GIT_CONFIG_VALUE_3": "none",  # no test cuts the power, and on a disk each commit takes half as long so
            "NO_COLOR": "1",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }
        self.plain = dict(self.env)
        self.program = GUARD

    # --- running -----------------------------------------------------------------------------------------------

    def run(self, where: Path, *words: str, input: bytes | None = None, env: Mapping[str, str] | None = None) -> Said:
        """Run any command."""
        done = subprocess.run(
            words,
            cwd=where,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            env={**self.env, **(env or {})},
            check=False,
            timeout=180,
        )
        return Said.of(done)

    def git(
        self,
        where: Path,
        *words: str,
        input: bytes | None = None,
        code: int | None = 0,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run git, a second later than the last time; its output without the last newline."""
        now = f"{next(self.clock)} +0000"
        dates = {"GIT_AUTHOR_DATE": now, "GIT_COMMITTER_DATE": now, **(env or {})}
        done = self.run(where, "git", *words, input=input, env=dates)
        assert code is None or done.code == code, (words, done)
        return done.out.rstrip("\n")

    def guard(self, where: Path, *words: str, code: int | None = 0, env: Mapping[str, str] | None = None) -> Said:
        """Run guard; whatever happens, nobody is shown a traceback."""
        done = None
        if self.program == GUARD:
            done = warm.run(words, where, {**self.env, **(env or {})}, self.plain, timeout=180)
        said = Said.of(done) if done else self.run(where, *self.program, *words, env=env)
        assert "Traceback" not in said.all, said.all[-400:]
        assert code is None or said.code == code, (words, said.code, said.out, said.err)
        return said

    def aside(self, where: Path, *words: str, env: Mapping[str, str] | None = None) -> "Future[Said]":
        """Run guard beside what the test does meanwhile, where its process is no matter of the test."""
        return _RACERS.submit(self.guard, where, *words, code=None, env=env)

    def together(self, calls: Iterable[tuple[Path, Sequence[str], Mapping[str, str]]]) -> list[Said]:
        """Run guard in many places, or many times in one, at the same moment: where, what, and who says it."""
        return [each.result() for each in [self.aside(where, *words, env=env) for where, words, env in calls]]

    def start(self, where: Path, *words: str, env: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen:
        """Start guard and go on; `finish` ends it."""
        return subprocess.Popen(
            [*GUARD, *words],
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.env, **(env or {})},
            **more,
        )

    @staticmethod
    def finish(process: subprocess.Popen) -> Said:
        """Wait for what was started."""
        out, err = process.communicate(timeout=180)
        said = Said(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
        assert "Traceback" not in said.all, said.all[-400:]
        return said

    # --- repositories ------------------------------------------------------------------------------------------

    def lone(
        self, name: str = "lone", *, adopt: bool = True, files: Mapping[str, str] = STATE, kind: str = "sha1"
    ) -> Path:
        """A repository without remote that holds state, with main checked out."""
        here = self.root / name
        here.mkdir()
        self.git(here, "init", "-q", f"--object-format={kind}")
        self.write(here, {"README.md": "a fleet\n", f"{INBOX}/.gitkeep": "", **files})
        self.git(here, "add", "--all")
        self.git(here, "commit", "-q", "-m", "state as it was")
        if adopt:
            self.adopt(here)
        return here

    def adopt(self, here: Path, more: str = "") -> None:
        """Commit a guard.toml that protects state from HEAD on."""
        base = self.rev(here)
        self.write(here, {"guard.toml": f'[merge]\nbaseline = "{base}"\n{more}'})
        self.git(here, "add", "guard.toml")
        self.git(here, "commit", "-q", "-m", "[S0] guard: adopt")

    def fleet(self, *names: str, adopt: bool = True, files: Mapping[str, str] = STATE) -> list[Path]:
        """The hub, with state on it, and clones of it."""
        seed = self.lone("seed", adopt=adopt, files=files)
        self.git(self.root, "init", "-q", "--bare", str(self.hub))
        self.git(seed, "push", "-q", str(self.hub), "HEAD:refs/heads/main")
        return [self.clone(name) for name in names]

    def clone(self, name: str, *options: str) -> Path:
        """A clone of the hub."""
        here = self.root / name
        self.git(self.root, "clone", "-q", *options, f"file://{self.hub}" if options else str(self.hub), str(here))
        return here

    def write(self, here: Path, files: Mapping[str, str | bytes]) -> list[str]:
        """Write files; returns their paths."""
        for path, data in files.items():
            (here / path).parent.mkdir(parents=True, exist_ok=True)
            (here / path).write_bytes(data if isinstance(data, bytes) else data.encode())
        return list(files)

    def commit(self, here: Path, files: Mapping[str, str | bytes | None], message: str = "[S1] lab: work") -> str:
        """Write (None: remove) and commit exactly these files; returns the commit."""
        for path, data in files.items():
            if data is None:
                (here / path).unlink()
            else:
                self.write(here, {path: data})
        self.git(here, "add", "-f", "--", *files)
        self.git(here, "commit", "-q", "-m", message, "--", *files)
        return self.rev(here)

    def commit_push(self, here: Path, files: Mapping[str, str | bytes | None], message: str = "[S1] lab: work") -> str:
        """Commit on top of the hub's newest and push it."""
        self.git(here, "pull", "-q", "--ff-only", "origin", "main")
        commit = self.commit(here, files, message)
        self.git(here, "push", "-q", "origin", "HEAD:main")
        return commit

    def deliver(self, where: Path, data: bytes, ref: str | None = None, *, path: str | None = None) -> str:
        """Deliver a delta by ref, as plumbing makes it: a commit with the delta in its tree."""
        value = json.loads(data)
        ref = ref or f"refs/guard/deltas/{value['frame']}/{value['stream_id']}/{digest(data)[:16]}"
        blob = self.git(where, "hash-object", "-w", "--stdin", input=data)
        name = path or f"frame-{value['frame']}-{value['stream_id']}.json"
        tree = self.git(where, "mktree", "-z", input=f"100644 blob {blob}\t{name}\0".encode())
        commit = self.git(where, "commit-tree", "-m", "delta", tree)
        self.put_ref(where, ref, commit)
        return ref

    def put_ref(self, where: Path, ref: str, oid: str) -> None:
        """Put a ref on the hub of a repository."""
        if self.git(where, "remote"):
            self.git(where, "push", "-q", "origin", f"{oid}:{ref}")
        else:
            self.git(where, "update-ref", ref, oid)

    # --- looking -----------------------------------------------------------------------------------------------

    def rev(self, where: Path, name: str = "HEAD") -> str:
        """The commit of a name."""
        return self.git(where, "rev-parse", "--verify", "-q", f"{name}^{{commit}}")

    def refs(self, where: Path, *prefix: str) -> dict[str, str]:
        """Refs with what they point at."""
        lines = self.git(where, "for-each-ref", "--format=%(refname) %(objectname)", *prefix).splitlines()
        return dict(line.split(" ") for line in lines)

    def show(self, where: Path, path: str, rev: str = "main") -> bytes:
        """A file of a commit."""
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{rev}:{path}"], cwd=where, capture_output=True, env=self.env, check=False
        )
        assert done.returncode == 0, (path, done.stderr)
        return done.stdout

    def load(self, where: Path, path: str, rev: str = "main") -> Any:
        """A JSON file of a commit."""
        return json.loads(self.show(where, path, rev))

    def paths(self, where: Path, rev: str = "main") -> dict[str, str]:
        """Every path of a commit, with mode and object."""
        lines = self.git(where, "ls-tree", "-r", "-z", "--full-tree", rev).split("\0")
        return {line.split("\t", 1)[1]: line.split("\t", 1)[0] for line in lines if line}

    def canonical(self, where: Path, rev: str = "main") -> dict[str, str]:
        """What of a commit only a merge may write."""
        return {
            path: said
            for path, said in self.paths(where, rev).items()
            if path.startswith("state/") and not path.startswith((f"{INBOX}/", "state/stream_assignments.json"))
        }

    def inbox(self, where: Path, rev: str = "main") -> set[str]:
        """The names in the inbox."""
        return {path[len(INBOX) + 1 :] for path in self.paths(where, rev) if path.startswith(f"{INBOX}/")}

    def merged(self, where: Path, rev: str = "main") -> set[str]:
        """The digests that the pages of a commit record as merged."""
        found: set[str] = set()
        for path in self.paths(where, rev):
            if path.startswith("state/frames/") and "/rejected/" not in path:
                for stream in self.load(where, path, rev)["streams"].values():
                    found |= set(stream["deltas"]) - set(stream.get("rejected", {}))
        return found

    def stats(self, where: Path, rev: str = "main") -> tuple[int, int, int]:
        """Posts, comments and reactions counted."""
        stats = self.load(where, "state/stats.json", rev)
        return stats["total_posts"], stats["total_comments"], stats["total_reactions"]

    def merges(self, where: Path, rev: str = "main") -> list[str]:
        """The commits of a history that say they are merges, newest first."""
        return self.git(where, "log", "--format=%H", "--grep=^Guard-Merge:", rev).split()

    def page(self, where: Path, frame: int, rev: str = "main") -> Any:
        """The page of a frame."""
        return self.load(where, f"state/frames/{frame // 1000:03d}/frame-{frame}.json", rev)

    def picture(self, here: Path) -> tuple[Any, ...]:
        """Everything a command could spoil in a clone: refs, HEAD, index, work tree."""
        files = {
            str(path.relative_to(here)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
            for path in sorted(here.rglob("*"))
            if ".git" not in path.relative_to(here).parts and (path.is_file() or path.is_symlink())
        }
        return (
            self.git(here, "symbolic-ref", "-q", "HEAD", code=None),
            self.refs(here, "refs/heads", "refs/tags", "refs/stash"),
            self.git(here, "ls-files", "--stage"),
            files,
        )


def name_of(frame: int, stream: str, data: bytes | None = None) -> str:
    """The path of a delta in the inbox; with its data, that of a further run."""
    return f"{INBOX}/frame-{frame}-{stream}{'--' + digest(data)[:16] if data else ''}.json"


def inbox_file(frame: int, stream: str, **keys: Any) -> dict[str, bytes]:
    """One delta as a file of the inbox."""
    return {name_of(frame, stream): delta(frame, stream, **keys)}
