"""docs/other-domains.md: what its laws for a catalogue of parts refuse, keep and permit."""

import json

import pytest
from pages.shown import BLOCK, read

from guard import schema
from guard.errors import GuardError
from guard.policy import parse
from merge.delta import Entry, digest_of
from merge.fold import fold

FILES = {block["path"]: block["text"].encode() for block in BLOCK.finditer(read("docs/other-domains.md"))}
"""The files that the page shows."""


def test_a_catalogue_of_parts_knows_nothing_of_a_social_network() -> None:
    """The page's deltas under its policy: two parts, and no file of the state says post, comment, agent or channel."""
    entries = [
        Entry(path.rpartition("/")[2], data) for path, data in FILES.items() if path and path.startswith("state/")
    ]
    outcome = fold({}, entries, parse(FILES["guard.toml"]).laws, schema.conforms("delta"))
    assert len(outcome.applied) == len(entries) > 2
    assert json.loads(outcome.files["state/catalogue.json"])["parts"] == 2
    for word in (b"posts", b"comments", b"agents", b"channels"):
        assert not any(word in data for data in outcome.files.values()), word


def test_what_is_no_list_is_refused_and_a_list_without_a_law_is_kept() -> None:
    """A map where a list belongs is refused; lists without a law, as those of a fallback, are in the page's extra."""
    policy = parse(FILES["guard.toml"])
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
