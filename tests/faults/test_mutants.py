"""The mutants by which `make mutants` proves the harness: each still breaks something."""

from faults.mutants import MUTANTS, TOP


def test_each_mutant_still_fits() -> None:
    """What it replaces is in guard, once: one that changes nothing would prove nothing."""
    times = {each.name: (TOP / each.file).read_text().count(each.old) for each in MUTANTS}
    assert times == dict.fromkeys(times, 1)
