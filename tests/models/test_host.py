"""The host's own logic, on a worker of a few lines: what it does when the worker dies, hangs, or never starts."""

import os
import signal
import sys
import threading

import msgspec
import psutil
import pytest
from waiting import wait_until

from livecode.errors import StageClosed
from livecode.models.keeper import Limits

SLOW = 99
"""So many beats make the fake worker wait at the gate."""


@pytest.fixture
def gate(tmp_path):
    """A named pipe: `gate.write_bytes(b"")` lets pass who waits there."""
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def children() -> list[psutil.Process]:
    """The fake workers that run."""
    return [child for child in psutil.Process().children() if any("fake_worker" in word for word in child.cmdline())]


def becomes(desk, key, state: str) -> None:
    """Wait until the model is in this state."""
    wait_until(lambda: any((found.key, found.state) == (key, state) for found in desk.host.states()), state)


def test_nothing_starts_before_it_is_asked(desk_with, drum_kit):
    before = set(threading.enumerate())
    desk = desk_with("answers")
    assert set(threading.enumerate()) <= before
    assert desk.host.states() == ()


def test_a_request_is_answered_and_timed(desk_with, drum_kit):
    desk = desk_with("answers")
    assert desk.phrase(drum_kit, beats=3).length == 3
    assert desk.phrase(drum_kit, beats=5).length == 5
    state = desk.state(drum_kit)
    assert state.p50 is not None
    assert state.p95 is not None
    assert 0 < state.p50 <= state.p95
    assert (state.state, state.waiting, state.restarts, state.trouble) == ("ready", 0, 0, "")
    assert str(state).startswith("drum_kit: ready · answers in 0.")


def test_the_most_urgent_request_goes_first(desk_with, drum_kit, attention_rnn, tmp_path):
    os.mkfifo(tmp_path / "gate")
    desk = desk_with("waits at the gate", str(tmp_path / "gate"))
    idle = desk.ask(attention_rnn)
    later = desk.ask(drum_kit, needed_by=16)
    soon = desk.ask(attention_rnn, needed_by="31/4")
    as_soon = desk.ask(drum_kit, needed_by="31/4")
    (tmp_path / "gate").write_bytes(b"")
    assert [desk.reply().id for _ in range(4)] == [soon, as_soon, later, idle]


def test_a_forgotten_request_is_never_answered(desk_with, drum_kit, tmp_path):
    os.mkfifo(tmp_path / "gate")
    desk = desk_with("waits at the gate", str(tmp_path / "gate"))
    forgotten, other = desk.ask(drum_kit), desk.ask(drum_kit)
    desk.host.forget(forgotten)
    desk.host.forget("never asked")
    (tmp_path / "gate").write_bytes(b"")
    third = desk.ask(drum_kit)
    assert [desk.reply().id, desk.reply().id] == [other, third]


def test_a_request_forgotten_while_it_is_answered_is_not_asked_again(desk_with, drum_kit, tmp_path):
    os.mkfifo(tmp_path / "gate")
    desk = desk_with("dies at the gate", str(tmp_path / "gate"))
    forgotten = desk.ask(drum_kit)
    (tmp_path / "gate").read_bytes()  # the worker has it
    desk.host.forget(forgotten)
    (tmp_path / "gate").write_bytes(b"")
    assert "in the middle of a request, which nobody waits for: it is restarted." in desk.event()
    desk.host.close()
    assert desk.replies.empty()


def test_a_worker_that_dies_is_restarted_and_asked_again(desk_with, drum_kit, tmp_path):
    desk = desk_with("dies once", str(tmp_path / "died"))
    assert desk.phrase(drum_kit, beats=4).length == 4
    assert desk.event() == (
        "The worker of drum_kit ended by itself (exit code 3, its last words: nothing) in the middle of a request: "
        "it is restarted and the request asked again."
    )
    assert desk.state(drum_kit).restarts == 1


def test_a_request_that_kills_its_worker_twice_is_refused(desk_with, drum_kit):
    desk = desk_with("dies")
    name = desk.ask(drum_kit)
    reply = desk.reply()
    assert (reply.id, reply.phrase) == (name, None)
    assert reply.refusal == (
        "The worker of drum_kit ended by itself (exit code 3, its last words: nothing) in the middle of a request for the "
        "second time: the part repeats; ask for fewer bars, or another model."
    )


def test_a_worker_that_hangs_is_killed(desk_with, drum_kit):
    desk = desk_with("hangs", limits=Limits(reply=0.2))
    desk.ask(drum_kit)
    assert "gave no answer for 0.2 s and was killed" in str(desk.reply().refusal)
    assert "and the request asked again" in desk.event()


