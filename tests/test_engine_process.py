"""The engine's process: who may come in, what survives what, and how it ends. Everything here is real."""

import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from fractions import Fraction
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path

import psutil
import pytest
from engines import client, comes_back, ended, gone, kill, plays_on
from waiting import wait_until

import livecode as lc
from livecode.journal import read
from livecode.outputs import soundfonts
from livecode.places import Place, state_folder
from livecode.protocol import Done, Opening, Refused, Start, decode_reply, encode
from livecode.server import REMEMBERED
from livecode.tempo import Meter

SCORE = lc.notes("C4 D4 E4 F4")


@pytest.fixture
def stage() -> Iterator[lc.Stage]:
    with ended("main"), lc.Stage(bpm=480, inline=False, outputs=[]) as stage:
        stage.part("lead") >> SCORE
        wait_until(lambda: stage.snapshot().running, "the music")
        yield stage


def said(stage: lc.Stage, words: str) -> bool:
    return any(words in str(line) for line in stage.log(1000))


# Stages come and go


def test_a_stage_plays_in_a_process_of_its_own_and_ends_it(stage: lc.Stage, tmp_path: Path) -> None:
    engine = stage.engine
    assert engine is not None
    assert engine.pid != os.getpid()
    assert stage.started
    plays_on(stage)
    assert stage.parts["lead"].takes == (SCORE,)
    assert any(line.startswith("engine main: process") for line in stage.status())
    stage.close()
    assert gone("main")
    assert stage.tape.onsets("lead")[:5] == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4"), (4, "C4")]
    assert stage.status()[0].startswith("closed at bar")
    assert stage.takes("lead") == (SCORE,)
    assert "the stage is closed" in repr(stage.log())
    assert stage.export(tmp_path / "take.mid").startswith(str(tmp_path / "take.mid"))
    stage.note("after the end")
    with pytest.raises(lc.StageClosed, match="open another"):
        stage.hush()
    with pytest.raises(ProcessLookupError):
        os.kill(engine.pid, 0)


def test_a_second_stage_finds_the_engine_and_leaves_it_playing(stage: lc.Stage, capsys: pytest.CaptureFixture[str]) -> None:
    with lc.Stage(bpm=240, name="main") as other:
        assert "attached to the engine that runs already, in bar" in capsys.readouterr().err
        assert not other.started
        assert set(other.parts) == {"lead"}
        wait_until(lambda: stage.bpm == 240, "the tempo that the second stage asked for")
        other.parts["lead"].mute()
        assert stage.snapshot().parts[0].muted
        assert other.engine is not None
        assert other.engine.clients == 2
    assert stage.parts["lead"].unmute() == "lead: heard again now"
    with pytest.raises(lc.BadInput, match=r"opened with gain=0.6, not 0.1: stop it first"):
        lc.Stage(gain=0.1)
    plays_on(stage)


def test_two_engines_live_side_by_side_under_names_of_their_own(stage: lc.Stage) -> None:
    with ended("left"), lc.Stage(bpm=480, name="left", inline=False, outputs=[]) as left:
        left.part("lead") >> lc.notes("C5")
        wait_until(lambda: len(left.tape.onsets()) > 2, "the second engine")
        assert {name for _, name in left.tape.onsets()} == {"C5"}
        assert {name for _, name in stage.tape.onsets()} == {"C4", "D4", "E4", "F4"}
        with pytest.raises(lc.UnknownName, match="No engine 'right' runs: there is 'left', 'main'"):
            lc.Stage.attach("right")


def test_stages_made_at_the_same_moment_start_one_engine() -> None:
    with ended("race"), ThreadPoolExecutor(4) as pool:
        stages = list(pool.map(lambda _: lc.Stage(name="race", inline=False, outputs=[]), range(4)))
        assert sorted(stage.started for stage in stages) == [False, False, False, True]
        engines = [stage.engine for stage in stages]
        assert len({engine.pid for engine in engines if engine}) == 1
        for stage in sorted(stages, key=lambda stage: stage.started):
            stage.close()
        assert gone("race")


