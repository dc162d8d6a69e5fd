"""A broken index of every kind: what can be read stays staged, what cannot is named, and nothing becomes a deletion."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from walks.lab import Lab

from guard.git import Repo
from guard.index import repair, split
from guard.index.file import FOLDER, Index, read

KINDS = ("2", "3", "4", "split", "split 4", "sparse", "untracked", "conflict")


def _made(lab: Lab, kind: str) -> Path:
    """A repository whose index of this kind holds additions, edits, deletions and marks."""
    here = lab.lone(files={f"d{n % 7}/f{n}.txt": f"{n}\n" for n in range(40)}, adopt=False)
    if kind[-1] in "24":
        lab.git(here, "config", "index.version", kind[-1])
        lab.git(here, "update-index", "--index-version", kind[-1])
    if kind == "sparse":
        lab.git(here, "sparse-checkout", "set", "--cone", "--sparse-index", "d1", "d2")
    if kind == "untracked":
        lab.git(here, "update-index", "--untracked-cache")
    if kind.startswith("split"):
        lab.git(here, "update-index", "--split-index")
    lab.write(here, {"a first.txt": "staged\n", "d1/f8.txt": "staged\n", "d2/new.txt": "new\n", "z last.txt": "z\n"})
    lab.git(here, "add", "--", "a first.txt", "d1/f8.txt", "d2/new.txt", "z last.txt")
    lab.git(here, "rm", "-q", "--cached", "d2/f9.txt")
    lab.git(here, "update-index", "--assume-unchanged", "d1/f1.txt")
    if kind not in ("2", "4"):
        lab.git(here, "update-index", "--skip-worktree", "d1/f15.txt")
        lab.write(here, {"later.txt": "later\n"})
        lab.git(here, "add", "--intent-to-add", "later.txt")
    if kind == "conflict":
        blob = lab.git(here, "rev-parse", ":README.md")
        lines = "".join(f"100644 {blob} {stage}\td1/f1.txt\n" for stage in (1, 2, 3))
        lab.git(here, "update-index", "--index-info", input=f"0 {'0' * 40}\td1/f1.txt\n{lines}".encode())
    return here


def _index(lab: Lab, here: Path) -> list[str]:
    """Every entry, with its marks, a folder of a sparse index as its files."""
    return lab.git(here, "ls-files", "--stage", "-v").splitlines()


def _whole(here: Path, data: bytes) -> Index:
    shared = {
        each.name.removeprefix("sharedindex."): each.read_bytes() for each in (here / ".git").glob("sharedindex.*")
    }
    return split.whole(data, "sha1", lambda: shared)


def _spoils(data: bytes) -> dict[str, bytes]:
    """Broken versions of a file: cut off at many places, single bytes and runs flipped, zeros, nothing."""
    rng = random.Random(len(data))
    made = {f"cut at {at}": data[:at] for at in sorted({*range(0, len(data), 37), len(data) - 1, len(data) - 21})}
    for _ in range(150):
        at, length = rng.randrange(len(data)), rng.choice((1, 1, 1, 4, 64, 512))
        flipped = bytes(byte ^ rng.randrange(1, 256) for byte in data[at : at + length])
        made[f"{length} flipped at {at}"] = data[:at] + flipped + data[at + length :]
    return made | {"zeros": bytes(len(data)), "nothing": b"", "text": b"not an index\n" * 9}


@pytest.mark.parametrize("kind", KINDS)
def test_no_entry_is_lost_without_a_word(lab: Lab, kind: str) -> None:
    """However the file breaks: an entry is read as it was, or it lies where entries are said to be missing, or one that
    is misspelt stands for it; reading never raises."""
    here = _made(lab, kind)
    index = here / ".git/index"
    data = index.read_bytes()
    shared = kind.startswith("split")
    whole = _whole(here, data).entries if shared else read(data, "sha1", entries=True).entries
    assert len(whole) > 20
    assert data[7] == (4 if "4" in kind else 2 if kind == "2" else 3)
    assert (b"link" in data, b"sdir" in data) == (shared, kind == "sparse")
    for how, broken in _spoils(data).items():
        found = _whole(here, broken)
        assert found.problems or broken == data, how
        here_now = {(entry.path, entry.stage): entry for entry in found.entries}
        extra = set(found.entries) - set(whole)
        for entry in whole:
            other_stage = entry.stage and any(entry.path == each.path for each in found.entries)
            if found.lost_near(entry.path) or other_stage or here_now.get((entry.path, entry.stage)) == entry:
                continue
            common = {each.path for each in found.entries} & {each.path for each in whole}
            stand_in = repair.misspelt([entry.path], [each.path for each in extra], common, gaps=bool(found.gaps))
            damaged = entry.path in {each.path for each in extra} or stand_in or (shared and found.unknown)
            assert damaged, (how, entry, found.problems)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_reading_is_what_git_reads(lab: Lab, kind: str) -> None:
    """Where only the checksum broke, every entry and mark is as git saw it, and the work tree is untouched."""
    here = _made(lab, kind)
    before, status = _index(lab, here), lab.git(here, "status", "--porcelain")
    picture = lab.picture(here)
    index = here / ".git/index"
    data = index.read_bytes()
    index.write_bytes(data[:-1] + bytes([data[-1] ^ 255]))
    told = lab.guard(here, "doctor", "--fix", "--json", code=None).json
    found = next(each for each in told["checks"] if each["what"] == "index")
    assert found["state"] == "fixed"
    assert ("unknown" in found["said"]) == kind.startswith("split")
    assert _index(lab, here) == before
    assert lab.git(here, "status", "--porcelain") == status
    assert lab.picture(here) == picture


@pytest.mark.parametrize("kind", KINDS)
def test_rebuilt_after_real_damage(lab: Lab, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """git can use the new index; nothing that was not staged so is deleted; what differs from before is as HEAD has it
    or named; the work tree is untouched, and the broken file is beside."""
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    here = _made(lab, kind)
    index = here / ".git/index"
    data = index.read_bytes()
    before = set(lab.git(here, "ls-files", "--stage").splitlines())
    head = set(lab.git(here, "ls-tree", "-r", "HEAD", "--format=%(objectmode) %(objectname) 0%x09%(path)").splitlines())
    files = {path: path.read_bytes() for path in here.rglob("*") if path.is_file() and ".git" not in path.parts}
    spoils = list(_spoils(data).items())
    repo = Repo(here)
    for how, broken in [*spoils[:: len(spoils) // 6], *spoils[-3:]]:
        index.write_bytes(broken)
        if repair.examine(repo) is None:
            continue
        done = repair.rebuild(repo)
        assert done.aside.read_bytes() == broken
        lab.git(here, "status")
        gone = set(lab.git(here, "diff", "--cached", "--name-only", "--diff-filter=D", "--no-renames").splitlines())
        assert gone <= {"d2/f9.txt", "d1/f1.txt"}, how
        now = set(lab.git(here, "ls-files", "--stage").splitlines())
        lost = before - now
        assert not lost or done.unknown, how
        assert {line.split("\t")[1] for line in lost} <= {line.split("\t")[1] for line in head} | {
            "a first.txt", "d2/new.txt", "z last.txt", "later.txt", "d1/f1.txt"
        }  # fmt: skip
    repo.close()
    assert {path: path.read_bytes() for path in files} == files


def test_a_sparse_checkout_does_not_become_deletions(lab: Lab) -> None:
    """An empty index of a sparse checkout is rebuilt from HEAD: what is not on disk is left out, not deleted."""
    here = _made(lab, "sparse")
    (here / ".git/index").write_bytes(b"")
    lab.guard(here, "doctor", "--fix", code=None)
    status = lab.git(here, "status", "--porcelain").splitlines()
    assert not [line for line in status if line[1] == "D"]
    assert sum(line.startswith("S") for line in lab.git(here, "ls-files", "-t").splitlines()) > 20


def test_a_staged_tree_of_a_sparse_index_is_kept(lab: Lab) -> None:
    """A folder that a sparse index holds as one entry may be staged otherwise than HEAD: file by file it stays so."""
    here = _made(lab, "sparse")
    lab.git(here, "commit", "-q", "-m", "x")
    lab.git(here, "-c", "advice.updateSparsePath=false", "reset", "-q", "--soft", "HEAD")
    tree = lab.git(here, "rev-parse", "HEAD:d3")
    lines = [line for line in lab.git(here, "ls-tree", tree).splitlines() if "f10.txt" not in line]
    smaller = lab.git(here, "mktree", input="".join(f"{line}\n" for line in lines).encode())
    data = (here / ".git/index").read_bytes()
    assert any(entry.mode == FOLDER and entry.oid == tree for entry in read(data, "sha1", entries=True).entries)
    data = data.replace(bytes.fromhex(tree), bytes.fromhex(smaller), 1)
    (here / ".git/index").write_bytes(data)
    lab.guard(here, "doctor", "--fix", code=None)
    assert lab.git(here, "diff", "--cached", "--name-status").splitlines() == ["D\td3/f10.txt"]


@pytest.mark.parametrize("how", ["gone", "cut", "flipped"])
def test_the_shared_half_of_a_split_index(lab: Lab, how: str) -> None:
    """Without its other half git cannot read the index at all: found, named, rebuilt with what this half holds."""
    here = _made(lab, "split")
    [shared] = (here / ".git").glob("sharedindex.*")
    data = shared.read_bytes()
    if how == "gone":
        shared.unlink()
    else:
        shared.chmod(0o644)
        half = len(data) // 2
        shared.write_bytes(data[:half] if how == "cut" else data[:half] + bytes([data[half] ^ 255]) + data[half + 1 :])
    lab.git(here, "status", code=0 if how == "flipped" else 128)  # git looks at no checksum
    said = lab.guard(here, "doctor", "--json", code=1).json
    found = next(each for each in said["checks"] if each["what"] == "index")
    assert (found["state"], "sharedindex" in found["said"]) == ("problem", True)
    lab.guard(here, "doctor", "--fix", code=None)
    staged = lab.git(here, "diff", "--cached", "--name-status").splitlines()
    assert {"A\ta first.txt", "A\td2/new.txt", "A\tz last.txt"} <= set(staged)
    assert not [line for line in staged if line.startswith("D") and line != "D\td2/f9.txt"]


def test_a_split_index_whose_end_is_lost(lab: Lab) -> None:
    """What says which half it builds on lies at the end: no file of the shared half becomes a staged deletion."""
    here = _made(lab, "split")
    index = here / ".git/index"
    index.write_bytes(index.read_bytes()[:-60])
    blob = lab.git(here, "hash-object", "d1/f8.txt")
    said = next(
        each["said"]
        for each in lab.guard(here, "doctor", "--fix", "--json", code=None).json["checks"]
        if each["what"] == "index"
    )
    staged = lab.git(here, "diff", "--cached", "--name-status").splitlines()
    assert {"A\ta first.txt", "A\td2/new.txt"} <= set(staged)
    assert not [line for line in staged if line.startswith("D")]
    assert blob in said  # an edit whose name only the lost part told
    assert os.listdir(here)  # noqa: PTH208 - that it is there at all


def test_marks_that_cannot_be_read_are_named(lab: Lab) -> None:
    """A cut index: the marks of what was lost are said to be unknown."""
    here: Any = _made(lab, "3")
    index = here / ".git/index"
    index.write_bytes(index.read_bytes()[:400])
    told = lab.guard(here, "doctor", "--fix", code=None).out
    assert "assume-unchanged" in told
