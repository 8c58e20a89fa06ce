"""The threads of a live engine: a client's that obeys for the planner, one that has given up, and the end."""

import queue
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest
from waiting import wait_until

from livecode import engine
from livecode.clock import SystemClock
from livecode.commands import Declare, Mute, Play
from livecode.errors import LivecodeError
from livecode.facts import InputOpened
from livecode.inputs.midi import MidiInput
from livecode.inputs.rack import Inputs
from livecode.models.wire import Reply
from livecode.notation import notes
from livecode.outputs.tape import Tape
from livecode.protocol import Opening, OpenInput
from livecode.sequencer import Sequencer
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


class Stuck(Tape):
    """An output at which the planner hangs until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def follow(self) -> None:
        self.go_on.wait()


def planners() -> Iterator[threading.Thread]:
    return (thread for thread in threading.enumerate() if thread.name == "livecode planner")


def test_a_command_that_was_given_up_leaves_the_planner_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 0.1)
    output = Stuck()
    stuck = engine.LiveEngine(SystemClock(), [output], OPENING)
    stuck.start()
    (planner,) = planners()
    with pytest.raises(LivecodeError, match=r"did not take the command within 0\.1 s"):
        stuck.submit(Declare(part="lead"))
    stuck.close()
    output.go_on.set()
    planner.join()  # pytest fails what a thread ends with
    assert "the stage is closed" in repr(stuck.log())


class Answers:
    """The models' host of a test that answers itself."""

    reply: Callable[[Reply], None]

    def __init__(self, on_reply: Callable[[Reply], None], *_: object, **__: object) -> None:
        Answers.reply = on_reply

    def close(self) -> None:
        pass


def test_an_error_that_a_client_meets_while_it_obeys_is_not_that_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(sequencer: Sequencer, reply: Reply) -> None:
        raise RuntimeError("a reply that nobody can read")

    monkeypatch.setattr(engine, "Host", Answers)
    monkeypatch.setattr(Sequencer, "receive", fail)
    helped = engine.LiveEngine(SystemClock(), [], OPENING, helping=True)
    assert helped.submit(Declare(part="lead")).words == "lead: ready"  # by this thread: the planner has not begun
    Answers.reply(Reply("lead-1", None, "no", 0.1))
    later = threading.Timer(0.1, helped.start)
    later.start()
    assert helped.submit(Mute(part="lead", muted=True)).words == "lead: muted now"
    assert sum("a reply that nobody can read" in line.sentence for line in helped.log()) == 1
    later.join()
    helped.close()


@pytest.mark.parametrize("helping", [False, True])
def test_a_command_that_was_taken_has_its_outcome_although_nothing_can_be_shown(
    monkeypatch: pytest.MonkeyPatch, helping: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a part that cannot be shown")

    plays = engine.LiveEngine(SystemClock(), [], OPENING, helping=helping)
    plays.start()
    monkeypatch.setattr("livecode.sequencer.state_of", fail)
    words: queue.SimpleQueue[str] = queue.SimpleQueue()
    play = Play(part="lead", phrase=notes("C4"))
    threading.Thread(target=lambda: words.put(plays.submit(play).words), name="client", daemon=True).start()
    assert words.get(timeout=60).startswith("lead: plays")
    wait_until(lambda: len(plays.tape.onsets("lead")) > 2, "the music")
    assert "a part that cannot be shown" in repr(plays.log())
    plays.close()


def test_an_input_is_journalled_before_anybody_can_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = OpenInput(port="KeyStep", api="jack", virtual=False)
    monkeypatch.setattr(Inputs, "open", lambda *_, **__: MidiInput(SystemClock(), asked.port, api=asked.api))
    recorded: list[tuple[str, str]] = []

    def record(fact: object) -> None:
        if isinstance(fact, InputOpened):
            recorded.append((fact.name, threading.current_thread().name))

    plays = engine.LiveEngine(SystemClock(), [], OPENING, record)
    plays.start()
    for _ in range(2):
        plays.open_input(asked)
    plays.close()
    assert recorded == [("KeyStep", "livecode planner")]  # who does one thing at a time
