"""`guard init --ci`: the jobs of a CI host, and what their very steps say about real repositories."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from walks.hooked import EDITED, STATE_FILE
from walks.lab import Lab, Said, inbox_file, post

from guard import ci

GITHUB = ".github/workflows/guard.yml"
MERGE = ".github/workflows/guard-merge.yml"
GITLAB = ".gitlab/guard.yml"
SHELLS = [pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"no {name}"))
          for name in ("dash", "bash")]  # fmt: skip
ZEROS = "0" * 40


def parsed(path: str, branch: str = "main") -> dict[Any, Any]:
    """A file as its host reads it; YAML 1.1 takes the key `on` for true."""
    host = "gitlab" if path == GITLAB else "github"
    return yaml.safe_load(ci.files(host, branch, "good-neighbor==1.2.3")[path])


def step(path: str, name: str) -> str:
    """The script of a step, or of a job of GitLab's."""
    if path == GITLAB:
        [script] = parsed(path)[name]["script"]
        return script
    [job] = parsed(path)["jobs"].values()
    [found] = [each for each in job["steps"] if each["name"] == name]
    return found["run"]


class Host:
    """A host: a hub, a clone, and a folder in which the steps of its jobs run."""

    def __init__(self, lab: Lab, shell: str = "sh") -> None:
        self.lab = lab
        self.shell = shell
        [self.here] = lab.fleet("here")
        self.runs = 0

    def place(self) -> Path:
        """A new folder, with guard installed in it."""
        self.runs += 1
        place = self.lab.root / f"runner {self.runs}"
        (place / "guard/bin").mkdir(parents=True)
        program = place / "guard/bin/guard"
        program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -P -c 'from guard.cli import main; main()' \"$@\"\n")
        program.chmod(0o755)
        return place

    def run(self, script: str, more: Mapping[str, str], code: int | None = None) -> Said:
        """Run a step as a runner does: in an empty folder, with its variables."""
        place = self.place()
        given = {"PLACE": str(place), "BRANCH": "main", "FROM": f"file://{self.lab.hub}", "TOKEN": "secret"}
        empty = place / "workspace"
        empty.mkdir()
        said = self.lab.run(empty, self.shell, "-e", "-c", script, env={**given, **more})
        assert "Traceback" not in said.all
        assert code is None or said.code == code, said
        return said

    def proposed(self, new: str, code: int) -> Said:
        """A pull request is judged."""
        return self.run(step(GITHUB, "judge"), {"NEW": new, "OLD": "", "GITHUB_ACTIONS": "true"}, code)

    def pushed(self, old: str, new: str, code: int) -> Said:
        """A push is judged."""
        return self.run(step(GITHUB, "judge"), {"NEW": new, "OLD": old, "GITHUB_ACTIONS": "true"}, code)

    def request(self, files: Mapping[str, str | bytes | None], message: str = "[S2] pull: request") -> str:
        """A commit on a branch of the hub, one more than there is."""
        commit = self.lab.commit(self.here, files, message)
        self.lab.git(self.here, "push", "-q", "-f", "origin", "HEAD:refs/pull/1/head")
        return commit


@pytest.fixture(params=SHELLS)
def host(lab: Lab, request: pytest.FixtureRequest) -> Host:
    """A host whose runner has this shell."""
    return Host(lab, request.param)


# --- the files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("branch", ["main", 'a"b', "fix-1+x", "!x", "on", "1.0"])
def test_the_files_are_yaml_and_name_the_branch(branch: str) -> None:
    """Whatever the branch is called, each file says it where its host looks."""
    for path in (GITHUB, MERGE):
        [job] = parsed(path, branch)["jobs"].values()
        assert job["steps"][-1]["env"]["BRANCH"] == branch
        assert job["steps"][0]["env"]["GUARD"] == "good-neighbor==1.2.3"
    events = parsed(GITHUB, branch)[True]
    names = {each["branches"][0].replace("\\", "") for each in events.values() if each}
    assert (set(events), names) == ({"pull_request", "merge_group", "push", "workflow_dispatch"}, {branch})
    assert parsed(GITLAB, branch)[".guard"]["variables"]["BRANCH"] == branch


