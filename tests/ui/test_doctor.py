"""The doctor: what is missing here, and what to do about it."""

from pathlib import Path

import pytest

from livecode.ui import doctor


def test_it_looks_where_journals_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (fine,) = doctor.findings({"journals"})
    assert str(fine).startswith(f"ok journals: in {tmp_path / 'livecode'}, ")
    monkeypatch.setattr("shutil.disk_usage", lambda folder: (10**9, 10**9 - 1, 1))
    (full,) = doctor.findings({"journals"})
    assert full.advice.startswith("Make room")


def test_a_folder_that_cannot_be_made_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    (finding,) = doctor.findings({"journals"})
    assert "cannot be made" in finding.advice
