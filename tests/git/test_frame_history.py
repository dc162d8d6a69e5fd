"""`guard frame history`: the rows, what a clone cannot see, what it costs, and the page that it draws."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from walks.lab import GUARD, INBOX, Lab, comment, inbox_file, name_of, post

from guard.commands.frame_history import Options, run
from guard.git import Repo
from guard.git.objects import Object
from guard.git.reader import Reader
from guard.report import Report

ROSTER = "state/stream_assignments.json"


def _told(frame: int, stream: str, time: str, **keys: Any) -> bytes:
    """A delta with a time of its own."""
    return json.dumps({"frame": frame, "stream_id": stream, "completed_at": time, **keys}).encode()


def _story(lab: Lab) -> Path:
    """Three frames of two machines: one with a fallback, garbage and a stream that never came, one closed empty, one
    that is merged after the next; and a delta that comes late."""
    (one,) = lab.fleet("one")
    roster = json.dumps({"frame": 1, "streams": ["m1-stream-1", "m1-stream-2", "m2-stream-1", "m2-stream-2"]})
    fallback = _told(1, "m1-stream-2", "2026-01-02T10:05:00Z", _meta={"status": "fallback", "reason": "timed out"})
    first = _told(1, "m1-stream-1", "2026-01-02T10:00:00Z", posts_created=[post(1), post(2)], reactions_added=[3])
    lab.commit_push(
        one,
        {
            ROSTER: roster,
            name_of(1, "m1-stream-1"): first,
            name_of(1, "m1-stream-2"): fallback,
            name_of(1, "m2-stream-1"): b"garbage",
        },
    )
    lab.guard(one, "merge")
    lab.guard(one, "merge", "--frame", "2")
    third = _told(3, "solo", "2026-01-03T10:00:00Z", comments_added=[comment("c1")])
    fourth = _told(4, "solo", "2026-01-03T11:30:00Z")
    lab.commit_push(one, {name_of(3, "solo"): third, name_of(4, "solo"): fourth})
    lab.guard(one, "merge")
    lab.commit_push(one, {name_of(1, "late"): _told(1, "late", "2026-01-04T10:00:00Z", posts_created=[post(1)])})
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    return one


def _frames(said: Any) -> dict[int, Any]:
    return {each["frame"]: each for each in said.json["frames"]}


def test_rows_say_what_became_of_each_frame(lab: Lab) -> None:
    """Streams by what became of them, machines, counts, late ones, lengths, merges and who never came, as they are in
    pages and merge commits."""
    one = _story(lab)
    said = lab.guard(one, "frame", "history", "--json")
    found = _frames(said)
    assert list(found) == [1, 2, 3, 4]
    merges = lab.merges(one)[::-1]
    first = found[1]
    assert first["streams"] == {"ok": 2, "fallback": 1, "rejected": 1}
    assert (first["deltas"], first["late"], first["missing"]) == (4, 1, ["m2-stream-2"])
    assert first["rejected"] == [{"stream": "m2-stream-1", "reason": "not JSON"}]
    assert first["machines"] == ["m1", "m2", "this fleet"]
    assert first["entries"] == {"posts_created": 2, "comments_added": 0, "reactions_added": 3}
    assert (first["first"], first["last"]) == ("2026-01-02T10:00:00Z", "2026-01-02T10:05:00Z")
    assert first["seconds"] == 300
    assert [each["commit"] for each in first["merges"]] == [merges[0], merges[3]]
    assert (found[2]["state"], found[2]["merges"][0]["commit"], found[2]["deltas"]) == ("empty", merges[1], 0)
    assert found[3]["entries"]["comments_added"] == 1
    assert (found[3]["late"], found[3]["lag"] - found[4]["lag"]) == (0, 5400)
    last = 1767440700  # 2026-01-03T11:45:00Z
    assert found[4]["lag"] - 900 == int(lab.git(one, "log", "-1", "--format=%ct", merges[2])) - last
    assert said.json["unseen"] == []
    assert said.json["tip"] == lab.rev(one)


def test_frames_are_chosen_by_range_or_from_the_newest(lab: Lab) -> None:
    """--last N, --frames A-B, A..B and A alone; what is no range is refused."""
    one = _story(lab)
    for words, frames in (
        (("--last", "2"), [3, 4]),
        (("--frames", "1-3"), [1, 2, 3]),
        (("--frames", "3..99"), [3, 4]),
        (("--frames", "1"), [1]),
        (("--frames", "50-60"), []),
    ):
        assert list(_frames(lab.guard(one, "frame", "history", "--json", *words))) == frames
    assert "no frame" in lab.guard(one, "frame", "history", "--frames", "50-60").out
    for words in (("--frames", "x"), ("--frames", "4-1"), ("--last", "0"), ("--frames", "")):
        lab.guard(one, "frame", "history", *words, code=2)


@pytest.mark.parametrize("columns", ["80", "160"])
def test_the_table_fits_the_terminal(lab: Lab, columns: str) -> None:
    """No line is wider than the terminal, and each frame is one line of it."""
    one = _story(lab)
    said = lab.guard(one, "frame", "history", env={"COLUMNS": columns})
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert [line.split()[0] for line in lines[3:7]] == ["1", "2", "3", "4"]
    assert ("machines" in lines[1]) == (columns == "160")


def test_bare_and_shallow_clones_say_what_they_could_not_see(lab: Lab) -> None:
    """The hub itself knows everything; a shallow clone knows the pages, and says that merges are missing."""
    one = _story(lab)
    whole = lab.guard(one, "frame", "history", "--json").json
    assert lab.guard(lab.hub, "frame", "history", "--json").json == whole
    shallow = lab.clone("shallow", "--depth", "1")
    said = lab.guard(shallow, "frame", "history", "--json")
    assert "shallow" in said.json["unseen"][0]
    assert "git fetch --unshallow" in said.err
    assert [each["entries"] for each in said.json["frames"]] == [
        each["entries"] for each in whole["frames"] if each["state"] == "page"
    ]
    lab.git(shallow, "fetch", "-q", "--unshallow")
    assert lab.guard(shallow, "frame", "history", "--json").json == whole


def test_a_partial_clone_whose_remote_is_gone_shows_what_it_has(lab: Lab) -> None:
    """Without a way to the remote nothing crashes: pages that are not here are named, and the rest is as last seen."""
    one = _story(lab)
    lab.git(lab.hub, "config", "uploadpack.allowFilter", "true")
    partial = lab.clone("partial", "--filter=blob:none", "--no-checkout")
    lab.git(partial, "show", "HEAD:guard.toml")
    lab.git(partial, "show", "HEAD:state/frame_counter.json")
    lab.git(partial, "show", "HEAD:state/frames/000/frame-4.json")
    lab.git(partial, "remote", "set-url", "origin", str(lab.root / "nowhere"))
    said = lab.guard(partial, "frame", "history", "--json")
    found = _frames(said)
    assert found[4]["streams"]["ok"] == 1
    assert {found[1]["state"], found[3]["state"]} == {"unseen"}
    assert any("not in this clone" in what for what in said.json["unseen"])
    assert "as it was last fetched" in said.err
    assert lab.rev(one) == said.json["tip"]


def test_a_page_of_somebody_else_and_a_forged_trailer_are_no_history(lab: Lab) -> None:
    """What is no page of this engine is named and passed over; a commit that only says it is a merge is not one."""
    one = _story(lab)
    whole = _frames(lab.guard(one, "frame", "history", "--json"))
    trailer = f"Guard-Merge: frames=4 close=4 deltas=1 digest={'0' * 64} engine=1"
    lab.commit_push(one, {"docs/x.md": "x\n"}, f"[S1] docs: x\n\n{trailer}")
    assert _frames(lab.guard(one, "frame", "history", "--json")) == whole
    lab.commit_push(one, {"state/frames/000/frame-3.json": "{}\n", "state/frames/000/frame-x.json": "{}\n"})
    said = lab.guard(one, "frame", "history", "--json")
    assert {frame: each["state"] for frame, each in _frames(said).items()} == {
        1: "page",
        2: "empty",
        3: "unreadable",
        4: "page",
    }
    assert said.json["unseen"] == ["1 page is not shown: no page of this engine (frame 3)"]
    lab.commit_push(one, {"state/frame_counter.json": "<<<<<<< ours\n"})
    assert list(_frames(lab.guard(one, "frame", "history", "--json"))) == [1, 2, 3, 4]


def test_a_rejected_file_of_a_far_frame_does_not_take_the_place_of_the_newest(lab: Lab) -> None:
    """Garbage that names frame 10^9 makes a page of its own; --last is counted from the open frame."""
    one = _story(lab)
    lab.commit_push(one, {f"{INBOX}/frame-1000000000-x.json": b"garbage"})
    lab.guard(one, "merge")
    assert list(_frames(lab.guard(one, "frame", "history", "--json", "--last", "1"))) == [4]
    far = _frames(lab.guard(one, "frame", "history", "--json", "--frames", "1000000000"))
    assert far[1000000000]["streams"] == {"ok": 0, "fallback": 0, "rejected": 1}


def test_before_the_first_merge_there_is_nothing_to_show(lab: Lab) -> None:
    """A fresh fleet, and a repository without a commit: exit 0, and said so; the page too."""
    (one,) = lab.fleet("one")
    assert "no frame is merged yet" in lab.guard(one, "frame", "history", "--html", "x.html").out
    assert "No frame is merged yet" in (one / "x.html").read_text()
    empty = lab.root / "empty"
    empty.mkdir()
    lab.git(empty, "init", "-q")
    assert lab.guard(empty, "frame", "history", "--json").json["frames"] == []


# --- the page --------------------------------------------------------------------------------------------------


def test_html_is_written_whole_and_never_over_somebody_elses_file(lab: Lab) -> None:
    """A page of ours is drawn anew; a file of anybody else, a folder, a symlink are refused with a command that works;
    nothing is left behind."""
    one = _story(lab)
    lab.guard(one, "frame", "history", "--html", "frames.html")
    drawn = (one / "frames.html").read_bytes()
    assert drawn.startswith(b"<!doctype html>")
    lab.guard(one, "frame", "history", "--html", "frames.html", "--last", "1")
    assert (one / "frames.html").read_bytes() != drawn
    (one / "mine.html").write_text("<!doctype html>\n<p>mine\n")
    (one / "folder.html").mkdir()
    (one / "link.html").symlink_to("frames.html")
    before = {path.name for path in one.iterdir()}
    for name in ("mine.html", "folder.html", "link.html"):
        said = lab.guard(one, "frame", "history", "--html", name, code=2)
        assert f"--html frames-{name}" in said.err
    assert (one / "mine.html").read_text() == "<!doctype html>\n<p>mine\n"
    assert (one / "link.html").is_symlink()
    assert {path.name for path in one.iterdir()} == before
    lab.guard(one, "frame", "history", "--html", "mine.html/x.html", code=2)
    assert lab.git(one, "status", "--porcelain", "--", "state") == ""


def test_a_disk_that_is_full_keeps_the_page_that_was_there(lab: Lab) -> None:
    """Where the page cannot be written, the old one stays, and no half one is beside it."""
    one = _story(lab)
    lab.guard(one, "frame", "history", "--html", "frames.html")
    before = (one / "frames.html").read_bytes()
    names = {path.name for path in one.iterdir()}
    limited = "ulimit -f 4; trap '' XFSZ; exec \"$@\""
    done = subprocess.run(
        ["bash", "-c", limited, "bash", *GUARD, "frame", "history", "--no-fetch", "--html", "frames.html"],
        cwd=one, env=lab.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done
    assert "frames.html" in done.stderr
    assert (one / "frames.html").read_bytes() == before
    assert {path.name for path in one.iterdir()} == names


class _Page(HTMLParser):
    """What a page holds: its tags, and its words outside of style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note words."""
        self.words += data


def test_the_page_asks_nobody_and_escapes_everything(lab: Lab) -> None:
    """Reasons and roster names are anybody's words: no script, no address, no attribute of theirs comes through."""
    one = _story(lab)
    evil = '</title><script>alert(1)</script>" onload="x\u202e\''
    hostile = _told(5, "m1-x", "2026-01-05T10:00:00Z", _meta={"status": "fallback", "reason": evil})
    lab.commit_push(one, {name_of(5, "m1-x"): hostile})
    lab.guard(one, "merge")
    lab.guard(one, "frame", "history", "--html", "frames.html")
    text = (one / "frames.html").read_text()
    page = _Page(text)
    assert "alert(1)" in page.words
    assert "\u202e" not in text
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "a", "image", "use", "foreignobject"}
    named = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in named if name.startswith("on")} | named & {"src", "href", "xlink:href"}
    assert "http" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_draws_every_delta(lab: Lab) -> None:
    """Each stream of each frame has a cell of its kind with a hover title; the figures of the tiles are the sums."""
    one = _story(lab)
    lab.guard(one, "frame", "history", "--html", "frames.html")
    page = _Page((one / "frames.html").read_text())
    kinds = [str(attributes.get("class")) for tag, attributes in page.tags if tag == "rect" and "height" in attributes]
    cells = {kind: kinds.count(kind) for kind in ("ok", "late", "fallback", "rejected", "missing")}
    legend_and_list = {"ok": 1, "late": 2, "fallback": 2, "rejected": 2, "missing": 2}
    assert {kind: cells[kind] - legend_and_list[kind] for kind in cells} == {
        "ok": 3,
        "late": 1,
        "fallback": 1,
        "rejected": 1,
        "missing": 1,
    }
    for words in ("timed out", "not JSON", "m2-stream-2", "Frames 1 to 4", "closed"):
        assert words in page.words


class _Counting(Reader):
    """A reader that counts what is asked of it."""

    asked = 0

    def find_many(self, names: Sequence[str]) -> Iterator[Object | None]:
        """Ask, and count."""
        self.asked += len(names)
        return super().find_many(names)


def test_a_look_costs_what_is_shown_and_not_what_there_is(lab: Lab) -> None:
    """The newest of three frames and the newest of six: as many objects are read."""
    (one,) = lab.fleet("one")
    asked = []
    for frames in (range(1, 4), range(4, 7)):
        for frame in frames:
            lab.commit_push(one, inbox_file(frame, "s"))
            lab.guard(one, "merge")
        repo = Repo(lab.hub)
        repo._reader = reader = _Counting(repo)
        assert run(repo, Options(last=1), Report(quiet=True)) == 0
        repo.close()
        asked.append(reader.asked)
    assert asked[0] == asked[1]
