"""The hub: where the state branch lives, and the refs that guard shares beside it; every write compares and swaps."""
