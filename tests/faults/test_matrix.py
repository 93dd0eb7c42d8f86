"""The table of faults holds: each has a proof that exists, and each proof names a fault of the table."""

import pytest

from tests.faults.matrix import ELSEWHERE, FAULTS, HERE, LEFT_OUT, OPEN, ROOT, faults_named_by, find_tests, proofs


def test_every_fault_has_a_proof_or_a_reason_why_not():
    missing = [fault for fault, nodes in proofs().items() if not nodes and fault not in OPEN]
    assert missing == []


def test_no_fault_that_is_proved_is_called_open():
    assert [fault for fault in OPEN if proofs().get(fault)] == []
    assert OPEN.keys() <= FAULTS.keys()


def test_what_is_left_out_is_left_out_of_a_proof():
    assert LEFT_OUT.keys() <= {fault for fault, nodes in proofs().items() if nodes}


def test_every_proof_that_is_named_exists():
    named = {node for nodes in ELSEWHERE.values() for node in nodes}
    files = {ROOT / node.partition("::")[0] for node in named}
    known = {test.node for file in files if file.exists() for test in find_tests(file)}
    assert sorted(named - known) == []


def test_no_proof_names_a_fault_that_the_table_lacks():
    assert sorted(proofs().keys() - FAULTS.keys()) == []


def test_every_test_with_a_real_platform_is_marked_as_slow():
    """Else it would run in the quick suite."""
    tests = [test for path in sorted(HERE.glob("test_*.py")) for test in find_tests(path)]
    unmarked = [test.node for test in tests if "platform" in test.fixtures and not test.is_slow]
    assert unmarked == []


@pytest.mark.parametrize(
    ("docstring", "faults"),
    [
        ("F03: SIGSTOP it.", ["F03"]),
        ("F101, F92: both.", ["F101", "F92"]),
        ("F43, without the load: all files.", ["F43"]),
        ("F01 and F02: both.", ["F01", "F02"]),
        ("The fault F03 is meant.", []),
        ("", []),
    ],
)
def test_a_docstring_names_its_faults_at_its_beginning(docstring, faults):
    assert faults_named_by(docstring) == faults