def test_a_worker_that_never_gets_ready_is_killed(desk_with, drum_kit):
    desk = desk_with("never ready", limits=Limits(start=0.2))
    desk.ask(drum_kit)
    assert "gave no answer for 0.2 s and was killed" in str(desk.reply().refusal)


def test_a_worker_that_cannot_start_is_tried_again_ever_more_seldom(desk_with, drum_kit):
    desk = desk_with("cannot start")
    desk.ask(drum_kit)
    why = "The worker of drum_kit ended by itself (exit code 1, its last words: ImportError: no magenta here)"
    assert desk.event() == f"{why}: it is restarted in 1 s."
    assert desk.event() == f"{why}: it is restarted in 2 s."
    assert desk.reply().refusal == f"{why}: the part repeats; see that {sys.executable} runs."
    assert desk.state(drum_kit).state == "starting"
    assert "ImportError: no magenta here" in desk.host.log_tail()


def test_a_python_that_is_not_there_is_said(desk_with, drum_kit, tmp_path):
    desk = desk_with("answers", python=str(tmp_path / "python"))
    desk.host.prepare(drum_kit)
    assert desk.event().startswith("The worker of drum_kit cannot be started ([Errno 2]")


@pytest.mark.parametrize(("workers", "order"), [(1, ["slow", "quick"]), (2, ["quick", "slow"])])
def test_a_second_worker_answers_while_the_first_is_at_something_slow(desk_with, drum_kit, attention_rnn, gate, workers, order):
    desk = desk_with("slow", str(gate), workers=workers)
    names = {desk.ask(drum_kit, beats=SLOW, needed_by=8): "slow"}
    becomes(desk, drum_kit, "generating")
    names[desk.ask(attention_rnn, needed_by=4)] = "quick"
    said = [names[desk.reply().id]] if workers == 2 else []
    gate.write_bytes(b"")
    while len(said) < 2:
        said.append(names[desk.reply().id])
    assert said == order


def test_a_model_on_magenta_holds_up_no_compiled_one(desk_with, drum_kit, gate):
    desk = desk_with("slow", str(gate), workers=1)
    on_magenta = msgspec.structs.replace(drum_kit, engine="magenta")
    slow = desk.ask(on_magenta, beats=SLOW, needed_by=4)
    becomes(desk, on_magenta, "generating")
    assert desk.phrase(drum_kit).length == 8
    assert desk.state(drum_kit).pid != desk.state(on_magenta).pid
    gate.write_bytes(b"")
    assert desk.reply().id == slow


def test_what_must_be_compiled_holds_up_nobody(desk_with, drum_kit, attention_rnn, gate):
    desk = desk_with("compiles", str(gate), workers=1)
    raw = desk.ask(attention_rnn, needed_by=4)
    becomes(desk, attention_rnn, "compiling")
    assert desk.phrase(drum_kit).length == 8
    assert desk.replies.empty()
    gate.write_bytes(b"")
    assert desk.reply().id == raw
    assert desk.state(attention_rnn).state == "ready"
    assert desk.state(attention_rnn).pid == desk.state(drum_kit).pid


def test_what_nobody_is_in_a_hurry_for_leaves_a_worker_free(desk_with, drum_kit, gate):
    desk = desk_with("slow", str(gate))
    unhurried = [desk.ask(drum_kit, beats=SLOW), desk.ask(drum_kit, beats=SLOW)]
    becomes(desk, drum_kit, "generating")
    assert desk.phrase(drum_kit, needed_by=4).length == 8
    gate.write_bytes(b"")
    assert desk.reply().id == unhurried[0]
    gate.write_bytes(b"")
    assert desk.reply().id == unhurried[1]


def test_a_worker_that_is_killed_delays_only_what_it_was_doing(desk_with, drum_kit, attention_rnn, gate):
    desk = desk_with("slow", str(gate))
    slow = desk.ask(drum_kit, beats=SLOW, needed_by=4)
    becomes(desk, drum_kit, "generating")
    desk.phrase(attention_rnn, needed_by=4)
    os.kill(desk.state(drum_kit).pid, signal.SIGKILL)
    assert "was killed (signal 9) in the middle of a request: it is restarted and the request asked again" in desk.event()
    assert desk.phrase(attention_rnn, needed_by=4).length == 8
    gate.write_bytes(b"")
    assert desk.reply().id == slow
    assert desk.state(drum_kit).restarts == 1


