"""The bugs that `make soak` plants can still be planted, and the tests that notice them are still there."""

from pathlib import Path

import pytest

from tests.soak.bugs import BUGS, Bug

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.what)
def test_a_bug_has_its_place_and_its_test(bug: Bug):
    for edit in bug.edits:
        assert (ROOT / edit.file).read_text().count(edit.old) == 1
    file, _, test = bug.test.partition("::")
    assert f"def {test}(" in (ROOT / file).read_text()
