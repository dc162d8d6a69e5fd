"""`guard sync` killed at any moment: uncommitted work is byte for byte what it was, and the next run completes it."""

import random
import shutil
import time

import pytest
from walks.hooked import guarded
from walks.lab import Lab
from walks.test_kills import _kill, _settle


@pytest.mark.parametrize("how", ["process", "group"])
def test_killed_at_random_moments(lab: Lab, how: str) -> None:
    """Branch at the old or the new commit, edits and staged entries as they were, no lock, and a rerun that ends."""
    draw = random.Random(f"sync {how}")
    model = guarded(lab, "model")
    lab.commit(model, {f"d/{number}.txt": "1\n" for number in range(200)})
    old = lab.commit(model, {"edited.txt": "1\n", "staged.txt": "1\n"})
    lab.git(model, "branch", "session")
    new = lab.commit(model, {f"d/{number}.txt": "2\n" for number in range(200)})
    lab.git(model, "switch", "-q", "session")
    lab.write(model, {"edited.txt": "edited\n", "staged.txt": "staged\n", "loose.txt": "loose\n"})
    lab.git(model, "add", "staged.txt")
    said = lab.git(model, "status", "--porcelain")
    calm = lab.root / "calm"
    shutil.copytree(model, calm, symlinks=True)
    begun = time.monotonic()
    lab.guard(calm, "sync")
    length = time.monotonic() - begun
    early, late = 0.3 * length, 1.1 * length
    for turn in range(8):
        here = lab.root / f"turn-{turn}"
        shutil.copytree(model, here, symlinks=True)
        process = lab.start(here, "sync", start_new_session=True)
        moment = draw.uniform(early, late) if turn % 2 else draw.uniform(0.3, 1.1) * length
        time.sleep(moment)
        _kill(process, how)
        _settle(process, here)
        tip = lab.rev(here)
        assert tip in (old, new)
        early, late = (early, max(early, moment)) if tip == new else (min(moment, late), late)
        for ref, kept in lab.refs(here, "refs/guard/rescue").items():
            assert lab.show(here, "edited.txt", kept) == b"edited\n", ref
        lab.guard(here, "sync")
        assert lab.rev(here) == new
        assert lab.git(here, "status", "--porcelain") == said
        assert (here / "edited.txt").read_text() == "edited\n"
        assert lab.git(here, "show", ":staged.txt") == "staged"
        assert not list((here / ".git").rglob("*.lock"))
