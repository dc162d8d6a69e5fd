"""git's index: read where it is broken, put together where it is split, and shared by all who write in a work tree."""
