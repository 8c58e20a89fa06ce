"""A recording that is performed on a live stage: the same to the bit whatever the machine does, and yours whenever you say so."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rig import Rig, a_model
from sessions import OPENED, Session, Slow, Step, heard, midi, stalls, steps
from waiting import wait_until

import livecode as lc
from livecode.agenda import Passage
from livecode.commands import Assign, Continue, Hush, Mute, Pause, Play, Tempo
from livecode.errors import BadInput
from livecode.facts import CameBack, Fact, Moved, Over, Slept, Taken
from livecode.journal import Journal, Opened
from livecode.music import Beats
from livecode.notation import notes
from livecode.offline import OfflineEngine
from livecode.recording import Recording
from livecode.sequencer import Sequencer


class Performing(Rig):
    """A rig with recordings."""

    def __init__(self, recordings: dict[str, Recording]) -> None:
        self.recordings = recordings
        super().__init__(bpm=120, outputs=[Slow(0.02)], passages=self._passage)

    def _passage(self, path: str, begin: Beats) -> Passage:
        return Passage.of(self.recordings[path], begin)

    def performs(self, path: str, begin: int = 0, request: str = "") -> str:
        """Perform a recording from this beat on."""
        return self.sequencer.perform(path, self._passage(path, Beats(begin)), request).words


class Performance:
    """A live sequencer on virtual time that performs a recording, on a machine that stalls."""

    def __init__(self, recording: Recording, begin: int = 0, *, before: str = "") -> None:
        self.rig = Performing({"x.jsonl": recording})
        if before:
            self.rig.plays("mine", before)
            self.rig.play(until=2)
        self.said = self.rig.performs("x.jsonl", begin)

    @property
    def sequencer(self) -> Sequencer:
        return self.rig.sequencer

    def go_on(self, *, until: Beats, stalls: list[float] = []) -> None:  # noqa: B006 (it is only read)
        """Let time go on to this beat; again and again the machine stalls."""
        turn, turns = 0, 0
        while max(self.sequencer.time.beat(), self.sequencer.time.held) < until and turns < 20_000:
            self.sequencer.advance(self.rig.clock.now() + 0.22)
            stall = stalls[turn % len(stalls)] if stalls else 0.0
            self.rig.clock.wait_until(self.rig.clock.now() + 0.03 + stall)
            turn, turns = turn + 1, turns + 1
        self.sequencer.advance(self.rig.clock.now() + 0.22)


def told(recording: Recording, end: Beats) -> bytes:
    engine = OfflineEngine(OPENED)
    engine.retell(recording.facts, end)
    return midi(heard(engine.tape, engine.tempo(), end), engine.tempo(), end)


def sounded(performance: Performance, end: Beats) -> bytes:
    tempo = performance.sequencer.time.tempo
    return midi(heard(performance.rig.tape, tempo, end), tempo, end)


@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(steps, st.lists(stalls, min_size=1, max_size=7))
def test_whatever_the_machine_does_a_recording_sounds_the_same(script: list[Step], stalls: list[float]) -> None:
    session = Session(script)
    recording = Recording(OPENED, (*session.recording.facts, Over(now=session.end)))
    performance = Performance(recording)
    performance.go_on(until=session.end, stalls=stalls)
    assert (
        sounded(performance, session.end)
        == told(recording, session.end)
        == midi(session.events(), session.rig.sequencer.time.tempo, session.end)
    )
    assert performance.rig.models.requests == []
    assert [sentence for sentence in performance.rig.log if "left out of the replay" in sentence] == []


def recorded(*facts: Fact, end: int = 16) -> Recording:
    return Recording(OPENED, (*facts, Over(now=Beats(end))))


def plays(part: str, text: str, now: int = 0, at: int = 0) -> Taken:
    return Taken(now=Beats(now), at=Beats(at), command=Play(part=part, phrase=notes(text)))


SONG = recorded(
    plays("lead", "C4 . . ."),
    plays("bass", "C2 . . ."),
    Moved(started=1.0, held=Beats(0), paused=False, pause_at=None),
    plays("lead", "D4 . . .", 6, 8),
    plays("bass", "D2 . . .", 6, 8),
)


def test_what_is_said_to_a_part_takes_it_over_and_the_others_go_on() -> None:
    performance = Performance(SONG)
    performance.go_on(until=Beats(2))
    words = performance.rig.plays("lead", "E4 . . .").words
    assert words.endswith("; lead is yours now: what the replay had for it is dropped")
    performance.go_on(until=Beats(20))
    assert performance.rig.score("lead", until=20) == [(0, "C4"), (4, "E4"), (8, "E4"), (12, "E4"), (16, "E4")]
    assert performance.rig.score("bass", until=20) == [(0, "C2"), (4, "C2"), (8, "D2"), (12, "D2")]


def test_beside_what_plays_it_begins_on_the_next_bar_and_ends_alone() -> None:
    performance = Performance(SONG, before="G5 . . .")
    assert performance.said == "performs x: 4 bars from bar 2 on"
    performance.go_on(until=Beats(24))
    assert performance.rig.score("lead", until=24) == [(4, "C4"), (8, "C4"), (12, "D4"), (16, "D4")]
    assert performance.rig.score("mine", until=24) == [(beat, "G5") for beat in (0, 4, 8, 12, 16, 20)]


def test_from_a_later_bar_on_it_sounds_as_it_does_there() -> None:
    performance = Performance(SONG, 8)
    performance.go_on(until=Beats(20))
    assert performance.rig.score("lead", until=20) == [(8, "D4"), (12, "D4")]


def test_hush_ends_it() -> None:
    performance = Performance(SONG)
    performance.go_on(until=Beats(1))
    assert performance.rig.obey(Hush()).words.endswith("; the replay ends")
    performance.go_on(until=Beats(16))
    assert performance.rig.score(until=16) == [(0, "C4"), (0, "C2")]


def test_a_model_is_asked_only_for_a_part_that_was_taken_over() -> None:
    model = Assign(part="lead", model=a_model())
    song = recorded(*SONG.facts[:-1], Taken(now=Beats(6), at=Beats(8), command=model), end=64)
    performance = Performance(song)
    performance.go_on(until=Beats(12))
    assert performance.rig.models.requests == []
    performance.rig.obey(Mute(part="lead", muted=False))
    performance.go_on(until=Beats(16))
    assert [request.id for request in performance.rig.models.requests] == ["lead-1"]


def test_a_crash_in_its_middle_and_it_goes_on() -> None:
    performance = Performance(SONG)
    performance.go_on(until=Beats(5))
    performance.rig.plays("bass", "G2 . . .")
    back = performance.rig.after_a_crash(down=0.2)
    back.play(until=20)
    assert [entry for entry in back.score("lead", until=20) if entry[0] >= 8] == [(8, "D4"), (12, "D4")]
    assert [entry for entry in back.score("bass", until=20) if entry[0] >= 8] == [(8, "G2"), (12, "G2"), (16, "G2")]


def test_the_tempo_is_the_recordings_until_it_is_taken_over() -> None:
    song = recorded(*SONG.facts[:-1], Taken(now=Beats(6), at=Beats(8), command=Tempo(bpm=Fraction(60))))
    performance = Performance(song)
    performance.go_on(until=Beats(1))
    words = performance.rig.obey(Tempo(bpm=Fraction(180))).words
    assert words.endswith("tempo is yours now: what the replay had for it is dropped")
    performance.go_on(until=Beats(10))
    assert performance.sequencer.time.tempo.bpm_at(Beats(10)) == 180


PAUSED = recorded(
    plays("lead", "C4 . . ."),
    Moved(started=1.0, held=Beats(0), paused=False, pause_at=None),
    Taken(now=Beats(3), at=Beats(4), command=Pause()),
    Moved(started=None, held=Beats(4), paused=True, pause_at=None),
    Taken(now=Beats(4), at=Beats(4), command=Continue()),
    Moved(started=5.0, held=Beats(4), paused=False, pause_at=None),
    plays("lead", "D4 . . .", 7, 8),
)


def stands(rig: Rig, seconds: float) -> None:
    """Let the clock go on for so long."""
    for _ in range(round(seconds / 0.03)):
        rig.sequencer.advance(rig.clock.now() + 0.22)
        rig.clock.wait_until(rig.clock.now() + 0.03)


@pytest.mark.parametrize("song", [PAUSED, SONG])
def test_ones_own_pause_is_ended_by_no_recorded_one_also_after_a_crash(song: Recording) -> None:
    performance = Performance(song)
    performance.go_on(until=Beats(2))
    words = performance.rig.obey(Pause()).words
    assert words == "pauses at bar 2; pause is yours now: what the replay had for it is dropped"
    stands(performance.rig, 20)
    back = performance.rig.after_a_crash(down=0.2)
    stands(back, 20)
    for rig in (performance.rig, back):
        assert (rig.sequencer.time.running, rig.sequencer.time.held) == (False, 4)
    assert back.obey(Continue()).words == "goes on at bar 2"
    back.play(until=9)
    assert back.score("lead", until=9) == [(4, "C4"), (8, "D4")]


def test_who_ends_a_recorded_pause_has_pauses_from_then_on() -> None:
    performance = Performance(PAUSED)
    performance.go_on(until=Beats(4))
    stands(performance.rig, 1)
    assert performance.rig.obey(Continue()).words.endswith("; pause is yours now: what the replay had for it is dropped")
    performance.go_on(until=Beats(9))
    assert performance.rig.score("lead", until=9) == [(0, "C4"), (4, "C4"), (8, "D4")]
    assert "left out" not in " ".join(performance.rig.log)


@pytest.mark.parametrize("until", [3, 6, 10])
def test_a_crash_after_a_recorded_pause_says_nothing_false_of_it(until: int) -> None:
    performance = Performance(PAUSED)
    performance.go_on(until=Beats(until))
    back = performance.rig.after_a_crash(down=0.2)
    stands(back, 10)
    assert [sentence for sentence in back.log if "left out" in sentence] == []
    assert back.score("lead", until=16)[-1] == (12, "D4")


@pytest.mark.parametrize("before", ["", "G5 . . ."])
@pytest.mark.parametrize("silence", [Slept(begin=Beats(5), end=Beats(7)), CameBack(crashed=Beats(5), now=Beats(6))])
def test_recorded_silence_comes_once_although_the_engine_crashes_right_after(silence: Fact, before: str) -> None:
    performance = Performance(recorded(plays("lead", "C4 D4 E4 F4"), silence, end=40), before=before)
    performance.go_on(until=Beats(16))
    back = performance.rig.after_a_crash(down=0.2)
    back.play(until=32)
    assert [fact for fact in performance.rig.facts if isinstance(fact, Slept | CameBack) and fact.place]
    assert [fact for fact in back.facts if isinstance(fact, Slept | CameBack) and fact.place] == []
    assert [beat for beat, _ in back.score("lead", until=32) if beat >= 20] == list(range(20, 32))
    assert back.log == []


def test_a_stage_performs_a_journal_from_a_bar_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "x.jsonl")
    journal.start()
    for line in (Opened(name="main", time=1.0, opening=OPENED), *SONG.facts):
        journal.write(line)
    journal.close()
    with lc.Stage(outputs=[]) as stage:
        assert stage.perform(tmp_path / "x.jsonl", bar=3) == "performs x from its bar 3: 2 bars from bar 3 on"
        wait_until(lambda: stage.snapshot().beats > 13, "four beats")
        assert [entry for entry in stage.tape.onsets("lead") if entry[0] < 13] == [(8, "D4"), (12, "D4")]
        assert "replay x: bar 4 of 4" in stage.status()[0]
        with pytest.raises(lc.OutputError, match="cannot be read"):
            stage.perform(tmp_path / "y.jsonl")
        with pytest.raises(BadInput, match="give a file and a bar from 1 on"):
            stage.perform(tmp_path / "x.jsonl", bar=0)


def test_nothing_is_performed_in_a_pause_or_from_beyond_the_end() -> None:
    with pytest.raises(BadInput, match=r"x has no bar 5 to perform: it has 4\."):
        Performance(SONG, 16)
    performance = Performance(SONG)
    performance.go_on(until=Beats(1))
    performance.rig.obey(Pause())
    with pytest.raises(BadInput, match="The music is paused: let it go on before something is performed"):
        performance.rig.performs("x.jsonl")
