"""`guard server install`: what is pushed is judged where it arrives, by file, git and HTTP."""

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from walks.hooked import EDITED, STATE_FILE
from walks.lab import INBOX, Lab, Said, delta, digest, inbox_file, name_of, post


def guarded(lab: Lab, *names: str, **more: Any) -> list[Path]:
    """A hub with the server's hook, and clones of it."""
    clones = lab.fleet(*names, **more)
    lab.guard(lab.root, "server", "install", str(lab.hub))
    return clones


def push(lab: Lab, here: Path, *words: str) -> Said:
    """Push, whatever comes of it."""
    return lab.run(here, "git", "push", "origin", *words)


def refused(lab: Lab, here: Path, *words: str, code: str = "") -> Said:
    """A push that the server refuses, by a rule with its reason and remedy, and of which it keeps nothing."""
    before = lab.refs(lab.hub)
    said = push(lab, here, *words)
    assert said.code != 0, said
    assert "hook declined" in said.err, said
    assert "Traceback" not in said.err
    assert code in said.err, said.err
    assert "why: " in said.err, said.err
    assert "fix: " in said.err, said.err
    assert lab.refs(lab.hub) == before
    return said


def accepted(lab: Lab, here: Path, *words: str) -> Said:
    """A push that the server takes."""
    said = push(lab, here, *words)
    assert said.code == 0, said
    return said


# --- the three ways in -----------------------------------------------------------------------------------------