def test_least_rights_and_no_code_of_a_pull_request() -> None:
    """No action, no checkout and no value of a pull request in a script; the check may read, the merge may write."""
    check, merge, gitlab = parsed(GITHUB), parsed(MERGE), parsed(GITLAB)
    assert check["permissions"] == {"contents": "read"}
    assert merge["permissions"] == {"contents": "write"}
    assert merge["concurrency"] == {"group": "guard-merge", "cancel-in-progress": False}
    assert "pull_request" not in merge[True]
    for workflow in (check, merge):
        [job] = workflow["jobs"].values()
        assert all("uses" not in each and "${{" not in each["run"] for each in job["steps"])
    assert list(check["jobs"]) == ["guard"]
    assert gitlab[".guard"]["variables"]["GIT_STRATEGY"] == "none"
    assert gitlab[".guard"]["interruptible"] is False
    assert gitlab["guard-merge"]["resource_group"] == "guard-merge"
    assert not any("merge_request" in rule["if"] for rule in gitlab["guard-merge"]["rules"])


@pytest.mark.parametrize("host_name", ["github", "gitlab"])
def test_init_writes_them_once_and_its_own_rules_pass_them(lab: Lab, host_name: str) -> None:
    """What is written is named, may be repeated, is in the command to commit, and is clean by G301 to G303."""
    here = lab.lone(adopt=False)
    said = lab.guard(here, "init", "--yes", "--ci", host_name, "--json").json
    paths = list(ci.HOSTS[host_name])
    assert set(paths) <= set(said["written"])
    assert all(path in said["next"] for path in paths)
    said = lab.guard(here, "init", "--ci", host_name, "--json").json
    assert said["written"] == []
    assert all(path in said["next"] for path in paths)
    lab.guard(here, "check", "--rule", "G301,G302,G303", *paths)
    lab.git(here, "add", "--", *paths)
    lab.run(here, "sh", "-c", said["next"])
    assert lab.git(here, "status", "--porcelain") == ""
    assert lab.guard(here, "init", "--ci", host_name, "--json").json["next"] == ""


def test_init_leaves_what_is_not_its_own(lab: Lab) -> None:
    """Somebody's file stays and is exit 2; an edited one stays; one of an older guard is brought up to date; a link
    and a file in the place of a folder lead nowhere."""
    here = lab.lone()
    lab.write(here, {GITHUB: "mine\n"})
    said = lab.guard(here, "init", "--yes", "--ci", "github", "--json", code=2)
    assert (said.json["left"], said.json["written"].count(MERGE)) == ({GITHUB: "foreign"}, 1)
    assert (here / GITHUB).read_text() == "mine\n"
    text = (here / MERGE).read_text()
    lab.write(here, {MERGE: text.replace("*/10", "*/5")})
    (here / GITHUB).unlink()
    assert lab.guard(here, "init", "--yes", "--ci", "github", "--json").json["left"] == {MERGE: "edited"}
    assert "*/5" in (here / MERGE).read_text()
    older = ci.files("github", "main", "good-neighbor==0.0.1")[GITHUB]
    lab.write(here, {GITHUB: older})
    assert GITHUB in lab.guard(here, "init", "--yes", "--ci", "github", "--json").json["written"]
    assert (here / GITHUB).read_bytes() != older
    (here / GITHUB).unlink()
    (here / GITHUB).symlink_to(lab.root / "elsewhere")
    lab.guard(here, "init", "--yes", "--ci", "github", code=2)
    assert not (lab.root / "elsewhere").exists()
    lab.write(here, {".gitlab": "a file\n"})
    lab.guard(here, "init", "--yes", "--ci", "gitlab", code=2)
    assert (here / ".gitlab").read_text() == "a file\n"
    assert "github or gitlab" in lab.guard(here, "init", "--ci", "jenkins", code=2).err


def test_the_state_branch_of_a_new_adoption_is_in_them(lab: Lab) -> None:
    """A repository whose branch is called otherwise adopts guard and gets its jobs in one go."""
    here = lab.lone(adopt=False)
    lab.git(here, "branch", "-m", "trunk")
    lab.guard(here, "init", "--yes", "--ci", "github")
    assert yaml.safe_load((here / GITHUB).read_text())[True]["push"]["branches"] == ["trunk"]


# --- what its steps say --------------------------------------------------------------------------------------------


