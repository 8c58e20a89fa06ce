"""The bookkeeping of a MIDI output: what is sent, in which order, and that nothing hangs."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as some

from livecode.music import ControlEvent, Event, NoteEvent, ProgramEvent, ReleaseEvent
from livecode.outputs.ledger import Agenda, Key, Ledger, Sweep, due


def note(part: str, beat: float, beats: float, pitch: int = 60, *, channel: int = 0) -> NoteEvent:
    begin, end = Fraction(beat), Fraction(beat) + Fraction(beats)
    return NoteEvent(part, begin, float(begin), channel, pitch, 100, end, float(end))


def release(part: str, beat: float) -> ReleaseEvent:
    return ReleaseEvent(part, Fraction(beat), float(beat))


class Desk:
    """An agenda and a ledger, and what they have an instrument on channel 0 told, in words."""

    def __init__(self, *events: Event) -> None:
        self.agenda, self.ledger = Agenda(), Ledger()
        self.agenda.add(events)

    def told(self, until: float = 1000.0) -> list[str]:
        return [word for step in due(self.agenda, self.ledger, until) for word in self._words(step)]

    def _words(self, step: Key | Event) -> list[str]:
        match step:
            case NoteEvent():
                return [*([f"off {step.pitch}"] if self.ledger.strike(step) else []), f"on {step.pitch}"]
            case ReleaseEvent():
                return [f"off {pitch}" for _, pitch in self.ledger.release(step.part, step.beat, step.pitch)]
            case ControlEvent():
                return [f"control {step.control}"]
            case ProgramEvent():
                return [f"program {step.program}"]
            case (_, pitch):
                return [f"off {pitch}"]


def test_a_note_ends_before_the_next_of_its_pitch_begins_at_the_same_moment() -> None:
    assert Desk(note("lead", 1, 1), note("lead", 0, 1)).told() == ["on 60", "off 60", "on 60", "off 60"]


def test_at_one_moment_ends_come_first_then_releases_settings_and_notes() -> None:
    desk = Desk(
        note("lead", 2, 1, 67),
        ControlEvent("lead", Fraction(2), 2.0, 0, 7, 90),
        ProgramEvent("lead", Fraction(2), 2.0, 0, 5),
        release("lead", 2),
        note("lead", 0, 5, 64),
        note("lead", 1, 1, 60),
    )
    assert desk.told() == ["on 64", "on 60", "off 60", "off 64", "control 7", "program 5", "on 67", "off 67"]


def test_striking_a_sounding_key_lifts_it_and_the_first_end_does_not_cut_the_second_note() -> None:
    desk = Desk(note("lead", 0, 2), note("lead", 1, 3))
    assert desk.told(3.5) == ["on 60", "off 60", "on 60"]
    assert desk.told(4) == ["off 60"]


def test_of_two_parts_on_one_key_the_later_owns_it() -> None:
    desk = Desk(note("lead", 0, 8), note("bass", 1, 2))
    assert desk.told(2) == ["on 60", "off 60", "on 60"]
    assert desk.ledger.release("lead") == []
    assert desk.told(9) == ["off 60"]


def test_a_release_ends_what_began_before_it_and_only_its_parts() -> None:
    desk = Desk(note("lead", 0, 9, 60), note("lead", 2, 9, 62), note("bass", 0, 9, 40), release("lead", 2))
    assert desk.told(5) == ["on 60", "on 40", "off 60", "on 62"]
    assert (0, 62) in desk.ledger
    assert (0, 40) in desk.ledger


def test_a_release_of_one_pitch_leaves_the_others() -> None:
    only = ReleaseEvent("lead", Fraction(2), 2.0, pitch=60)
    desk = Desk(note("lead", 0, 9, 60), note("lead", 0, 9, 64), note("bass", 0, 9, 40), note("lead", 2, 9, 67), only)
    assert desk.told(5) == ["on 60", "on 64", "on 40", "off 60", "on 67"]


def test_what_is_withdrawn_goes_with_its_end_and_what_sounds_keeps_its_end() -> None:
    desk = Desk(note("lead", 0, 4), note("lead", 2, 1, 62), note("bass", 2, 1, 40))
    assert desk.told(1) == ["on 60"]
    desk.agenda.withdraw("lead", Fraction(0))
    assert desk.told() == ["on 40", "off 40", "off 60"]


def test_what_lies_before_a_withdrawal_stays() -> None:
    desk = Desk(note("lead", 1, 1), note("lead", 2, 1), release("lead", 2), note("bass", 2, 1))
    desk.agenda.withdraw("lead", Fraction(2))
    assert [(event.part, event.beat) for event in desk.agenda.events()] == [("lead", 1), ("bass", 2)]
    desk.agenda.withdraw(None, Fraction(0))
    assert len(desk.agenda) == 0


def test_panic_lifts_what_sounds_first_and_every_key_that_was_struck() -> None:
    desk = Desk(note("lead", 0, 1, 60), note("lead", 1, 9, 62))
    desk.told(2)
    assert desk.ledger.panic() == [(0, 62), (0, 60)]
    assert (desk.ledger.panic(), desk.ledger.next_end()) == ([], None)


def test_a_lost_instrument_holds_no_key_and_is_told_when_it_is_back() -> None:
    desk = Desk(note("lead", 0, 9))
    desk.told(1)
    desk.ledger.lose()
    assert (len(desk.ledger), desk.ledger.next_end()) == (0, None)
    assert desk.ledger.panic() == [(0, 60)]


notes = some.builds(note, some.sampled_from(["lead", "bass"]), some.integers(0, 20), some.integers(1, 9), some.integers(60, 62))
actions = some.one_of(
    some.builds(lambda events: ("schedule", events), some.lists(notes, max_size=5)),
    some.builds(lambda part, beat: ("withdraw", part, beat), some.sampled_from(["lead", None]), some.integers(0, 20)),
    some.builds(lambda part: ("silence", part), some.sampled_from(["lead", "bass"])),
    some.builds(lambda beat: ("release", beat), some.integers(0, 20)),
)


@given(some.lists(some.tuples(some.integers(0, 3), actions), max_size=20))
def test_whatever_is_asked_for_ons_and_offs_take_turns_and_nothing_hangs(asked: list[tuple[int, tuple]]) -> None:
    desk, now, told = Desk(), 0.0, []
    for wait, (kind, *given_with) in asked:
        now += wait
        told += desk.told(now)
        match kind:
            case "schedule":
                desk.agenda.add(given_with[0])
            case "withdraw":
                desk.agenda.withdraw(given_with[0], Fraction(given_with[1]))
            case "silence":
                told += [f"off {pitch}" for _, pitch in desk.ledger.release(given_with[0])]
            case "release":
                desk.agenda.add([release("lead", given_with[0])])
    told += desk.told()
    for pitch in (60, 61, 62):
        own = [word for word in told if word.endswith(str(pitch))]
        assert own == [f"on {pitch}", f"off {pitch}"] * (len(own) // 2)
    assert len(desk.ledger) == 0


def test_a_sweep_takes_a_few_keys_at_a_time_and_ends() -> None:
    sweep, now, taken = Sweep(), 5.0, list[int]()
    assert (sweep.next_moment(), sweep.due(now)) == (None, [])
    sweep.begin((0, pitch) for pitch in range(20))
    while (moment := sweep.next_moment()) is not None:
        now = max(now, moment)
        taken.append(len(sweep.due(now)))
        assert sweep.due(now + Sweep.TAKE / 2) == []
    assert taken == [8, 8, 4]
