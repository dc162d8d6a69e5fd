"""What holds for all tests: hypothesis judges results, never time."""

from hypothesis import settings

settings.register_profile("guard", deadline=None)
settings.load_profile("guard")