def test_livecode_stop_ends_an_engine_on_the_bar(stage: lc.Stage) -> None:
    livecode = Path(sys.executable).with_name("livecode")
    done = subprocess.run([livecode, "stop"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "The engine 'main' has ended.\n")
    assert gone("main")
    again = subprocess.run([livecode, "stop"], capture_output=True, text=True, timeout=60)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "livecode: No engine 'main' runs: start one with livecode, or in Python with Stage().\n"
    with pytest.raises(lc.LivecodeError, match="The engine 'main' is gone: begin again with Stage"):
        stage.hush()


def test_an_engine_that_cannot_play_says_why_and_is_gone() -> None:
    with pytest.raises(lc.UnknownName, match="There is no audio driver 'alsaa': did you mean 'alsa'"):
        lc.Stage(name="mute", driver="alsaa")
    assert gone("mute")


# Faults


def test_a_client_that_is_killed_leaves_the_music_on() -> None:
    code = """
import threading
import livecode as lc
stage = lc.Stage(bpm=480, name="orphan", inline=False, outputs=[])
stage.part("lead") >> lc.notes("C4 D4 E4 F4")
while not stage.snapshot().running: pass
print("ready", flush=True)
threading.Event().wait()
"""
    with ended("orphan"):
        with client(code) as typist:
            kill(typist.pid)
            typist.wait()
        stage = lc.Stage.attach("orphan")
        plays_on(stage)
        assert stage.parts["lead"].takes == (SCORE,)
        stage.close()
        assert not gone("orphan")


def test_an_engine_whose_clients_have_all_vanished_ends_after_lingering() -> None:
    code = """
import threading
import livecode as lc
stage = lc.Stage(bpm=480, name="lonely", inline=False, outputs=[], linger=0.5)
stage.part("lead") >> lc.notes("C4")
print("ready", flush=True)
threading.Event().wait()
"""
    with ended("lonely"), client(code) as typist:
        here = Place.of("lonely").folder / "lonely.sock"
        assert here.exists()
        kill(typist.pid)
        typist.wait()
        wait_until(lambda: gone("lonely"), "the end of the engine")
        assert not here.exists()


def test_a_planner_that_is_held_up_when_nobody_is_left_ends_the_engine_a_little_later() -> None:
    code = """
import threading
from livecode import engine, sequencer, server
engine.PATIENCE = 0.05
advance, held_up = sequencer.Sequencer.advance, threading.Timer(1.0, lambda: None)
def advance_late(*given):
    if held_up.ident is None:
        held_up.start()
        held_up.join()
    advance(*given)
sequencer.Sequencer.advance = advance_late
server.main()
"""
    opening = Opening(
        bpm=Fraction(120),
        meter=Meter(4),
        seed=1,
        soundfont="",
        driver=None,
        gain=0.6,
        reverb=False,
        chorus=False,
        audio=False,
        require_audio=False,
        patience=30.0,
    )
    start = encode(Start(name="late", opening=opening, linger=0.0)).decode()
    with ended("late"):
        assert subprocess.run([sys.executable, "-c", code, start], timeout=120).returncode == 0
        assert gone("late")  # there is no other in its place


def test_a_client_that_hangs_with_pythons_lock_holds_nobody_up(stage: lc.Stage) -> None:
    code = """
import ctypes
import livecode as lc
stage = lc.Stage.attach("main")
print("ready", flush=True)
ctypes.PyDLL(None).sleep(60)  # a call that keeps the lock
"""
    with client(code):
        plays_on(stage)
        assert stage.parts["lead"].mute() == "lead: muted now"


def test_an_engine_that_is_killed_is_back_on_the_next_bar_with_all_its_parts(stage: lc.Stage) -> None:
    stage.part("bass", program="Violin", gain=0.5, channel=3) >> lc.notes("C2 G2")
    wait_until(lambda: len(stage.takes("bass")) == 1, "the bass")
    before, crash = stage.engine, stage.snapshot().beats
    assert before is not None
    kill(before.pid)
    after = stage.engine  # waits for the next one
    assert after is not None
    assert after.pid != before.pid
    assert after.crashes == 1
    assert "restarted 1 time" in repr(stage.status())
    assert said(stage, "the engine had crashed, and is back in bar")
    assert (stage.parts["bass"].program, stage.parts["bass"].gain, stage.parts["bass"].channel) == ("Violin", 0.5, 3)
    comes_back(stage, crash)
    assert {int(note.beat) % 4: note.pitch for note in stage.tape.notes("lead")} == {0: 60, 1: 62, 2: 64, 3: 65}
    crash = stage.snapshot().beats
    kill(after.pid)
    assert stage.engine is not None
    assert stage.engine.crashes == 2
    comes_back(stage, crash)


def test_the_tape_the_takes_and_the_log_still_have_what_was_before_a_crash(stage: lc.Stage) -> None:
    wait_until(lambda: len(stage.takes("lead")) == 1, "the first phrase")
    stage.part("lead") >> lc.notes("G4 A4 B4 C5")
    wait_until(lambda: len(stage.takes("lead")) == 2, "the second phrase")
    before, takes = stage.snapshot().beats, stage.takes("lead")
    had = [entry for entry in stage.tape.onsets("lead") if entry[0] < before]
    assert stage.engine is not None
    kill(stage.engine.pid)
    wait_until(lambda: said(stage, "what sounded before the crash is on the tape"), "the tape")
    assert [entry for entry in stage.tape.onsets("lead") if entry[0] < before] == had
    assert stage.takes("lead")[:2] == takes
    assert said(stage, "lead: plays 1 bar from bar 1")


def test_a_supervisor_that_is_killed_is_replaced_and_the_next_crash_mended(stage: lc.Stage) -> None:
    first = stage.engine
    assert first is not None
    kill(first.supervisor)
    wait_until(lambda: stage.engine is not None and stage.engine.supervisor != first.supervisor, "another supervisor")
    assert stage.engine is not None
    assert stage.engine.pid == first.pid
    plays_on(stage)
    crash = stage.snapshot().beats
    kill(first.pid)
    assert stage.engine.crashes == 1
    comes_back(stage, crash)


def test_a_second_crash_while_the_engine_comes_up_is_mended_too(stage: lc.Stage) -> None:
    assert stage.engine is not None
    crash, supervisor = stage.snapshot().beats, psutil.Process(stage.engine.supervisor)
    kill(stage.engine.pid)
    wait_until(lambda: bool(supervisor.children()), "the next engine")
    kill(supervisor.children()[0].pid)
    comes_back(stage, crash)


def test_an_engine_whose_soundfont_has_gone_comes_back_with_the_one_that_comes_along(tmp_path: Path) -> None:
    soundfont = tmp_path / "mine.sf2"
    shutil.copy(soundfonts.find(), soundfont)
    with ended("main"), lc.Stage(bpm=480, soundfont=soundfont) as stage:
        stage.part("lead") >> SCORE
        wait_until(lambda: len(stage.tape.onsets()) > 2, "the music")
        soundfont.unlink()
        crash = stage.snapshot().beats
        assert stage.engine is not None
        kill(stage.engine.pid)
        comes_back(stage, crash)
        assert any(line.startswith("output FluidSynth") for line in stage.status())
        assert said(stage, "There is no soundfont")
        assert said(stage, "TimGM6mb plays instead.")


def test_a_supervisor_that_cannot_be_replaced_is_in_the_status_until_it_can(stage: lc.Stage) -> None:
    first = stage.engine
    assert first is not None
    open_files = psutil.Process(first.pid).num_fds()
    resource.prlimit(first.pid, resource.RLIMIT_NOFILE, (open_files - 1, 4096))
    kill(first.supervisor)
    wait_until(lambda: "there is no supervisor (Too many open files)" in repr(stage.status()), "the status")
    plays_on(stage)
    resource.prlimit(first.pid, resource.RLIMIT_NOFILE, (1024, 4096))
    wait_until(lambda: "there is no supervisor" not in repr(stage.status()), "another supervisor")


def test_a_request_whose_reply_was_lost_in_a_crash_is_not_done_twice(stage: lc.Stage) -> None:
    place = Place.of("main")
    nobodys, request = (b'{"id": "%s", "request": {"type": "Restart"}}' % each for each in (b"", b"lost"))
    replies = []
    for _ in range(2):
        with Client(place.address, authkey=place.key()) as line:
            for sent in (request, *[nobodys] * REMEMBERED):  # what nobody sends again is not kept instead of it
                line.send_bytes(sent)
                assert line.poll(10)
                replies.append(decode_reply(line.recv_bytes()))
        assert stage.engine is not None
        kill(stage.engine.pid)
        assert stage.engine.pid
    assert {type(reply) for reply in replies} == {Done}
    assert [number for number, reply in enumerate(replies) if "just before the crash" in str(reply)] == [REMEMBERED + 1]


def test_a_child_that_is_forked_neither_disturbs_the_engine_nor_ends_it() -> None:
    code = """
import os
import livecode as lc
stage = lc.Stage(bpm=480, name="parent", inline=False, outputs=[])
stage.part("lead") >> lc.notes("C4 D4 E4 F4")
if os.fork() == 0:
    stage.part("child") >> lc.notes("C5")
    raise SystemExit
os.wait()
assert set(stage.parts) == {"lead", "child"}
print("ready", flush=True)
import threading
threading.Event().wait()
"""
    with ended("parent"), client(code):
        plays_on(lc.Stage.attach("parent"))


def test_an_engine_that_hangs_is_ended_and_started_again(stage: lc.Stage) -> None:
    hanging, crash = stage.engine, stage.snapshot().beats
    assert hanging is not None
    os.kill(hanging.pid, signal.SIGSTOP)
    assert stage.parts["lead"].set(pan=0.5) == "lead: pan 0.5 set now"  # taken by the next engine
    assert stage.engine is not None
    assert stage.engine.pid != hanging.pid
    comes_back(stage, crash)


def test_a_full_disk_stops_nothing_and_is_in_the_status(stage: lc.Stage) -> None:
    assert stage.engine is not None
    resource.prlimit(stage.engine.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    stage.parts["lead"].mute()
    stage.parts["lead"].unmute()
    wait_until(lambda: "the journal cannot be written (File too large): free some space in" in repr(stage.status()), "the status")
    plays_on(stage)
    resource.prlimit(stage.engine.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: "cannot be written" not in repr(stage.status()), "room on the disk")
    crash = stage.snapshot().beats
    kill(stage.engine.pid)
    assert not stage.snapshot().parts[0].muted
    comes_back(stage, crash)


def test_a_log_that_cannot_be_written_is_refused_in_a_sentence() -> None:
    log = state_folder() / "quiet.log"
    log.mkdir(parents=True)
    with pytest.raises(lc.LivecodeError, match=f"{log} cannot be written .*: free some space there, or name another folder"):
        lc.Stage(name="quiet", outputs=[], inline=False)


# Strangers and fools


def test_one_stage_too_many_is_told_so(stage: lc.Stage) -> None:
    place = Place.of("main")
    with ExitStack() as stack:
        for _ in range(31):
            stack.enter_context(Client(place.address, authkey=place.key()))
        wait_until(lambda: stage.engine is not None and stage.engine.clients == 32, "a full house")
        with pytest.raises(lc.LivecodeError, match="32 stages are attached to the engine already: close one of them"):
            lc.Stage.attach()
        plays_on(stage)


@pytest.fixture
def line(stage: lc.Stage) -> Iterator[Connection]:
    """A connection that has shown the key and can now send what it likes."""
    place = Place.of("main")
    with Client(place.address, authkey=place.key()) as line:
        yield line


def in_envelope(request: bytes) -> bytes:
    return b'{"id": "", "request": ' + request + b"}"


def refusal(line: Connection) -> str:
    assert line.poll(10)
    reply = decode_reply(line.recv_bytes())
    assert isinstance(reply, Refused)
    return reply.sentence


def test_of_a_sentence_without_end_the_beginning_is_kept(stage: lc.Stage, line: Connection) -> None:
    line.send_bytes(in_envelope(b'{"type": "Remark", "sentence": "' + 100_000 * b"x" + b'"}'))
    assert isinstance(decode_reply(line.recv_bytes()), Done)
    assert max(len(str(entry)) for entry in stage.log() if "xxx" in str(entry)) < 1100


def test_garbage_is_refused_in_a_sentence_and_the_line_stays_open(stage: lc.Stage, line: Connection) -> None:
    for garbage in (
        b"",
        b"\x80\x04K\x01.",  # a pickle
        b"{}",
        b"[1, 2",
        in_envelope(b'{"type": "Explode"}'),
        in_envelope(b'{"type": "Mute", "part": "lead", "muted": "yes"}'),
        in_envelope(b'{"type": "Tempo", "bpm": "1e999999999"}'),
        in_envelope(b'{"type": "Tempo", "bpm": "1/0"}'),
        in_envelope(b'{"type": "Tempo", "bpm": "0"}'),
        in_envelope(b'{"type": "Tempo", "bpm": "' + b"9" * 5000 + b'"}'),
        in_envelope(b'{"type": "Play", "part": "lead", "phrase": {"notes": [], "length": "0"}}'),
        in_envelope(b'{"type": "Mute", "part": "../../x", "muted": true}'),
        "{'type': 'Mute'}".encode("utf-16"),
        b"[" * 100_000,
        os.urandom(4096),
    ):
        line.send_bytes(garbage)
        assert refusal(line).startswith("The engine cannot read what it was sent ("), garbage[:100]
        line.send_bytes(in_envelope(b'{"type": "Look"}'))
        assert line.poll(10)
        assert b"snapshot" in line.recv_bytes()
    plays_on(stage)


def test_half_a_message_and_one_of_a_hundred_megabytes_hurt_only_who_sends_them(stage: lc.Stage, line: Connection) -> None:
    os.write(line.fileno(), struct.pack("!i", 1000) + b"half")
    place = Place.of("main")
    with Client(place.address, authkey=place.key()) as other:
        os.write(other.fileno(), struct.pack("!i", 100 * 2**20) + bytes(2**16))
        with pytest.raises((EOFError, OSError)):
            other.recv_bytes()
    plays_on(stage)
    line.close()
    plays_on(stage)


def test_a_hundred_thousand_commands_at_once_keep_nobody_waiting(stage: lc.Stage) -> None:
    code = """
from livecode.places import Place, state_folder
from multiprocessing.connection import Client
import threading
place = Place.of("main")
line = Client(place.address, authkey=place.key())
def drain():
    for number in range(100_000):
        line.recv_bytes()
        if number == 100:
            print("ready", flush=True)
    print("done", flush=True)
threading.Thread(target=drain).start()
for number in range(100_000):
    line.send_bytes(b'{"id": "", "request": {"type": "Mute", "part": "flood", "muted": true}}')
"""
    with client(code):
        plays_on(stage)
        assert stage.parts["lead"].set(gain=0.5) == "lead: gain 0.5 set now"
        plays_on(stage)


def test_who_has_not_the_key_is_turned_away(stage: lc.Stage) -> None:
    with pytest.raises((AuthenticationError, EOFError, OSError)):
        Client(Place.of("main").address, authkey=b"a guess")
    wait_until(lambda: said(stage, "somebody who could not show the key was turned away"), "the log")
    silent = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    for one in silent:
        one.connect(Place.of("main").address)  # and never says a word
    plays_on(stage)
    for one in silent:
        one.close()


def test_another_users_process_cannot_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)  # so that what refuses is the engine's own folder
        monkeypatch.setenv("XDG_RUNTIME_DIR", open_to_all)
        with ended("main"), lc.Stage(inline=False, outputs=[]):
            place = Place.of("main")
            assert place.folder.stat().st_mode & 0o777 == 0o700
            assert all(file.stat().st_mode & 0o077 == 0 for file in (place.folder / "main.key", place.folder / "main.lock"))
            if os.getuid() == 0:  # only root can become another user
                assert _as_nobody(place.address) == "refused\n"


def _as_nobody(address: str) -> str:
    """What connecting comes to for a process of another user."""
    code = f"""
import socket
try:
    socket.socket(socket.AF_UNIX).connect({address!r})
except PermissionError:
    print("refused")
"""
    done = subprocess.run(["python3", "-c", code], user="nobody", cwd="/", capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_the_journal_holds_what_was_typed_and_that_it_ended(stage: lc.Stage) -> None:
    stage.part("bass") >> lc.notes("C2")
    stage.close()
    journals = Path(os.environ["XDG_STATE_HOME"], "livecode", "journals")
    newest = max(journals.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    story = read(newest)
    assert story.ended
    assert story.bad == 0
    assert story.opened.name == "main"
    assert story.opened.time == pytest.approx(time.time(), abs=300)
    assert {type(fact).__name__ for fact in story.facts} == {"Taken", "Moved"}
