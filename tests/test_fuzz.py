"""Five hundred cases of bad input, five thousand in the slow form; what is done with them is in fuzz.py."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fuzz import SHARES, counts  # noqa: E402


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", SHARES, ids=lambda kind: kind.__name__.removeprefix("fuzz_"))
def test_bad_input_ends_in_a_result_or_in_one_error(kind, times, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECHO17_CACHE", str(tmp_path / "cache"))
    before = sum(counts.values())
    kind(tmp_path, SHARES[kind] * times)
    assert sum(counts.values()) - before >= SHARES[kind] * times * 0.9  # not every drawn pair is a case: some training configurations are the defaults


def test_there_are_five_hundred(): assert sum(SHARES.values()) == 500
