"""Call and response, primers from others, and loops of what was played, on virtual time."""

from fractions import Fraction

import msgspec
import pytest
from keys import Keys
from rig import Rig, a_model
from sessions import OPENED, Session, heard, midi, run_again

from livecode.commands import Act, Action, Assign, Capture, FollowClock, Prime, Respond, Rest, Tread, Undo
from livecode.errors import BadInput, UnknownName
from livecode.facts import Answered, Looped
from livecode.masters import MidiMaster
from livecode.models.wire import Model
from livecode.music import Note, Phrase
from livecode.notation import beat, notes
from livecode.offline import OfflineEngine
from livecode.played import respond, rest


def pitches(phrase: Phrase | None) -> list[tuple[float, int]]:
    assert phrase is not None
    return [(float(note.onset), note.pitch) for note in phrase.notes]


@pytest.fixture
def rig() -> Rig:
    """Time runs, by a bass; the lead has a model and no notes."""
    rig = Rig(bpm=120)
    rig.plays("bass", "C2 _ _ _")
    rig.models_of("lead", a_model(1))
    return rig


@pytest.fixture
def keys(rig: Rig) -> Keys:
    return Keys(rig)


def doing(rig: Rig, part: str = "lead") -> str:
    return next(state.doing for state in rig.sequencer.snapshot().parts if state.name == part)