@contextmanager
def by_git(lab: Lab) -> Iterator[str]:
    """The hub by git://, from a real daemon on the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ("git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all")
    daemon = subprocess.Popen(
        [*words, "--enable=receive-pack", f"--base-path={lab.root}", str(lab.root)],
        env=lab.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"git://127.0.0.1:{port}/{lab.hub.name}"
        for _ in range(200):
            if lab.run(lab.root, "git", "ls-remote", url).code == 0:
                break
        yield url
    finally:
        os.killpg(daemon.pid, 15)
        daemon.wait()


@contextmanager
def by_http(lab: Lab) -> Iterator[str]:
    """The hub by HTTP, from git's own http-backend behind a small server on the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            length = self.headers.get("Content-Length")
            env = {
                **lab.env,
                "GIT_PROJECT_ROOT": str(lab.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_USER": "somebody",
                "REMOTE_ADDR": "127.0.0.1",
                **({"CONTENT_LENGTH": length} if length else {}),
            }
            body = self.rfile.read(int(length)) if length else self.chunks()
            env.setdefault("CONTENT_LENGTH", str(len(body)))
            done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
            head, _, rest = done.stdout.partition(b"\r\n\r\n")
            lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            self.send_response(int(lines.pop("Status", "200").split()[0]))
            for key, value in lines.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(rest)

        do_GET = do_POST = answer  # noqa: N815 - the names that the library looks for

        def chunks(self) -> bytes:
            body = b""
            while self.headers.get("Transfer-Encoding") and (size := int(self.rfile.readline(), 16)):
                body += self.rfile.read(size)
                self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/{lab.hub.name}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def by_file(lab: Lab) -> Iterator[str]:
    """The hub by file://."""
    yield f"file://{lab.hub}"


@pytest.mark.parametrize("way", [by_file, by_git, by_http], ids=["file", "git", "http"])
def test_the_server_judges_whichever_way_it_comes(lab: Lab, way: Any) -> None:
    """Good work, claims and merges pass; a hand edit of canonical state is refused with code, reason and remedy."""
    [here] = guarded(lab, "here")
    with way(lab) as url:
        lab.git(here, "remote", "set-url", "origin", url)
        lab.commit(here, {"docs/x.md": "x\n", **inbox_file(1, "s1", posts_created=[post(1)])})
        accepted(lab, here, "main")
        lab.guard(here, "merge")
        lab.git(here, "pull", "-q", "origin", "main")
        assert lab.page(here, 1)["posts_created"]
        lab.commit(here, {STATE_FILE: EDITED})
        said = refused(lab, here, "main", code="G101")
        assert f"remote: {lab.rev(here)[:12]} {STATE_FILE}:1: G101 canonical-write" in said.err


def test_a_session_works_against_a_guarded_server(lab: Lab) -> None:
    """start, claim, commit, delta by ref, merge, lesson, handoff: nothing of guard's own work is refused."""
    [here] = guarded(lab, "here")
    lab.guard(here, "install")
    session = lab.guard(here, "start", "--json").json["session"]
    lab.guard(here, "claim", "docs", "--scope", "docs/")
    lab.write(here, {"docs/x.md": "x\n"})
    lab.guard(here, "commit", "-m", "docs: a page", "docs/x.md")
    lab.git(here, "pull", "-q", "--rebase", "origin", "main")
    accepted(lab, here, "HEAD:main")
    for number in (1, 2, 3):
        lab.deliver(here, delta(1, f"s{number}", posts_created=[post(number)]))
    lab.guard(here, "merge")
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    assert len(lab.page(lab.hub, 1)["posts_created"]) == 3
    lab.guard(here, "lesson", "what was learned")
    lab.guard(here, "release", "docs")
    lab.guard(here, "handoff", "-m", "a page of docs")
    assert session in lab.show(lab.hub, "memory/INDEX.md").decode()
    lab.guard(lab.hub, "verify", "--full")


# --- the state branch ------------------------------------------------------------------------------------------


def test_the_state_branch_goes_forward_only(lab: Lab) -> None:
    """It is neither deleted nor taken back, by force, lease or deletion; other branches do as they like."""
    [here] = guarded(lab, "here")
    lab.commit_push(here, {"docs/x.md": "x\n"})
    refused(lab, here, ":main", code="may not be deleted")
    refused(lab, here, "+HEAD~1:main", code="would lose commits")
    refused(lab, here, "--force-with-lease", "HEAD~1:main", code="would lose commits")
    refused(lab, here, "HEAD:refs/heads/Main", code="in other letters")
    accepted(lab, here, "HEAD:side")
    accepted(lab, here, "+HEAD~1:side", "HEAD:refs/tags/v1")
    accepted(lab, here, ":side", ":refs/tags/v1")


def test_a_symbolic_branch_leads_to_the_state_branch(lab: Lab) -> None:
    """A push to a name that stands for the state branch, or that it stands for, is a push to it."""
    [here] = guarded(lab, "here")
    lab.git(lab.hub, "symbolic-ref", "refs/heads/trunk", "refs/heads/main")
    lab.commit(here, {STATE_FILE: EDITED})
    refused(lab, here, "HEAD:trunk", code="G101")
    lab.git(lab.hub, "branch", "real", "main")
    lab.git(lab.hub, "symbolic-ref", "refs/heads/main", "refs/heads/real")
    refused(lab, here, "HEAD:real", code="G101")
    refused(lab, here, "HEAD:main", code="G101")


def test_what_came_by_a_side_branch_is_judged_when_the_state_branch_takes_it(lab: Lab) -> None:
    """A side branch may hold anything; moving the state branch there, or merging it, is refused."""
    [here] = guarded(lab, "here")
    edit = lab.commit(here, {STATE_FILE: EDITED})
    lab.commit(here, {"docs/x.md": "x\n"})
    accepted(lab, here, "HEAD:side")
    said = refused(lab, here, "HEAD:main", code="G101")
    assert edit[:12] in said.err
    lab.git(here, "reset", "-q", "--hard", "origin/main")
    lab.commit(here, {"docs/y.md": "y\n"})
    lab.git(here, "fetch", "-q")
    lab.git(here, "merge", "-q", "--no-edit", "origin/side")
    accepted(lab, here, "HEAD:side-2")
    assert edit[:12] in refused(lab, here, "HEAD:main", code="G101").err


def test_an_edit_that_a_later_commit_takes_back_is_refused(lab: Lab) -> None:
    """Every commit is judged, not only where they end."""
    [here] = guarded(lab, "here")
    lab.commit(here, {STATE_FILE: EDITED})
    lab.git(here, "revert", "--no-edit", "HEAD")
    refused(lab, here, "main", code="G101")


def test_a_forged_merge_is_refused_and_a_real_one_passes(lab: Lab) -> None:
    """A trailer is a claim: with other bytes, or with none at all, it is refused; what can be made again is taken."""
    [here] = guarded(lab, "here")
    lab.commit_push(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge", "--no-push")
    made = lab.rev(here, "refs/guard/merged/candidate")
    message = lab.git(here, "log", "-1", "--format=%B", made)
    lab.git(here, "reset", "-q", "--hard", made)
    lab.write(here, {STATE_FILE: (here / STATE_FILE).read_text().replace("ada", "eve")})
    lab.git(here, "commit", "-q", "-a", "--amend", "-m", message)
    refused(lab, here, "HEAD:main", code="G101")
    lab.git(here, "reset", "-q", "--hard", "origin/main")
    lab.commit(here, {"docs/x.md": "x\n"}, message)
    assert "claims to be a merge" in refused(lab, here, "HEAD:main", code="G101").err
    accepted(lab, here, f"{made}:main")


def test_a_real_merge_covers_no_deletions_of_somebody_s_own(lab: Lab) -> None:
    """Thirty files that go in the commit of a merge, whose bytes are the merge's, are a mass deletion all the same."""
    [here] = guarded(lab, "here")
    many = {f"many/{number}": f"{number}\n" for number in range(30)}
    lab.commit_push(here, {**many, **inbox_file(1, "s1", posts_created=[post(1)])})
    lab.guard(here, "merge", "--no-push")
    lab.git(here, "reset", "-q", "--hard", "refs/guard/merged/candidate")
    lab.git(here, "rm", "-q", "-r", "many")
    lab.git(here, "commit", "-q", "--amend", "--no-edit")
    refused(lab, here, "main", code="G202")


def test_a_loosened_policy_counts_from_the_next_push_on(lab: Lab) -> None:
    """What the branch's own guard.toml refuses is not let in by one that comes with it, in a commit before it."""
    [here] = guarded(lab, "here")
    text = (here / "guard.toml").read_text()
    loosened = lab.commit(here, {"guard.toml": f"{text}\n[messages]\nprefix = false\n"}, "[S1] guard: no prefix")
    lab.commit(here, {"docs/x.md": "x\n"}, "no prefix")
    refused(lab, here, "HEAD:main", code="G401")
    accepted(lab, here, f"{loosened}:main")
    accepted(lab, here, "HEAD:main")
    text = (here / "guard.toml").read_text()
    freed = lab.commit(here, {"guard.toml": f'{text}\n[canonical]\nexcept = ["state/notes.json"]\n'}, "guard: free")
    lab.commit(here, {"state/notes.json": '{"kept": [1, 2.50, 1e-07], "more": 1}\n'})
    refused(lab, here, "HEAD:main", code="G101")
    accepted(lab, here, f"{freed}:main")
    accepted(lab, here, "HEAD:main")


def test_a_tightened_policy_counts_at_once(lab: Lab) -> None:
    """What a policy that comes with the push refuses, is refused in the commits after it."""
    [here] = guarded(lab, "here")
    text = (here / "guard.toml").read_text()
    lab.commit(here, {"guard.toml": f'{text}\n[canonical]\npaths = ["state/**", "docs/**"]\n'})
    lab.commit(here, {"docs/x.md": "x\n"})
    refused(lab, here, "HEAD:main", code="G101")


def test_allowances_are_counted_as_far_as_the_policy_permits(lab: Lab) -> None:
    """A Guard-Allow trailer lets G2xx and G401 pass and is listed; other rules, and what the policy forbids, do not."""
    [here] = guarded(lab, "here")
    lab.commit(here, {"docs/x.md": "x\n"}, "a bot's\n\nGuard-Allow: G401 it cannot do better")
    said = accepted(lab, here, "main")
    assert f"{lab.rev(here)[:12]}: G401 is let pass: it cannot do better" in said.err
    assert "1 let pass in 1 commits" in said.err
    lab.commit(here, {STATE_FILE: EDITED}, "[S1] x: y\n\nGuard-Allow: G101 please")
    refused(lab, here, "main", code="G101")
    lab.git(here, "reset", "-q", "--hard", "HEAD~1")
    lab.commit_push(here, {"guard.toml": (here / "guard.toml").read_text() + '\n[allow]\nnever = ["G401"]\n'})
    lab.commit(here, {"docs/x.md": "xx\n"}, "a bot's\n\nGuard-Allow: G401 it cannot do better")
    refused(lab, here, "main", code="G401")


def test_the_first_push_of_the_state_branch_is_judged_from_its_adoption_on(lab: Lab) -> None:
    """An empty server takes a repository with its history, and refuses one that holds a hand edit since adoption."""
    here = lab.lone()
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    lab.guard(lab.root, "server", "install", str(lab.hub))
    lab.git(here, "remote", "add", "origin", str(lab.hub))
    lab.commit(here, {STATE_FILE: EDITED})
    refused(lab, here, "main", code="G101")
    accepted(lab, here, "main~1:refs/heads/main")
    assert lab.rev(lab.hub, "main") == lab.rev(here, "main~1")


def test_a_repository_that_adopts_later_is_guarded_from_then_on(lab: Lab) -> None:
    """Before adoption state may change; the adopting commit may not change it, and nothing after it may."""
    [here] = guarded(lab, "here", adopt=False)
    lab.commit(here, {"state/notes.json": '{"kept": [1, 2.50, 1e-07], "more": 1}\n'})
    accepted(lab, here, "main")
    base = lab.rev(here)
    lab.commit(here, {"guard.toml": f'[merge]\nbaseline = "{base}"\n', STATE_FILE: EDITED})
    refused(lab, here, "main", code="changed by the commit that adopts guard")
    lab.git(here, "reset", "-q", "--hard", base)
    lab.adopt(here)
    accepted(lab, here, "main")
    lab.commit(here, {STATE_FILE: EDITED})
    refused(lab, here, "main", code="G101")


# --- deltas ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["branch", "ref"])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (delta(5, "s1"), "more than one past the last closed frame"),
        (delta(1, "s1", completed_at="2199-01-01T00:00:00Z"), "more than a day ahead"),
        (b'{"frame": 1, "stream_id": "s1"', "not JSON"),
    ],
    ids=["frame", "time", "broken"],
)
def test_a_bad_delta_is_refused_by_branch_and_by_ref(lab: Lab, how: str, data: bytes, words: str) -> None:
    """A frame too far, a time too far and what is no delta do not reach the server, so they poison no counter."""
    [here] = guarded(lab, "here")
    frame = json.loads(data)["frame"] if data.endswith(b"}\n") else 1
    if how == "branch":
        lab.commit(here, {name_of(frame, "s1"): data})
        said = refused(lab, here, "main", code="G102")
    else:
        blob = lab.git(here, "hash-object", "-w", "--stdin", input=data)
        tree = lab.git(here, "mktree", "-z", input=f"100644 blob {blob}\tframe-{frame}-s1.json\0".encode())
        commit = lab.git(here, "commit-tree", "-m", "delta", tree)
        said = refused(lab, here, f"{commit}:refs/guard/deltas/{frame}/s1/{digest(data)[:16]}", code="G102")
    assert words in said.err


