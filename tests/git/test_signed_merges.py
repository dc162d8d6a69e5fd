"""`[merge] signers`: who made a merge, on top of that anyone can make it again."""

import shutil
from pathlib import Path

import pytest
from walks.hooked import EDITED, STATE_FILE
from walks.lab import Lab, inbox_file, post

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen here")

SIGNERS = "guard/signers"


def key(lab: Lab, name: str) -> Path:
    """A new key without a password; its public half is beside it."""
    path = lab.root / name
    words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
    assert lab.run(lab.root, *words).code == 0
    return path


def line(path: Path) -> str:
    """A key as a line of allowed signers."""
    return f'merge@fleet.invalid namespaces="git" {path.with_suffix(".pub").read_text()}'


def use(lab: Lab, here: Path, path: Path) -> None:
    """Let a clone sign with a key."""
    lab.git(here, "config", "user.signingkey", str(path.with_suffix(".pub")))
    lab.git(here, "config", "gpg.format", "ssh")


@pytest.fixture
def mine(lab: Lab) -> Path:
    """A key that may sign."""
    return key(lab, "mine")


@pytest.fixture
def here(lab: Lab, mine: Path) -> Path:
    """A clone of a repository whose merges must be signed, with a delta to merge and the key set up."""
    [made] = lab.fleet("here")
    toml = (made / "guard.toml").read_text() + f'signers = "{SIGNERS}"\n'
    lab.commit_push(made, {SIGNERS: line(mine), "guard.toml": toml}, "[S1] guard: signed merges")
    lab.commit_push(made, inbox_file(1, "s1", posts_created=[post(1)]))
    use(lab, made, mine)
    return made


def test_a_signed_merge_passes_and_an_unsigned_one_is_named(lab: Lab, here: Path) -> None:
    """The same bytes without a signature are found by verify, check and the server, though they can be made again."""
    lab.guard(here, "merge", "--no-push")
    made = lab.rev(here, "refs/guard/merged/candidate")
    lab.guard(here, "verify", f"main..{made}")
    message, tree, parent = (lab.git(here, "log", "-1", f"--format={each}", made) for each in ("%B", "%T", "%P"))
    bare = lab.git(here, "commit-tree", tree, "-p", parent, "-m", message)
    assert "not signed" in lab.guard(here, "verify", f"main..{bare}", code=1).out
    assert "not signed" in lab.guard(here, "check", "--pushed", "--range", f"main..{bare}", code=1).out
    lab.guard(lab.root, "server", "install", str(lab.hub))
    assert "not signed" in lab.run(here, "git", "push", "origin", f"{bare}:main").err
    assert lab.guard(here, "merge").out.count("pushed to") == 1
    lab.git(here, "pull", "-q", "origin", "main")
    assert lab.rev(here) == made  # the same key makes the same commit again
    lab.guard(here, "verify")


def test_who_is_not_among_the_signers_of_the_parent_signs_in_vain(lab: Lab, here: Path, mine: Path) -> None:
    """A stranger's merge is refused where it is made; one that brings its own list is found; a signature of something
    else is none."""
    other = key(lab, "other")
    use(lab, here, other)
    assert "not among the signers" in lab.guard(here, "merge", code=2).err
    assert lab.git(lab.hub, "log", "--format=%s", "-1", "main").startswith("[S1]")
    use(lab, here, mine)
    lab.guard(here, "merge", "--no-push")
    made = lab.rev(here, "refs/guard/merged/candidate")
    raw = lab.git(here, "cat-file", "commit", made)
    moved = raw.replace("\nauthor guard merge", "\nauthor Guard merge")
    forged = lab.git(here, "hash-object", "-t", "commit", "-w", "--stdin", input=f"{moved}\n".encode())
    assert "of something else" in lab.guard(here, "verify", f"main..{forged}", code=1).out
    tree = lab.git(here, "write-tree")
    assert tree
    lab.git(here, "reset", "-q", "--hard", made)
    lab.write(here, {SIGNERS: line(other)})
    lab.git(here, "add", "--", SIGNERS)
    use(lab, here, other)
    lab.git(here, "commit", "-q", "-S", "--amend", "--no-edit")
    assert "not among the signers" in lab.guard(here, "verify", "origin/main..HEAD", code=1).out


def test_a_signature_never_replaces_recomputing(lab: Lab, here: Path) -> None:
    """A hand edit that is signed by the very key is a hand edit."""
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, "add", "--", STATE_FILE)
    lab.git(here, "commit", "-q", "-S", "-m", "[F1] merge: by hand")
    assert "outside a merge" in lab.guard(here, "verify", "origin/main..HEAD", code=1).out


def test_without_a_key_nothing_is_published(lab: Lab, here: Path) -> None:
    """A merge job that cannot sign says so and what helps, exit 2; the hub has not moved; with the key it goes on."""
    before = lab.refs(lab.hub)
    lab.git(here, "config", "user.signingkey", str(lab.root / "nowhere.pub"))
    said = lab.guard(here, "merge", code=2).err
    assert "cannot be signed" in said
    assert "user.signingkey" in said
    assert lab.refs(lab.hub) == before
    use(lab, here, lab.root / "mine")
    lab.guard(here, "merge")
    assert lab.page(lab.hub, 1)


def test_two_signers_make_two_commits_of_one_tree_and_one_is_published(lab: Lab, here: Path) -> None:
    """Commit ids differ by signer, bytes of state do not: the loser of the race finds its deltas merged."""
    other = key(lab, "second")
    lab.commit_push(here, {SIGNERS: (here / SIGNERS).read_text() + line(other)}, "[S1] guard: a second signer")
    two = lab.clone("two")
    use(lab, two, other)
    made = []
    for clone in (here, two):
        lab.guard(clone, "merge", "--no-push")
        made.append(lab.rev(clone, "refs/guard/merged/candidate"))
    assert made[0] != made[1]
    trees = {lab.git(clone, "rev-parse", f"{each}^{{tree}}") for clone, each in zip((here, two), made, strict=True)}
    assert len(trees) == 1
    lab.guard(here, "merge")
    assert "nothing to merge" in lab.guard(two, "merge").out
    assert lab.rev(lab.hub, "main") == made[0]
    lab.guard(two, "verify")
