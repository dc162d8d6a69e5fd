"""Running a hook of the repository's own."""

import os
import subprocess
from collections.abc import Mapping

from guard.git import Repo


def run_hook(repo: Repo, name: str, *arguments: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[bytes]":
    """Run the repository's own hook as git does: at the top, in the caller's environment and `env`.

    Returns the finished process, with all that was said as its output; 0 where there is no such hook.
    """
    base = ["git", "-C", str(repo.directory)]
    words = [*base, "hook", "run", "--ignore-missing", name, "--", *arguments]
    done = _run(repo, words, env, None)
    if done.returncode == 0 or b"'hook' is not a git command" not in done.stdout:
        return done
    asked = [*base, "rev-parse", "--show-toplevel", "--git-path", f"hooks/{name}"]  # before git 2.36
    said = subprocess.run(asked, capture_output=True, env=repo.environment(), check=False).stdout.decode(
        errors="surrogateescape"
    )
    top, path = said.removesuffix("\n").rsplit("\n", 1)
    path = os.path.join(os.path.abspath(repo.directory), path)  # noqa: PTH100, PTH118 - nothing is to be resolved
    if not os.access(path, os.X_OK):
        return subprocess.CompletedProcess([path], 0, b"", b"")
    return _run(repo, [path, *arguments], {**env, "GIT_DIR": str(repo.git_dir)}, top)


def _run(
    repo: Repo, words: list[str], env: Mapping[str, str], where: str | None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**repo.given(), "GIT_PREFIX": "", **env},
        cwd=where,
        check=False,
    )