def test_a_merge_does_not_smuggle_a_delta_of_a_far_frame_in(lab: Lab) -> None:
    """A merge that can be made again, and brings a delta which the server would not have taken, is refused."""
    guarded(lab)
    far = delta(5000, "s1")
    lone = lab.clone("lone")
    lab.git(lone, "remote", "remove", "origin")
    lab.deliver(lone, far)
    lab.guard(lone, "merge")
    assert lab.load(lone, "state/frame_counter.json") == {"frame": 5000}
    lab.git(lone, "remote", "add", "origin", str(lab.hub))
    refused(lab, lone, "main", code="G102")


def test_a_delivered_delta_stays_until_it_is_merged(lab: Lab) -> None:
    """It is neither replaced nor deleted before a page records it; afterwards it may go."""
    [here] = guarded(lab, "here")
    data, other = delta(1, "s1"), delta(1, "s1", observations=["else"])
    ref = lab.deliver(here, data)
    lab.deliver(here, other)
    twin = lab.refs(lab.hub, ref)[ref]
    another = next(oid for name, oid in lab.refs(lab.hub, "refs/guard/deltas").items() if name != ref)
    refused(lab, here, f"+{another}:{ref}", code="G103")
    refused(lab, here, f":{ref}", code="G103")
    lab.guard(here, "merge")
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    accepted(lab, here, f"{twin}:{ref}")
    accepted(lab, here, f":{ref}")


