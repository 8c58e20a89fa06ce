"""The stage on the real clock, without models: what a performer types, and that nothing stops the music."""

import threading
from collections.abc import Sequence

import pytest
from waiting import wait_until

import livecode as lc
from livecode.music import Beats, Event, NoteEvent


class Broken:
    """An output that fails whatever it is told."""

    name = "broken synth"
    latency = 0.0
    trouble = ""

    def _fail(self, *_: object) -> None:
        raise OSError("no such device")

    schedule = withdraw = silence = _fail

    def follow(self) -> None:
        pass

    def close(self) -> None:
        raise OSError("no such device")


class Heard:
    """An output that remembers what it was handed."""

    name = "ear"
    latency = 0.0
    trouble = ""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def schedule(self, events: Sequence[Event]) -> None:
        self.events += events

    def withdraw(self, part: str | None, since: Beats) -> None:
        self.events = [event for event in self.events if event.beat < since or part not in (None, event.part)]

    def silence(self, part: str | None, at: Beats) -> None:
        pass

    def follow(self) -> None:
        pass

    def close(self) -> None:
        self.events.append(NoteEvent("closed", Beats(0), 0, 0, 0, 1, Beats(0), 0))


def onsets(events: Sequence[Event]) -> list[float]:
    return [float(event.beat) for event in events if isinstance(event, NoteEvent)]


def test_notes_are_handed_out_in_order_each_once_while_time_goes_on() -> None:
    ear = Heard()
    with lc.Stage(bpm=480, outputs=[ear]) as stage:
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: len(onsets(ear.events)) >= 40, "forty notes")
        heard = onsets(ear.events)
    assert heard == [float(beat) for beat in range(len(heard))]
    assert ear.events[-1].part == "closed"
    assert stage.tape.onsets("lead")[:5] == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4"), (4, "C4")]


def test_the_moments_of_events_are_those_of_the_tempo() -> None:
    ear = Heard()
    with lc.Stage(bpm=480, outputs=[ear]) as stage:
        stage.part("lead") >> lc.notes("C4 D4")
        wait_until(lambda: len(ear.events) >= 16, "sixteen notes")
    seconds = [event.seconds - ear.events[0].seconds for event in ear.events[:16]]
    assert seconds == pytest.approx([place / 8 for place in range(16)])


def test_an_output_that_fails_stops_none_of_the_others_and_is_in_the_log() -> None:
    ear = Heard()
    with lc.Stage(bpm=480, outputs=[Broken(), ear]) as stage:
        lead, bass = stage.part("lead"), stage.part("bass")
        bass.output = "ear"
        lead >> lc.notes("C4 D4")
        bass >> lc.notes("C2 D2")
        wait_until(lambda: len(onsets(ear.events)) >= 8, "eight notes")
        lead.mute()
        assert {name for _, name in stage.tape.onsets("bass")} == {"C2", "D2"}
        said = [str(line) for line in stage.log(100)]
    assert sum("broken synth failed (no such device): the others play on." in line for line in said) == 1
    assert any("broken synth did not close" in str(entry) for entry in stage.log_entries())


def test_several_threads_may_type_at_once() -> None:
    with lc.Stage(bpm=480, outputs=[]) as stage:
        names = [f"part{number}" for number in range(8)]
        typists = [threading.Thread(target=lambda name=name: stage.part(name) >> lc.notes("C4 D4")) for name in names]
        for typist in typists:
            typist.start()
        for typist in typists:
            typist.join()
        assert sorted(part.name for part in stage.snapshot().parts) == names
        wait_until(lambda: all(stage.takes(name) for name in names), "all eight parts")


