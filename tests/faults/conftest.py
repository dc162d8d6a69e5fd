"""The fleet that every history begins with, made once."""

from pathlib import Path

import pytest
from faults.world import build


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet to copy."""
    root = tmp_path_factory.mktemp("faults") / "model"
    build(root)
    return root