def test_names_that_are_no_deltas_and_refs_that_are_no_commits_are_refused(lab: Lab) -> None:
    """What stands below refs/guard/ can be read by whoever relies on it."""
    [here] = guarded(lab, "here")
    data = delta(1, "s1")
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=data)
    tree = lab.git(here, "mktree", "-z", input=f"100644 blob {blob}\tframe-1-s1.json\0".encode())
    commit = lab.git(here, "commit-tree", "-m", "delta", tree)
    short = digest(data)[:16]
    for name in (f"1/s1/{'0' * 16}", f"2/s1/{short}", f"1/s2/{short}", f"x/s1/{short}", f"1/s1/more/{short}", "1/s1"):
        refused(lab, here, f"{commit}:refs/guard/deltas/{name}", code="G102")
    for oid in (blob, tree):
        refused(lab, here, f"{oid}:refs/guard/lanes/x", code="would not point to a commit")
        refused(lab, here, f"{oid}:refs/guard/deltas/1/s1/{short}", code="would not point to a commit")
    own = ("verified", "audited", "checked/merge", "merged/candidate", "delivery/candidate", "remotes/origin/x")
    for name in (*own, "rescue/x"):
        refused(lab, here, f"HEAD:refs/guard/{name}", code="not for others to set")
    for name in ("audited", "rescue/x"):
        lab.git(lab.hub, "update-ref", f"refs/guard/{name}", "main")
    refused(lab, here, ":refs/guard/rescue/x", code="not for others to set")
    accepted(lab, here, ":refs/guard/audited")
    accepted(lab, here, f"{commit}:refs/guard/deltas/1/s1/{short}", "HEAD:refs/guard/lanes/x")


