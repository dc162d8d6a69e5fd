"""`fault WHAT COMMAND...`: run a command in a clone of a fleet while something is wrong, and put that right again.

kill-before:WORD:N, kill-after:WORD:N   SIGKILL before or after its N-th git that has WORD among its words (or `any`)
half:WORD:N                             that git is ended half way, and its locks stay; a person removes them
lost-answer:push:N                      that push goes through, and its answer is lost
refused:N                               the hub refuses the next N pushes
closed                                  it refuses all pushes to the state branch, and takes refs
gone, hanging                           the hub is not there; or it never answers, and somebody ends the command
full:BYTES                              no file can grow beyond so many bytes
readonly                                nothing in .git can be written
clock:SECONDS                           the clock is wrong by so much
damaged:index, damaged:object, damaged:ref   a file of .git is cut, zeroed or emptied
damaged:hub, damaged:notes              so is an object of the hub; so are all files that guard has in .git
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLEET = Path(os.environ["FLEET"])
CLONE = Path.cwd()
GIT = CLONE / ".git"


def scratch(name: str) -> Path:
    """A new file of one's own."""
    handle, path = tempfile.mkstemp(prefix=f"{name}-", dir=FLEET)
    os.close(handle)
    return Path(path)


def run(words: list[str], **env: str) -> int:
    """Run the command; its exit status, as a shell would say it."""
    code = subprocess.run(words, env={**os.environ, **env}, check=False).returncode
    return code if code >= 0 else 128 - code


def by_git(what: str, words: list[str]) -> int:
    """With another git in front of the real one."""
    calls = scratch("calls")
    wrapped = {"PATH": f"{FLEET / 'faulty'}:{os.environ['PATH']}", "FAULT": what, "FAULT_CALLS": str(calls)}
    try:
        return run(words, REAL_GIT=str(shutil.which("git")), **wrapped)
    finally:
        calls.unlink()
        for lock in GIT.rglob("*.lock") if what.startswith("half") else ():
            if lock.parent.name != "guard":
                lock.unlink()


def refused(times: str, words: list[str]) -> int:
    """With a hub that says no."""
    left = scratch("refusals")
    left.write_text("x\n" * int(times))
    # each refusal takes a line away
    return _refusing(f'[ -s "{left}" ] || exit 0\nsed -i 1d "{left}"\necho "not now" >&2\nexit 1\n', words)


def closed(_: str, words: list[str]) -> int:
    """With a hub whose branch is closed."""
    return _refusing('while read -r _ _ ref; do\n[ "$ref" != refs/heads/main ] || exit 1\ndone\n', words)


def _refusing(script: str, words: list[str]) -> int:
    hook = FLEET / "hub.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}")
    hook.chmod(0o755)
    try:
        return run(words)
    finally:
        hook.unlink()


def gone(_: str, words: list[str]) -> int:
    """Without the hub."""
    hub, away = FLEET / "hub.git", FLEET / "away.git"
    hub.rename(away)
    try:
        return run(words)
    finally:
        away.rename(hub)


def hanging(_: str, words: list[str]) -> int:
    """With a hub that hangs; once it does, the command is ended."""
    hung, count = scratch("hung"), int(os.environ["GIT_CONFIG_COUNT"])
    env = {**os.environ, "GIT_CONFIG_COUNT": str(count + 2)}
    for number, key in enumerate(("remote.origin.uploadpack", "remote.origin.receivepack"), start=count):
        env[f"GIT_CONFIG_KEY_{number}"] = key
        env[f"GIT_CONFIG_VALUE_{number}"] = f'echo $$ >>"{hung}"; exec sleep 600 #'
    with subprocess.Popen(words, env=env) as process:
        while process.poll() is None and not hung.read_text():
            time.sleep(0.01)
        process.terminate()
    for pid in hung.read_text().split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue
    hung.unlink()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def full(most: str, words: list[str]) -> int:
    """With a disk that takes no more; Python ignores the signal, and git is made to."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return by_git("full:any:0", words)


POWERLESS = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
"""What takes from root the power to write where nobody may."""


def readonly(_: str, words: list[str]) -> int:
    """With a git directory that cannot be written."""
    subprocess.run(["chmod", "-R", "a-w", GIT], check=True)
    try:
        return run([*(POWERLESS if os.geteuid() == 0 else ()), *words])
    finally:
        subprocess.run(["chmod", "-R", "u+w", GIT], check=True)


def clock(seconds: str, words: list[str]) -> int:
    """By another clock."""
    return run(words, FAULT_CLOCK=str(int(seconds)))


def damaged(what: str, words: list[str]) -> int:
    """With files broken; each is put back unless somebody has repaired it."""
    files = {
        "index": [GIT / "index"],
        "ref": [GIT / "refs/remotes/origin/main"],
        "object": [_object(GIT, "refs/remotes/origin/main^{tree}")],
        "hub": [_object(FLEET / "hub.git", "refs/heads/main^{tree}")],
        "notes": [path for path in (GIT / "guard").rglob("*") if path.is_file()],
    }[what]
    before = {path: path.read_bytes() for path in files if path.exists()}
    for path, data in before.items():
        _put(
            path,
            {"ref": b"", "index": data[: len(data) // 2], "notes": data[: len(data) // 2]}.get(what, bytes(len(data))),
        )
    broken = {path: path.read_bytes() for path in before}
    try:
        return run(words)
    finally:
        for path, data in before.items():
            if path.exists() and path.read_bytes() == broken[path]:
                _put(path, data)


def _object(where: Path, name: str) -> Path:
    """The file of an object."""
    asked = ["git", "--git-dir", where, "rev-parse", name]
    oid = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return where / "objects" / oid[:2] / oid[2:]


def _put(path: Path, data: bytes | None) -> None:
    """Replace a file, which another repository may have a hard link to."""
    path.unlink(missing_ok=True)
    if data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


FAULTS = {
    "refused": refused,
    "closed": closed,
    "gone": gone,
    "hanging": hanging,
    "full": full,
    "readonly": readonly,
    "clock": clock,
    "damaged": damaged,
}

if __name__ == "__main__":
    said, *command = sys.argv[1:]
    kind, _, rest = said.partition(":")
    sys.exit(FAULTS[kind](rest, command) if kind in FAULTS else by_git(said, command))