def test_what_a_second_worker_cannot_load_is_refused_to_nobody(desk_with, drum_kit, gate):
    desk = desk_with("loads once", str(gate))
    slow = desk.ask(drum_kit, beats=SLOW, needed_by=4)
    becomes(desk, drum_kit, "generating")
    quick = desk.ask(drum_kit, needed_by=8)  # the first worker is busy: there is another, whose bundle is gone
    assert desk.event() == "drum_kit has no weights: give another."
    gate.write_bytes(b"")
    replies = [desk.reply(), desk.reply()]
    assert [(reply.id, reply.refusal) for reply in replies] == [(slow, None), (quick, None)]
    assert (desk.state(drum_kit).state, len(children()), desk.events.empty()) == ("ready", 2, True)


def test_the_last_words_of_a_worker_are_its_own(desk_with, drum_kit, gate):
    desk = desk_with("mutters", str(gate))
    slow = desk.ask(drum_kit, beats=SLOW, needed_by=4)
    wait_until(lambda: "I am still at it" in desk.host.log_tail(), "the other worker's words")
    desk.ask(drum_kit, needed_by=8)
    assert "(exit code 3, its last words: nothing)" in desk.event()
    assert "(exit code 3, its last words: nothing)" in str(desk.reply().refusal)
    gate.write_bytes(b"")
    assert desk.reply().id == slow


def test_two_requests_for_one_model_need_but_one_worker_until_both_are_slow(desk_with, drum_kit, gate):
    desk = desk_with("slow", str(gate))
    for _ in range(3):
        desk.phrase(drum_kit, needed_by=4)
    assert len(children()) == 1
    slow = [desk.ask(drum_kit, beats=SLOW, needed_by=4) for _ in range(3)]
    wait_until(lambda: desk.state(drum_kit).waiting == 3 and len(children()) == 2, "another worker")
    answered = []
    while len(answered) < 3:
        gate.write_bytes(b"")
        answered.append(desk.reply().id)
    assert sorted(answered) == sorted(slow)
    assert len(children()) == 2


def test_a_model_that_is_refused_is_refused_to_all(desk_with, drum_kit):
    desk = desk_with("refuses")
    asked = [desk.ask(drum_kit), desk.ask(drum_kit)]
    replies = [desk.reply(), desk.reply()]
    sentence = "drum_kit has no weights: give another."
    assert [(reply.id, reply.refusal) for reply in replies] == [(name, sentence) for name in asked]
    assert desk.event() == sentence
    assert desk.state(drum_kit).state == f"refused: {sentence}"
    desk.host.prepare(drum_kit)
    assert desk.event() == sentence  # it was tried again


def test_a_bundle_that_kills_its_worker_twice_is_refused(desk_with, drum_kit):
    desk = desk_with("dies loading")
    desk.ask(drum_kit)
    assert str(desk.reply().refusal).endswith(
        "while loading it for the second time: the part repeats; give another bundle than drum_kit_groove.mag."
    )


def test_a_line_that_is_no_message_is_logged(desk_with, drum_kit):
    desk = desk_with("babbles")
    assert desk.phrase(drum_kit).length == 8
    assert desk.event().startswith("The worker of drum_kit wrote a line that is no message")


def test_the_worker_is_out_of_reach_of_control_c(desk_with, drum_kit):
    desk = desk_with("answers")
    desk.phrase(drum_kit)
    assert os.getpgid(desk.state(drum_kit).pid) != os.getpgid(0)


@pytest.mark.parametrize("behaviour", ["answers", "never ready", "ignores the end", "cannot start"])
def test_close_ends_the_worker_and_its_threads(desk_with, drum_kit, behaviour):
    before = set(threading.enumerate())
    desk = desk_with(behaviour)
    desk.host.prepare(drum_kit)
    if behaviour in ("answers", "ignores the end"):
        desk.ask(drum_kit)
    if behaviour == "answers":
        desk.reply()
    if behaviour == "cannot start":
        desk.event()
    desk.host.close()
    desk.host.close()
    assert set(threading.enumerate()) <= before
    assert [state.pid for state in desk.host.states()] in ([None], [])
    with pytest.raises(StageClosed):
        desk.host.prepare(drum_kit)


def test_a_host_that_never_started_closes(desk_with):
    desk_with("answers").host.close()


def test_two_hosts_live_side_by_side(desk_with, drum_kit):
    one, other = desk_with("answers"), desk_with("answers", python=sys.executable)
    one.phrase(drum_kit)
    one.host.close()
    assert other.phrase(drum_kit).length == 8