# --- installing ------------------------------------------------------------------------------------------------


def test_it_is_chained_to_what_stood_there_and_taken_away_again(lab: Lab) -> None:
    """An own hook reads all that git said, after guard; its refusal counts; uninstall leaves everything as it was."""
    [here] = lab.fleet("here")
    own = lab.hub / "hooks/pre-receive"
    own.write_text('#!/bin/sh\ncat >seen\nread -r _ _ ref <seen\n[ "$ref" != refs/heads/no ]\n')
    own.chmod(0o755)
    before = own.read_text(), (lab.hub / "config").read_text()
    said = lab.guard(lab.root, "server", "install", str(lab.hub), "--json").json
    assert (said["displaced"], said["branch"], said["hook"]) == (["pre-receive"], "main", "pre-receive")
    assert lab.guard(lab.root, "server", "install", str(lab.hub), "--json").json["files"] == []
    accepted(lab, here, "HEAD:yes", "HEAD:also")
    assert (lab.hub / "seen").read_text().splitlines() == [
        f"{'0' * 40} {lab.rev(here)} refs/heads/{name}" for name in ("yes", "also")
    ]
    assert push(lab, here, "HEAD:no").code != 0
    lab.commit(here, {STATE_FILE: EDITED})
    (lab.hub / "seen").unlink()
    refused(lab, here, "main", code="G101")
    assert not (lab.hub / "seen").exists()
    lab.guard(lab.root, "server", "uninstall", str(lab.hub))
    assert (own.read_text(), (lab.hub / "config").read_text().replace("[receive]\n", "")) == before
    accepted(lab, here, "main")


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
@pytest.mark.parametrize("lost", ["the runner", "guard"])
def test_without_its_interpreter_it_refuses_what_it_protects_and_says_how_to_repair(
    lab: Lab, hook: str, lost: str
) -> None:
    """Other branches, tags and claims pass; the state branch and deltas wait."""
    [here] = guarded(lab, "here")
    lab.guard(lab.root, "server", "install", str(lab.hub), "--hook", hook)
    run = lab.hub / "hooks/guard-run.py"
    if lost == "guard":
        run.write_text(run.read_text().replace("sys.path[:0] = [", "sys.path[:0] = [] and ["))
    else:
        run.unlink()
    lab.commit(here, {"docs/x.md": "x\n"})
    refused(lab, here, "main", code="guard server install")
    refused(lab, here, f"HEAD:refs/guard/deltas/1/s1/{'0' * 16}", code="nothing can judge")
    accepted(lab, here, "HEAD:side", "HEAD:refs/tags/v1", "HEAD:refs/guard/lanes/x")
    lab.guard(lab.root, "server", "install", str(lab.hub))
    accepted(lab, here, "main")