def test_a_call_of_two_bars_is_answered_for_two(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", bars=2))
    rig.play(until=4.5)
    assert doing(rig) == "listens to keys"
    keys.play(5, 60, 0.5)
    assert doing(rig) == "listens to keys, bar 1 of 2"
    keys.play(8, 64, 1)
    assert doing(rig) == "listens to keys, bar 2 of 2"
    rig.play(until=11.5)
    request = rig.models.requests[-1]
    assert (pitches(request.primer), request.beats, request.needed_by) == ([(1, 60), (4, 64)], 8, 12)
    rig.answer("C4 D4 E4 F4 G4 A4 B4 C5")
    rig.play(until=13)
    assert doing(rig) == "answers keys"
    rig.play(until=21)
    assert rig.score("lead", until=21) == [
        *((12, "C4"), (13, "D4"), (14, "E4"), (15, "F4")),
        *((16, "G4"), (17, "A4"), (18, "B4"), (19, "C5")),
    ]
    assert doing(rig) == "listens to keys"
    keys.play(22, 67, 0.5)
    rig.play(until=27.9)
    assert pitches(rig.models.requests[-1].primer) == [(2, 67)]  # the next call


def test_silence_is_not_answered_and_a_call_begins_in_the_bar_of_its_first_note(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", bars=1))
    asked = len(rig.models.requests)
    rig.play(until=30)
    assert len(rig.models.requests) == asked
    keys.play(31.9, 60, 0.25)  # a little before the bar line, and meant to be on it
    rig.play(until=35.9)
    assert pitches(rig.models.requests[-1].primer) == [(0, 60)]
    assert rig.models.requests[-1].needed_by == 36


def test_a_late_answer_leaves_silence_and_enters_on_the_next_bar(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", bars=1))
    keys.play(4, 60, 0.5)
    rig.play(until=9)
    assert rig.score("lead", until=9) == []
    rig.answer("E4 . . .")
    rig.play(until=17)
    assert rig.score("lead", until=17) == [(12, "E4")]
    assert "lead's answer is late: it begins at bar 4" in rig.log


def test_until_a_beat_of_rest_the_answer_is_as_long_as_the_call(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", until=Rest(Fraction(1))))
    for place in range(5):
        keys.play(4 + place, 60 + place, 0.75)
    rig.play(until=9.25)
    assert doing(rig) == "listens to keys, bar 2"
    asked = len(rig.models.requests)
    rig.play(until=10)
    assert len(rig.models.requests) == asked + 1
    request = rig.models.requests[-1]
    assert (len(pitches(request.primer)), request.needed_by, request.beats) == (5, 12, 8)


def test_until_the_pedal_goes_down(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", until=Tread()))
    keys.play(4, 60, 1)
    asked = len(rig.models.requests)
    rig.play(until=17)
    assert len(rig.models.requests) == asked
    keys.say(0xB0, 64, 127)
    rig.play(until=17.5)
    assert (rig.models.requests[-1].needed_by, rig.models.requests[-1].beats) == (20, 16)


def test_a_pedal_that_is_down_before_the_first_note_ends_no_call(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", until=Tread()))
    rig.play(until=4.5)
    keys.say(0xB0, 64, 127)
    asked = len(rig.models.requests)
    keys.play(5, 60, 1)
    rig.play(until=13)
    assert (len(rig.models.requests), doing(rig)) == (asked, "listens to keys, bar 3")
    keys.say(0xB0, 64, 0)
    rig.play(until=13.5)
    keys.say(0xB0, 64, 127)
    rig.play(until=14)
    assert (rig.models.requests[-1].needed_by, rig.models.requests[-1].beats) == (16, 12)


def test_answers_that_overlap_calls(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", bars=1, continuous=True))
    for bar in range(1, 5):
        keys.play(4 * bar, 60 + bar, 1)
        rig.play(until=4 * bar + 3.5)
        assert pitches(rig.models.requests[-1].primer) == [(0, 60 + bar)]
        rig.answer(notes("C5 . . .").transpose(bar))
    rig.play(until=25)
    assert rig.score("lead", until=25) == [(8, "C#5"), (12, "D5"), (16, "D#5"), (20, "E5")]


def test_time_begins_with_the_first_note_that_is_to_be_answered() -> None:
    rig = Rig(bpm=120)
    keys = Keys(rig)
    rig.models_of("lead", a_model(1))
    rig.obey(Respond(part="lead", source="keys", bars=1))
    rig.play(until=0)
    assert not rig.sequencer.time.running
    keys.say(0x90, 60, 100)
    rig.play(until=1)
    keys.say(0x80, 60, 0)
    rig.play(until=3.5)
    assert pitches(rig.models.requests[-1].primer) == [(0, 60)]
    rig.answer("E4 . . .")
    rig.play(until=9)
    assert rig.score("lead", until=9) == [(4, "E4")]


def test_a_first_key_does_not_begin_before_the_master_that_is_followed() -> None:
    rig, master = Rig(bpm=120), MidiMaster()
    keys = Keys(rig)
    rig.sequencer.offer("KeyStep", master)
    rig.obey(FollowClock(source="KeyStep"))
    rig.models_of("lead", a_model(1))
    rig.obey(Respond(part="lead", source="keys", bars=1))
    master.hear(rig.clock.now(), (0xFC,))
    rig.play(until=0)
    keys.say(0x90, 60, 100)
    rig.play(until=0)
    assert not rig.sequencer.time.running
    rig.obey(FollowClock(source=""))
    keys.say(0x90, 62, 100)
    assert rig.sequencer.time.running


def test_it_ends_with_another_word_and_undo_brings_it_back(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", bars=1))
    rig.play(until=5)
    rig.plays("lead", "A4 . . .")
    rig.play(until=10)
    assert doing(rig) == "loops 1 bar"
    rig.obey(Undo(part="lead"))
    keys.play(16, 60, 1)
    rig.play(until=19.5)
    assert pitches(rig.models.requests[-1].primer) == [(0, 60)]
    rig.answer("E4 . . .")
    rig.play(until=25)
    assert [entry for entry in rig.score("lead", until=25) if entry[0] >= 12] == [(20, "E4")]
    rig.does("lead", Action.LOOP)
    rig.play(until=37)
    assert doing(rig) == "loops 1 bar"
    assert rig.score("lead", until=37)[-1] == (36, "E4")


def test_after_a_crash_it_goes_on_listening_with_what_it_had_heard(rig: Rig, keys: Keys) -> None:
    rig.obey(Respond(part="lead", source="keys", bars=2))
    keys.play(4, 60, 1)
    rig.play(until=6)
    back = rig.after_a_crash()
    assert doing(back) == "listens to keys, bar 1 of 2"
    back.play(until=11.5)
    assert pitches(back.models.requests[-1].primer) == [(0, 60)]
    back.answer("E4 . . . . . . .")
    back.play(until=21)
    assert back.score("lead", until=21) == [(12, "E4")]
    back.facts[:0] = rig.facts
    again = back.after_a_crash()
    assert doing(again) == "listens to keys"
    told = back.retold(again)
    assert told.onsets("lead") == back.score("lead", until=21)


def test_what_cannot_be_answered_is_said(rig: Rig, keys: Keys) -> None:
    with pytest.raises(BadInput, match=r"bass has no model yet: give it one first, such as bass >> melody_rnn\(\)"):
        rig.obey(Respond(part="bass", source="keys"))
    with pytest.raises(UnknownName, match="There is no input 'pads'"):
        rig.obey(Respond(part="lead", source="pads"))
    with pytest.raises(BadInput, match="A call over bars = 0 cannot be: give a whole number from 1 to 16"):
        Respond(part="lead", source="keys", bars=0)
    rig.obey(Respond(part="lead", source="keys", bars=1))
    keys.play(4, 36, 1, channel=9)
    rig.play(until=8)
    assert "lead does not answer: it hears drums, and its model plays notes" in repr(rig.log)


def test_the_answer_says_how_long_a_call_is(rig: Rig, keys: Keys) -> None:
    for given, said in (
        ({}, "2 bars at a time"),
        ({"bars": 1, "continuous": True}, "1 bar at a time, also while it answers"),
        ({"until": Rest(Fraction(1, 2))}, "until nothing sounds for 1/2 beat"),
        ({"until": Tread()}, "until the pedal goes down"),
    ):
        words = rig.obey(Respond(part="lead", source="keys", **given)).words  # type: ignore[arg-type]
        assert words == f"lead: listens to keys, {said}, and answers for as long, from bar 1 on"
    with pytest.raises(BadInput, match=r"A call ends after bars=2 or until=rest\(1\), not after both: give one of them"):
        respond("lead", "keys", bars=2, until=rest(1), continuous=False)
    assert respond("lead", "keys", bars=None, until=None, continuous=False).bars == 2


def test_drums_answer_the_rhythm_of_notes(rig: Rig, keys: Keys) -> None:
    rig.models_of("drums", a_model(1, drums=True))
    rig.obey(Respond(part="drums", source="keys", bars=1))
    keys.play(4, 48, 1)
    keys.play(5, 72, 1)
    rig.play(until=7.9)
    primer = rig.models.requests[-1].primer
    assert primer is not None
    assert primer.drums
    assert pitches(primer) == [(0, 36), (1, 38)]


# Primers from others


def test_a_part_follows_what_another_sounds(rig: Rig) -> None:
    rig.play(until=0)
    rig.answer("E4 . . .")
    said = rig.obey(Prime(part="lead", source="bass", bars=1, generate=True))
    assert said.words == "lead: new bars every loop, from bar 3; they continue the last bar of bass"
    rig.play(until=5)
    assert pitches(rig.models.requests[-1].primer) == [(0, 36)]
    rig.obey(Prime(part="lead", source=""))
    rig.answer("G4 . . .")
    rig.play(until=12)
    assert pitches(rig.models.requests[-1].primer) == [(0, 67)]


def test_a_part_does_not_follow_itself_and_two_that_follow_each_other_both_go_on(rig: Rig) -> None:
    with pytest.raises(BadInput, match="lead cannot follow itself: name another part or an input"):
        rig.obey(Prime(part="lead", source="lead", generate=True))
    rig.models_of("bass", a_model(1))
    rig.obey(Prime(part="lead", source="bass", bars=1, generate=True))
    rig.obey(Prime(part="bass", source="lead", bars=1, generate=True))
    rig.play_answering(until=21)
    assert [name for _, name in rig.score("lead", until=21)] == ["D2"] * 5
    assert [name for _, name in rig.score("bass", until=21)] == ["C2", *["D2"] * 5]


def test_drums_are_primed_by_what_was_played_and_by_their_own_bars_where_nothing_was(rig: Rig, keys: Keys) -> None:
    rig.plays("drums", beat(kick="x...x..."))
    rig.models_of("drums", a_model(1, drums=True))
    rig.obey(Prime(part="drums", source="keys", bars=1))
    rig.play(until=0.5)
    own = rig.models.requests[-1].primer
    assert own is not None
    assert {note.pitch for note in own.notes} == {36}
    rig.answer(Phrase((Note(Fraction(0), Fraction(1, 4), 38),), Fraction(4), drums=True))
    keys.play(1, 72, 1)
    rig.play(until=8)
    assert pitches(rig.models.requests[-1].primer)[:1] == [(1, 38)]
    with pytest.raises(UnknownName, match="There is no part or input 'pads': there are"):
        rig.obey(Prime(part="drums", source="pads"))


def test_chords_that_were_played_last_go_round_under_the_new_bars(rig: Rig, keys: Keys) -> None:
    model: Model = msgspec.structs.replace(a_model(1, primer=None), chords="input:keys")
    for pitch in (60, 64, 67):
        rig.play(until=1)
        keys.say(0x90, pitch, 90)
    rig.play(until=3)
    rig.obey(Assign(part="solo", model=model))
    rig.play(until=3.25)
    heard = rig.models.requests[-1].chords
    assert isinstance(heard, Phrase)
    assert heard.length == 8
    assert pitches(heard) == [(1, 60), (1, 64), (1, 67), (5, 60), (5, 64), (5, 67)]
    assert repr(model).startswith("melody_rnn('attention_rnn', chords='input:keys'")


# Loops


def test_the_last_bars_that_were_played_are_a_loop_with_the_very_last_note(rig: Rig, keys: Keys) -> None:
    keys.play(1, 60, 1)
    keys.play(4, 62, 1)
    keys.play(6, 64, 1)
    said = rig.obey(Capture(part="looper", source="keys", bars=1))
    assert said.words == "looper: loops the last bar of keys from bar 3"
    keys.play(Fraction(79, 10), 65, 0.05)  # when the plan has passed the bar line long since
    rig.play(until=17)
    assert rig.score("looper", until=17) == [
        *((8, "D4"), (10, "E4"), (11.9, "F4")),
        *((12, "D4"), (14, "E4"), (15.9, "F4"), (16, "D4")),
    ]
    assert [fact.whole for fact in rig.facts if isinstance(fact, Looped)] == [False, True]
    back = rig.after_a_crash()
    assert rig.retold(back).onsets("looper") == rig.score("looper", until=17)
    back.play(until=24.5)
    assert [entry for entry in back.score("looper", until=24.5) if entry[0] >= 20] == [
        (20, "D4"),
        (22, "E4"),
        (23.9, "F4"),
        (24, "D4"),
    ]
    assert doing(back, "looper") == "loops 1 bar"


def test_a_loop_is_dubbed_over_and_undone(rig: Rig, keys: Keys) -> None:
    rig.plays("looper", "C3 . . . E3 . . .")
    rig.play(until=9)
    keys.play(9, 72, 1)
    rig.obey(Capture(part="looper", source="keys", overdub=True))
    rig.play(until=21)
    assert [entry for entry in rig.score("looper", until=21) if entry[0] >= 12] == [
        *((12, "E3"), (16, "C3"), (17, "C5"), (20, "E3")),
    ]
    rig.obey(Undo(part="looper"))
    rig.play(until=33)
    assert [entry for entry in rig.score("looper", until=33) if entry[0] >= 28] == [(28, "C3"), (32, "E3")]


def test_nothing_played_is_no_loop_and_another_word_comes_before_it(rig: Rig, keys: Keys) -> None:
    rig.plays("looper", "C3 . . .")
    rig.play(until=9)
    said = rig.obey(Capture(part="looper", source="keys", bars=1)).words
    assert said == "looper: loops the last bar of keys from bar 4; nothing was played yet"
    rig.play(until=13)
    assert rig.score("looper", until=13)[-1] == (12, "C3")
    assert "looper goes on with what it has: nothing was played on keys" in rig.log
    keys.play(13, 60, 1)
    rig.obey(Capture(part="looper", source="keys", bars=1))
    rig.obey(Act(part="looper", action=Action.STOP))
    rig.play(until=21)
    assert doing(rig, "looper") == "stopped"


# Again


class Jam(Session):
    """A session in which somebody plays all the time."""

    _keys: Keys | None = None

    def _play(self, seconds: float) -> None:
        keys = self._keys = self._keys or Keys(self.rig)
        for place in range(4):
            pitch = 60 + (len(self.rig.facts) + place) % 12
            keys.say(0x90, pitch, 90)
            super()._play(seconds / 8)
            keys.say(0x80, pitch, 0)
            super()._play(seconds / 8)


def test_a_recorded_jam_sounds_the_same_again_to_the_bit() -> None:
    jam = Jam(
        [
            (1.1, Assign(part="a", model=a_model()), 0.1, 0.0),
            (2.3, Respond(part="a", source="keys", bars=1), 0.1, 0.0),
            (5.7, Capture(part="b", source="keys", bars=2), 0.1, 0.0),
            (6.1, Respond(part="a", source="keys", until=Rest(Fraction(1, 4))), 2.5, 0.0),
            (5.3, Capture(part="b", source="keys", overdub=True), 0.4, 0.3),
            (6.7, Prime(part="a", source="b", generate=True), 0.4, 0.0),
        ]
    )
    assert sum(isinstance(fact, Looped) for fact in jam.recording.facts) == 4
    assert sum(isinstance(fact, Answered) for fact in jam.recording.facts) > 4
    again = run_again(OfflineEngine(OPENED, jam.recording, exact=True), jam.recording, jam.end)
    assert again.missing == ()
    events = heard(again.tape, again.tempo(), jam.end)
    assert midi(events, again.tempo(), jam.end) == midi(jam.events(), again.tempo(), jam.end)