def test_a_good_pull_request_passes_and_a_bad_one_is_annotated(host: Host) -> None:
    """Exit 0 and 1; what is refused is shown in the diff, with the commit; a merge of frames is recomputed."""
    good = host.request({"docs/x.md": "x\n", **inbox_file(1, "s1", posts_created=[post(1)])})
    host.proposed(good, 0)
    said = host.proposed(host.request({STATE_FILE: EDITED}), 1)
    assert f"::error file={STATE_FILE},line=1,title=G101 canonical-write::" in said.out
    assert "secret" not in said.all


def test_a_pull_request_s_own_policy_workflow_and_code_change_nothing(host: Host) -> None:
    """It loosens guard.toml in a commit before, rewrites the workflow, and brings code that Python would find first:
    refused by the branch's policy, and none of its code runs."""
    ran = host.lab.root / "ran"
    code = f"open({str(ran)!r}, 'w')\n"
    toml = (host.here / "guard.toml").read_text()
    host.request({"guard.toml": toml + '\n[canonical]\nexcept = ["state/notes.json"]\n'}, "[S2] guard: free")
    host.request({
        "sitecustomize.py": code, "guard/__init__.py": code, "guard/cli.py": code, "usercustomize.py": code,
        "git": f"#!/bin/sh\necho >{ran}\n", ".gitattributes": "* filter=x\n", GITHUB: "on: push\n",
    })  # fmt: skip
    said = host.proposed(host.request({"state/notes.json": '{"kept": []}\n'}), 1)
    assert "G101" in said.out
    assert not ran.exists()


def test_a_loosening_by_itself_is_for_people_to_review(host: Host) -> None:
    """It passes alone, and counts from the next pull request on."""
    toml = (host.here / "guard.toml").read_text() + "\n[messages]\nprefix = false\n"
    first = host.request({"guard.toml": toml}, "[S2] guard: no prefix")
    second = host.request({"docs/x.md": "x\n"}, "no prefix")
    host.proposed(first, 0)
    assert "G401" in host.proposed(second, 1).out
    host.lab.git(host.here, "push", "-q", "origin", f"{first}:main")
    host.proposed(second, 0)


def test_a_pull_request_of_a_branch_that_went_on_is_judged_by_the_branch(host: Host) -> None:
    """Merges of frames that came to the branch meanwhile, and those that the request took in, are not its doing; and
    a policy that is tighter now counts."""
    lab, here = host.lab, host.here
    lab.git(here, "switch", "-q", "-c", "side")
    side = host.request({"docs/x.md": "x\n"})
    for frame in (1, 2):
        lab.git(here, "switch", "-q", "main")
        lab.commit_push(here, inbox_file(frame, "s1", posts_created=[post(frame)]))
        lab.guard(here, "merge")
        lab.git(here, "pull", "-q", "origin", "main")
        lab.git(here, "switch", "-q", "side")
        host.proposed(side, 0)
        lab.git(here, "merge", "-q", "--no-edit", "main~1" if frame == 2 else "main")
        side = host.request({f"docs/{frame}.md": "x\n"})
        host.proposed(side, 0)
    lab.git(here, "switch", "-q", "main")
    toml = (here / "guard.toml").read_text() + '\n[allow]\nnever = ["G401"]\n'
    lab.git(here, "switch", "-q", "side")
    side = host.request({"docs/z.md": "x\n"}, "no prefix\n\nGuard-Allow: G401 a bot's")
    assert "let pass: a bot's" in host.proposed(side, 0).out
    lab.git(here, "switch", "-q", "main")
    lab.commit_push(here, {"guard.toml": toml}, "[S1] guard: no exceptions")
    assert "G401" in host.proposed(side, 1).out


def test_what_each_event_tells_as_the_beginning(host: Host) -> None:
    """A push, the first push of the branch, a merge group, one that brings nothing, and everything by hand."""
    lab, here = host.lab, host.here
    start = lab.rev(here)
    good = lab.commit_push(here, {"docs/x.md": "x\n"})
    host.pushed(start, good, 0)
    host.pushed(ZEROS, good, 0)
    host.pushed("0", good, 0)
    assert "brings nothing" in host.proposed(start, 0).out
    lab.git(here, "push", "-q", "origin", "HEAD:refs/heads/gh-readonly-queue/main/pr-1")
    bad = lab.commit_push(here, {STATE_FILE: EDITED})
    host.pushed(good, bad, 1)
    host.pushed(ZEROS, bad, 1)
    after = lab.commit_push(here, {"docs/y.md": "y\n"})
    host.pushed(bad, after, 0)
    host.pushed("0", after, 1)