def test_update_judges_where_only_that_runs(lab: Lab) -> None:
    """The hook that sees one ref at a time refuses the same; a delta that goes is kept where nobody can tell."""
    [here] = lab.fleet("here")
    lab.guard(lab.root, "server", "install", str(lab.hub))
    lab.guard(lab.root, "server", "install", str(lab.hub), "--hook", "update")
    assert not (lab.hub / "hooks/pre-receive").exists()
    ref = lab.deliver(here, delta(1, "s1", posts_created=[post(1)]))
    commit = lab.refs(lab.hub, ref)[ref]
    lab.guard(here, "merge")
    assert lab.page(lab.hub, 1)["posts_created"]
    assert lab.refs(lab.hub, "refs/guard/rescue") == {f"refs/guard/rescue/{commit}": commit}
    lab.git(here, "pull", "-q", "origin", "main")
    lab.commit(here, {STATE_FILE: EDITED})
    said = push(lab, here, "main", "HEAD:side")
    assert said.code != 0
    assert "G101" in said.err
    assert "refs/heads/side" in lab.refs(lab.hub)


def test_it_is_for_bare_repositories_that_look_for_hooks_in_their_own_folder(lab: Lab) -> None:
    """A work tree, a folder of hooks elsewhere and a hook that there is not are told; nothing is written."""
    [here] = lab.fleet("here")
    assert "bare" in lab.guard(lab.root, "server", "install", str(here), code=2).err
    lab.git(lab.hub, "config", "core.hooksPath", str(lab.root / "theirs"))
    assert "core.hooksPath" in lab.guard(lab.root, "server", "install", str(lab.hub), code=2).err
    lab.git(lab.hub, "config", "--unset", "core.hooksPath")
    lab.guard(lab.root, "server", "install", str(lab.hub), "--hook", "post-receive", code=2)
    lab.guard(lab.root, "server", "install", str(lab.root / "nowhere"), code=2)
    assert not (lab.hub / "hooks/pre-receive").exists()


def test_another_state_branch_is_protected_where_the_server_is_told_so(lab: Lab) -> None:
    """--branch names it, guard.toml says it otherwise; what a push says of it changes nothing."""
    [here] = lab.fleet("here")
    lab.guard(lab.root, "server", "install", str(lab.hub), "--branch", "state")
    lab.commit(here, {STATE_FILE: EDITED})
    accepted(lab, here, "main")
    refused(lab, here, "main:state", code="G101")


def test_nothing_of_a_refused_push_stays(lab: Lab) -> None:
    """Objects wait in quarantine while they are judged; guard writes no ref meanwhile, and they go with the refusal."""
    [here] = guarded(lab, "here")
    edit = lab.commit(here, {STATE_FILE: EDITED})
    refused(lab, here, "main", code="G101")
    assert lab.run(lab.hub, "git", "cat-file", "-e", edit).code != 0
    assert not list((lab.hub / "objects").glob("*quarantine*"))
    assert not (lab.hub / f"refs/guard/{INBOX}").exists()
    shutil.rmtree(lab.root / "here")