@pytest.mark.parametrize("inline", [True, False])
def test_every_word_of_the_stage_and_its_parts(inline: bool) -> None:
    with lc.Stage(bpm=480, outputs=[], inline=inline) as stage:
        lead = stage.part("lead", program="Vibraphone", gain=0.8, pan=-0.5, channel=3)
        assert stage.part("lead") is lead
        assert str(stage.part("bass")) == "bass: empty"
        assert (lead.gain, lead.pan, lead.channel, lead.program, lead.density) == (0.8, -0.5, 3, "Vibraphone", None)
        lead.gain = 0.5
        lead.range = ("C3", "C5")
        assert (lead.gain, lead.range) == (0.5, ("C3", "C5"))
        lead >> lc.notes("C4 E4")
        said = [lead.mute(), lead.unmute(), lead.solo(), lead.unsolo()]
        assert [sentence.split()[1] for sentence in said] == ["muted", "heard", "solo", "out"]
        assert lead.fade_out(bars=1).startswith("lead: fades to 0 from bar")
        assert lead.fade_in(bars=0).startswith("lead: fades to 1 from bar")
        assert lead.set(range=("C3", "C5"), density=2) == "lead: low C3, high C5, density 2 set now"
        assert lead.density == 2
        assert lead.free() == "lead: density, high, low freed now"
        assert lead.reset().startswith("lead: empty from bar")
        assert lead.stop(on="bar").startswith("lead: stops at bar")
        assert lead.loop(on="beat").startswith("lead: loops from bar")
        stage.bpm = 240
        stage.meter = "3/4"
        stage.swing = 0.6
        assert [stage.tap() for _ in range(3)] == ["tap 1 of 4", "tap 2 of 4", "tap 3 of 4"]
        assert "click: loops 1 bar" in repr(stage.click()) or "next: 1 bar" in repr(stage.parts["click"])
        assert stage.count_in().startswith("count: counts 1 bar from bar")
        assert stage.restart().startswith("all loops begin anew at bar")
        assert stage.pause().startswith("pauses at bar")
        assert stage.go_on().startswith(("the pause is called off", "goes on at bar"))
        assert stage.ramp(120, bars=2).startswith("bpm 120 from bar")
        wait_until(lambda: stage.meter == "3/4", "the new meter")
        assert stage.swing.ratio == Beats(3, 5)
        assert stage.hush().startswith("all parts stop at bar")
        assert stage.panic() == "all parts stopped, all notes off"
        assert set(stage.parts) == {"lead", "bass", "click", "count"}
        assert "lead: stopped" in repr(stage)