def test_a_forced_push_is_refused_whether_or_not_what_was_there_can_be_had(host: Host) -> None:
    """The branch goes forward only: taken back, replaced, or replaced by something whose past the host forgot."""
    lab, here = host.lab, host.here
    start, good = lab.rev(here), lab.commit_push(here, {"docs/x.md": "x\n"})
    lab.git(here, "push", "-q", "-f", "origin", f"{start}:main")
    assert "lost commits" in host.pushed(good, start, 1).err
    lab.git(here, "reset", "-q", "--hard", start)
    other = lab.commit(here, {"docs/y.md": "y\n"})
    lab.git(here, "push", "-q", "-f", "origin", "HEAD:main")
    assert "lost commits" in host.pushed(good, other, 1).err
    assert "is gone" in host.pushed("1" * 40, other, 1).err


def test_what_cannot_be_had_is_no_pass(host: Host) -> None:
    """A commit that the host does not have, a branch that is not there, a hub that is away: never exit 0."""
    good = host.request({"docs/x.md": "x\n"})
    script = step(GITHUB, "judge")
    for more in ({"NEW": "1" * 40}, {"NEW": ""}, {"BRANCH": "nowhere"}, {"FROM": "file:///nowhere"}, {"NEW": ZEROS}):
        assert host.run(script, {"NEW": good, "OLD": "", **more}).code != 0, more


def test_gitlab_s_job_says_the_same(host: Host) -> None:
    """Merge requests, pushes and the zeros that a first pipeline has: the same script by GitLab's variables."""
    lab, here = host.lab, host.here
    script = step(GITLAB, "guard")
    head, _, judge = script.partition("FROM=$CI_REPOSITORY_URL")
    assert "pip install" in head  # which needs a registry; the rest runs here as it is
    judge = f"FROM=$CI_REPOSITORY_URL{judge}"
    start = lab.rev(here)

    def job(source: str, new: str, before: str, code: int) -> Said:
        given = {"CI_REPOSITORY_URL": f"file://{lab.hub}", "CI_PIPELINE_SOURCE": source, "CI_COMMIT_SHA": new}
        return host.run(judge, {**given, "CI_COMMIT_BEFORE_SHA": before, "TOKEN": ""}, code)

    good, bad = host.request({"docs/x.md": "x\n"}), host.request({STATE_FILE: EDITED})
    job("merge_request_event", good, ZEROS, 0)
    assert "G101" in job("merge_request_event", bad, ZEROS, 1).out
    lab.git(here, "push", "-q", "origin", f"{good}:main")
    job("push", good, start, 0)
    lab.git(here, "push", "-q", "origin", f"{bad}:main")
    job("push", bad, good, 1)
    job("web", bad, ZEROS, 1)


def test_the_merge_job_merges_and_heals(host: Host) -> None:
    """Deltas that came by ref and by branch are merged and pushed; a hand edit is rebuilt in the open; again: nothing
    to do; and what it pushed verifies."""
    lab, here = host.lab, host.here
    script = step(MERGE, "merge")
    lab.commit_push(here, inbox_file(1, "s1", posts_created=[post(1)]))
    host.run(script, {}, 0)
    assert lab.page(lab.hub, 1)["posts_created"]
    assert "nothing to merge" in host.run(script, {}, 0).out
    lab.commit_push(here, {STATE_FILE: EDITED})
    host.run(script, {}, 0)
    assert "by hand" not in json.loads(lab.show(lab.hub, STATE_FILE))
    lab.git(here, "pull", "-q", "origin", "main")
    lab.guard(here, "verify")


def test_the_steps_that_install_are_a_shell_s(lab: Lab) -> None:
    """Both shells read them; what is installed is one pinned version, by an isolated interpreter."""
    for script in (step(GITHUB, "install guard"), step(MERGE, "install guard"), step(GITLAB, "guard-merge")):
        for shell in ("sh", "bash"):
            assert lab.run(lab.root, shell, "-n", "-c", script).code == 0
        assert "guard/bin/python -I -m pip install" in script
