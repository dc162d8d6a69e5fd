"""Where the records of fleets are: our own, with the oddities of real ones, and real ones where they are found."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).resolve()
OWN = HERE.parents[1] / "data" / "records"
REAL = Path(os.environ.get("GUARD_REAL_DATA") or HERE.parents[3] / "shared" / "data") / "swarm"
NAMES = {"board": "SWARM-LANES.md", "notes-top": "NEXT.md", "index": "INDEX.md"}


def own(name: str) -> bytes:
    """A file of our own."""
    return (OWN / f"{name}.md").read_bytes()


def real(name: str) -> bytes:
    """A real file; a test that wants it is skipped where it is not."""
    path = REAL / NAMES[name]
    if not path.is_file():
        pytest.skip(f"no real data: set GUARD_REAL_DATA to a folder that holds swarm/{NAMES[name]}")
    return path.read_bytes()


@pytest.fixture(params=["own", "real"])
def board_file(request: pytest.FixtureRequest) -> bytes:
    """A board: our own, and the real one."""
    return own("board") if request.param == "own" else real("board")


@pytest.fixture(params=["own", "real"])
def notes_file(request: pytest.FixtureRequest) -> bytes:
    """Notes with the newest on top: our own, and the real ones."""
    return own("notes-top") if request.param == "own" else real("notes-top")


@pytest.fixture(params=["own", "real"])
def index_file(request: pytest.FixtureRequest) -> bytes:
    """An index without a table of sessions: our own, and the real one."""
    return own("index") if request.param == "own" else real("index")


@pytest.fixture
def own_board() -> bytes:
    """Our own board."""
    return own("board")


@pytest.fixture
def own_notes() -> dict[str, bytes]:
    """Our own notes, by where new ones go."""
    return {"top": own("notes-top"), "end": own("notes-end")}


@pytest.fixture
def real_board() -> bytes:
    """The real board."""
    return real("board")


@pytest.fixture
def real_notes() -> bytes:
    """The real notes."""
    return real("notes-top")
