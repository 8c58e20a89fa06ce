"""The journal: nothing that was said is lost, whatever happens to the file."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_invariants import commands
from waiting import wait_until

from livecode.clock import SystemClock
from livecode.commands import AnyCommand, Mute
from livecode.engine import LiveEngine
from livecode.errors import OutputError
from livecode.facts import Answered, Moved, PortOpened, Taken
from livecode.journal import KEPT, Ended, Journal, Opened, glance, new_path, read
from livecode.music import Beats
from livecode.notation import beat
from livecode.packing import packed
from livecode.protocol import Envelope, LogEntry, Opening, decode_request, encode
from livecode.tempo import Meter

OPENING = Opening(
    bpm=Fraction(193, 2),
    meter=Meter(7, 8),
    seed=7,
    soundfont="a.sf2",
    driver=None,
    gain=0.6,
    reverb=True,
    chorus=False,
    audio=False,
    require_audio=False,
    patience=30.0,
)
OPENED = Opened(name="main", time=1.5, opening=OPENING)
FACTS = (
    Taken(now=Beats(1, 3), at=Beats(4), command=Mute(part="lead", muted=True)),
    Answered(now=Beats(4), at=Beats(8), part="drums", packed=packed(beat(kick="x..x")), asked=Beats(2), asks=1, asks_ever=3),
    Moved(started=12.5, held=Beats(0), paused=False, pause_at=Beats(16)),
    PortOpened(now=Beats(9), name="Digitone", api="jack", virtual=False),
)


def written(path: Path) -> Path:
    journal = Journal(path)
    journal.start()
    for line in (OPENED, *FACTS, Ended(time=2.0)):
        journal.write(line)
    journal.close()
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    story = read(written(tmp_path / "new" / "a.jsonl"))
    assert (story.opened, story.facts, story.ended, story.bad) == (OPENED, FACTS, True, 0)


@given(commands)
def test_every_command_travels_and_is_kept_as_it_is(command: AnyCommand) -> None:
    assert decode_request(encode(Envelope("x", command))).request == command


def test_what_settles_is_in_the_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.start()
    journal.write(OPENED)
    for number, fact in enumerate(FACTS, start=1):
        journal.write(fact)
        assert journal.settle(60)
        assert read(journal.path).facts == FACTS[:number]
    journal.close()


@given(cut=st.integers(0, 1200))
def test_a_journal_that_is_cut_loses_only_the_line_that_was_cut(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = written(tmp_path_factory.mktemp("cut") / "a.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    lines = whole[:cut].count(b"\n")
    if cut < whole.index(b"\n"):
        with pytest.raises(OutputError, match="is no journal"):
            read(path)
    else:
        facts = read(path).facts
        assert facts == FACTS[: len(facts)]
        assert len(facts) >= min(lines - 1, len(FACTS))


def test_a_journal_with_a_flipped_byte_loses_only_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b'"type"', b'"typf"', 1)
    path.write_bytes(b"\n".join(lines))
    story = read(path)
    assert story.facts == (FACTS[0], *FACTS[2:])
    assert story.bad == 1


def test_a_journal_goes_on_after_a_line_that_was_cut(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    path.write_bytes(path.read_bytes()[:-5])
    journal = Journal(path)
    journal.start()
    journal.write(FACTS[0])
    journal.close()
    assert read(path).facts == (*FACTS, FACTS[0])


def test_a_disk_that_is_full_is_said(tmp_path: Path) -> None:
    full = tmp_path / "full.jsonl"
    full.symlink_to("/dev/full")
    journal = Journal(full)
    journal.start()
    journal.write(OPENED)
    wait_until(lambda: bool(journal.trouble), "the trouble")
    assert journal.trouble == f"the journal cannot be written (No space left on device): free some space in {tmp_path}"
    assert not journal.settle(0)
    journal.close()


def test_what_is_no_journal_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\x00\xff\n{}\n")
    with pytest.raises(OutputError, match="is no journal: its first line does not say what was opened"):
        read(tmp_path / "a.jsonl")
    with pytest.raises(OutputError, match="cannot be read"):
        read(tmp_path / "nothing.jsonl")


def test_a_journal_of_another_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    said = path.read_bytes()
    for version, line in ((1, said.replace(b',"version":2', b"", 1)), (3, said.replace(b'"version":2', b'"version":3', 1))):
        path.write_bytes(line)
        sentence = f"a.jsonl was recorded in version {version}, and this livecode reads 2: use the livecode that wrote it."
        for look in (read, glance):
            with pytest.raises(OutputError, match=sentence):
                look(path)


def test_only_the_newest_journals_are_kept_and_those_that_have_not_ended(tmp_path: Path) -> None:
    for number in range(KEPT + 10):
        (tmp_path / f"2020-01-01-{number:06}-1-main.jsonl").write_bytes(b'{"type":"Ended","time":1.0}\n')
    (tmp_path / "2020-01-01-000003-1-main.jsonl").write_bytes(b"{}\n")
    path = new_path(tmp_path, "left")
    assert path.name.endswith("-left.jsonl")
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == KEPT + 1
    assert (tmp_path / f"2020-01-01-{KEPT + 9:06}-1-main.jsonl").exists()


def test_an_engine_that_is_back_has_the_newest_of_a_long_log() -> None:
    log = [LogEntry(float(place), 1, f"sentence {place}") for place in range(1300)]
    engine = LiveEngine(SystemClock(), [], OPENING)
    engine.note("before")
    engine.recall([], log, 0.0)
    said = [entry.sentence for entry in engine.log()]
    assert (len(said), said[-2:], said[0]) == (1000, ["sentence 1299", "before"], "sentence 301")