def test_status_and_log_are_sentences_a_line() -> None:
    with lc.Stage(bpm=80, outputs=[]) as stage:
        assert tuple(stage.status()) == ("waits for the first notes · 80 bpm · 4/4", "output: the tape only")
        stage.part("lead") >> lc.notes("C4")
        wait_until(lambda: stage.snapshot().running, "the music")
        assert stage.status()[0] == "bar 1, beat 1 · 80 bpm · 4/4"
        assert "lead: loops 1/4 bar" in stage.status()
        assert repr(stage.log()).splitlines()[-1].endswith("bar 1: lead: plays 1/4 bar from bar 1")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("lc.Stage(bpm=0)", "A bpm of 0 cannot be played"),
        ("lc.Stage(bpm=-1)", "A bpm of -1 cannot be played"),
        ("lc.Stage(bpm=float('nan'))", "A bpm of nan cannot be played"),
        ("lc.Stage(bpm=10**9)", "A bpm of 1000000000 cannot be played"),
        ("lc.Stage(meter='4/5')", "A meter of 4/5 cannot be counted"),
        ("lc.Stage(soundfont='TimGM6m')", "did you mean 'TimGM6mb'"),
        ("lc.Stage(inline=False, offline=True)", "leave out inline=False"),
        ("lc.Stage(name='my engine')", "cannot name an engine"),
        ("lc.Stage(linger=-1)", "linger=-1 is out of range"),
        ("lc.Stage.attach('nobody')", "No engine 'nobody' runs: start one with livecode --name nobody, or in Python with Stage("),
        ("lc.Stage(seed='x')", "seed"),
        ("stage.part('my part')", "cannot name a part"),
        ("stage.part('x', channel=17)", "There is no channel 17"),
        ("stage.render('~nobody-at-all/take.wav')", "begins with a home folder that there is not"),
        ("lc.drums_rnn('~nobody-at-all/mine.mag')", "begins with a home folder that there is not"),
        ("lc.melody_rnn(primer='~nobody-at-all/mine.mid')", "begins with a home folder that there is not"),
        ("lc.drums_rnn('mine\\0.mag')", "it holds a null character"),
        ("stage.part('stage')", "'stage' cannot name a part, for at the prompt it means something else"),
        ("stage.count_in(2, gain=9)", "A gain of 9 cannot be played"),
        ("stage.part('x', bank=128)", "A bank of 128 cannot be played: give 0 to 127"),
        ("stage.part('x', bank='piano')", "bank='piano' is no bank: give a number such as 8"),
        ("stage.part('x', cc={74: 128})", "A controller 74 of 128 cannot be played: give 0 to 127"),
        ("stage.part('x', cc={120: 0})", "A controller 120 cannot be played: give 1 to 119"),
        ("stage.part('x', cc={32: 3})", "Controller 32 selects banks"),
        ("stage.part('x', cc=74)", "cc=74 cannot be: give controllers and their values"),
        ("stage.part('x', program='violn')", "did you mean 'Violin'"),
        ("lead >> 3", "lead cannot play 3"),
        ("lead.generate()", "lead has no model yet"),
        ("lead.fade(2)", "A fade to 2"),
        ("lead.fade(0, bars=-1)", "bars=-1 is no length"),
        ("lead.mute(on='later')", "on='later' is no moment"),
        ("lead.set(gain='loud')", "gain"),
        ("lead.set(range=('C4', 'C4'))", "less than an octave"),
        ("lead.set(range='C4')", "range"),
        ("lead.set(density=0)", "A density of 0"),
        ("lc.Stage(gain='loud')", "gain='loud' is out of range"),
        ("lc.Stage(gain=float('nan'))", "gain=nan is out of range"),
        ("lc.Stage(patience=-1)", "patience=-1 is out of range"),
        ("lc.Stage(seed=-1)", "seed=-1 is no whole number"),
        ("lc.Stage(soundfont=3)", "There is no soundfont 3"),
        ("stage.count_in(0)", "A count-in over bars = 0"),
        ("stage.count_in('x')", "bars='x' is no number of bars to count"),
        ("stage.part(3)", "3 cannot name a part"),
        ("stage.export(3)", "3 is no path"),
        ("lead << 3", "with two arrows: lead >> 3"),
        ("lead.lop()", "There is no word 'lop': did you mean 'loop'"),
        (
            "lead.transpose(12)",
            "transpose is a word of phrases: say lead.map('transpose', ...) to have it done with every loop of lead",
        ),
        ("lead.set(range=3)", "range=3 is no range"),
        ("lead.set(range=('C9', 'C1'))", "range=('C9', 'C1') goes down: give the lowest pitch first, ('C1', 'C9')."),
        ("setattr(lead, 'range', ['C9', 'C1'])", "give the lowest pitch first, ('C1', 'C9')."),
        ("stage.parts['laed']", "There is no part 'laed': did you mean 'lead'?"),
        ("stage.log('x')", "'x' is no number of sentences: give one such as 20."),
        ("stage.log(0)", "0 is no number of sentences"),
        ("lead.free('gain')", "'gain' is no limit"),
        ("stage.ramp(100, bars=-1)", "bars=-1 is no length"),
        ("stage.ramp(100, bars='x')", "bars='x' is no number"),
        ("stage.run(bars=1)", "A live stage runs by itself"),
        ("stage.export('take.txt')", "ends in neither .wav nor .mid"),
        (
            "stage.render('take.mid')",
            "Nothing has sounded yet: time runs from the first notes of a part on, or stage.click().",
        ),
        ("stage.stems(3)", "3 is no path"),
        ("setattr(stage, 'bpm', 'fast')", "A bpm of 'fast'"),
        ("setattr(stage, 'swing', 2)", "swing=2 is out of range"),
        ("setattr(stage, 'meter', 4)", "such as '4/4'"),
        ("setattr(stage, 'bmp', 100)", "There is no setting 'bmp': did you mean 'bpm'"),
        ("setattr(lead, 'gian', 1)", "There is no setting 'gian': did you mean 'gain'"),
        ("setattr(lead, 'name', 'x')", "name"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(typed: str, words: str) -> None:
    with lc.Stage(bpm=120, outputs=[]) as stage:
        lead = stage.part("lead")
        before = stage.snapshot().parts
        with pytest.raises(lc.LivecodeError) as refusal:
            eval(typed, {"lc": lc, "stage": stage, "lead": lead})
        assert words in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert stage.snapshot().parts == before


def test_a_closed_stage_says_so_and_keeps_its_tape() -> None:
    with lc.Stage(bpm=480, outputs=[]) as stage:
        lead = stage.part("lead")
        lead >> lc.notes("C4")
        wait_until(lambda: bool(stage.tape.onsets()), "a note")
    with pytest.raises(lc.StageClosed, match="open another"):
        lead.mute()
    assert stage.status()[0].startswith("closed at bar")
    assert "the stage is closed" in repr(stage.log())
    stage.close()
    assert stage.tape.onsets()


def test_two_stages_live_side_by_side() -> None:
    with lc.Stage(bpm=480, outputs=[]) as one, lc.Stage(bpm=240, outputs=[]) as other:
        one.part("lead") >> lc.notes("C4")
        other.part("lead") >> lc.notes("D4")
        wait_until(lambda: len(one.tape.onsets()) > 3 and len(other.tape.onsets()) > 3, "both stages")
        assert {name for _, name in one.tape.onsets()} == {"C4"}
        assert {name for _, name in other.tape.onsets()} == {"D4"}
