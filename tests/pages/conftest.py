"""The laboratory in which pages are tried out."""

from pathlib import Path

import pytest
from walks.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A laboratory of one's own."""
    return Lab(tmp_path)
