"""docs/other-domains.md: laws for a catalogue of parts, with every file and command of the page."""

import json
import re
from pathlib import Path

import pytest
from walks.lab import ROOT, Lab
from walks.test_readme import steps, walk

from guard import schema
from guard.errors import GuardError
from guard.policy import parse
from merge.delta import Entry, digest_of
from merge.fold import fold

PAGE = (ROOT / "docs" / "other-domains.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def toml() -> bytes:
    """The page's guard.toml."""
    return next(block["text"] for block in BLOCK.finditer(PAGE) if block["path"] == "guard.toml").encode()


def empty(lab: Lab) -> Path:
    """A new repository, and nothing of guard in it."""
    here = lab.root / "parts"
    here.mkdir()
    lab.git(here, "init", "-q")
    return here


def test_a_catalogue_of_parts(lab: Lab) -> None:
    """The page's files, written as it says, and its commands: what they print is what it shows."""
    here = empty(lab)
    blocks = list(BLOCK.finditer(PAGE))
    assert {block["kind"] for block in blocks if not block["path"]} == {"console"}
    for block in blocks:
        if block["path"]:
            lab.write(here, {block["path"]: block["text"]})
        else:
            walk(lab, here, steps(block[0]))
    assert lab.load(here, "state/catalogue.json")["parts"] == 2
    assert b"**2 parts**" in lab.show(here, "README.md")
    for word in (b"posts", b"comments", b"agents", b"channels"):
        assert not any(word in lab.show(here, path) for path in lab.canonical(here)), word


def test_what_is_no_list_is_refused_and_a_list_without_a_law_is_kept() -> None:
    """A map where a list belongs is refused; lists without a law, as those of a fallback, are in the page's extra."""
    policy = parse(toml())
    head = {"frame": 1, "completed_at": "2026-05-04T06:00:00Z"}
    wrong = json.dumps({**head, "stream_id": "east", "parts_found": {"sku": "M6-40"}}).encode()
    spare = {"posts_created": [], "comments_added": []}
    fallback = json.dumps({**head, "stream_id": "west", **spare, "pages_fetched": 3}).encode()
    entries = [Entry("frame-1-east.json", wrong), Entry("frame-1-west.json", fallback)]
    outcome = fold({}, entries, policy.laws, schema.conforms("delta"))
    assert [each.detail for each in outcome.rejected] == ["$.parts_found: a map where a list belongs"]
    page = json.loads(outcome.files["state/rounds/000/frame-1.json"])
    assert page["extra"][digest_of(fallback)] == {**spare, "completed_at": head["completed_at"]}
    assert json.loads(outcome.files["state/catalogue.json"])["pages"] == 3


def test_a_domain_without_records_is_a_policy() -> None:
    """Maps and recounts may be empty, and only together: a recount of records that nobody keeps is refused."""
    assert parse(b"[merge]\nmaps = []\n[merge.totals]\nrecounts = {}\n").laws.maps == ()
    with pytest.raises(GuardError, match=r"no file of merge\.maps"):
        parse(b"[merge]\nmaps = []\n")
