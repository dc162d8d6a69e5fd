"""What the name of a file in the inbox says by itself: asked of every staged path, so it loads nothing."""


def is_candidate(name: str) -> bool:
    """Whether a path below the inbox is meant as a delta; `.gitkeep` and a README are not."""
    return any(part.lower().endswith(".json") for part in name.split("/"))
