"""The stage with Magenta's real models in a real worker process, which gets killed."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

import livecode as lc

pytestmark = pytest.mark.magenta

BEAT = lc.beat(kick="x...x...", hat="x.x.x.x.")


@pytest.fixture(scope="module")
def stage() -> Iterator[lc.Stage]:
    with lc.Stage(bpm=480, outputs=[], seed=1, patience=5) as stage:
        yield stage


def said(action: Callable[[], object]) -> str:
    """What comes of it, or the refusal."""
    try:
        return repr(action())
    except lc.LivecodeError as error:
        return str(error)


def pid_of_the_worker(stage: lc.Stage) -> int:
    pid = stage.model_states()[0].pid
    assert pid is not None
    return pid


def test_own_notes_go_on_until_the_model_has_answered_then_new_bars_every_loop(stage: lc.Stage) -> None:
    drums = stage.part("drums")
    drums >> BEAT
    drums >> lc.drums_rnn("drum_kit", bars=2)
    asked = "drums: generates 1/2 bar · drums_rnn"
    wait_until(lambda: any(line.startswith(asked) and "waits for drum_kit" in line for line in stage.status()), "the request")
    wait_until(lambda: len(drums.takes) >= 4, "three loops of the model's")
    own, *generated = drums.takes
    assert own == BEAT
    assert all(take.length == 8 and take.drums for take in generated)
    assert len(set(generated)) > 1
    until = stage.snapshot().beats
    kicks = [note for note in stage.tape.notes("drums") if note.beat < 4 and note.pitch == 36]
    assert [note.beat for note in kicks] == [0, 1, 2, 3]
    assert max(note.beat for note in stage.tape.notes("drums")) > until - 16  # never silent for two loops


def test_the_five_actions_and_stop_with_a_real_model(stage: lc.Stage) -> None:
    lead = stage.part("lead")
    lead >> lc.melody_rnn("attention_rnn", bars=1, temperature=1.1)
    wait_until(lambda: len(lead.takes) >= 2, "two loops")
    lead.loop()
    wait_until(lambda: "lead: loops 1 bar" in repr(lead), "the loop")
    lead.generate_once()
    here = len(lead.takes)
    wait_until(lambda: len(lead.takes) == here + 1, "new bars once")
    lead.reset_generate()
    wait_until(lambda: len(lead.takes) == here + 2, "new bars from nothing")
    lead.reset()
    lead.generate()
    wait_until(lambda: len(lead.takes) >= here + 4, "new bars every loop")
    lead.stop()
    wait_until(lambda: "lead: stopped" in repr(lead), "the end of the loop")


def test_of_eight_candidates_one_is_picked(stage: lc.Stage) -> None:
    bass = stage.part("bass")
    bass >> lc.melody_rnn("attention_rnn", bars=1)
    found = bass.candidates(8)
    assert len(found) == 8
    assert len(set(found)) > 1
    assert re.fullmatch(r"( [1-8]  ([0-9]+ notes?, [A-G]#?[0-9] to [A-G]#?[0-9]|silence)\n?){8}", repr(found))
    wanted = next(number for number, phrase in enumerate(found, 1) if phrase.notes and phrase not in bass.takes)
    assert bass.pick(wanted).startswith("bass: plays 1 bar from bar")
    wait_until(lambda: bass.takes[-1:] == (found[wanted - 1],), "the one that was picked")
    assert bass.candidates() == found
    bass.stop()
    wait_until(lambda: "bass: stopped" in repr(bass), "the end")


def test_equal_seeds_propose_equal_candidates_in_a_process_of_its_own_as_offline() -> None:
    def proposed(**where: bool) -> tuple[lc.Phrase, ...]:
        with lc.Stage(bpm=120, outputs=None if where.get("offline") else [], seed=5, **where) as stage:
            stage.part("drums") >> lc.drums_rnn(bars=2, primer=BEAT)
            return stage.part("drums").candidates(4)

    first = proposed(offline=True)
    assert len(set(first)) > 1
    assert proposed(inline=False) == first
    assert repr(first).splitlines()[0].split("  ")[1].endswith("drums")


def test_candidates_that_are_late_are_said_in_a_sentence_and_come_all_the_same(stage: lc.Stage) -> None:
    pad = stage.part("pad")
    with pytest.raises(lc.BadInput, match="pad has no candidates: ask its model for some first"):
        pad.candidates()
    pad >> lc.drums_rnn(bars=1, primer=BEAT)
    wait_until(lambda: any(str(found).startswith("drum_kit: ready") for found in stage.model_states()), "the model")
    for worker in psutil.Process().children():
        if "livecode.models.worker" in worker.cmdline():
            worker.suspend()
    with pytest.raises(lc.ModelRefused, match=r"pad's candidates have not come within 5 s: pad\.candidates"):
        pad.candidates(2)
    wait_until(lambda: "candidates have not come" not in said(pad.candidates), "the candidates")
    assert len(pad.candidates()) == 2
    pad.stop()


@pytest.mark.parametrize(
    ("fault", "words"), [(signal.SIGKILL, "was killed (signal 9)"), (signal.SIGSTOP, "gave no answer for 5 s and was killed")]
)
def test_a_worker_that_is_killed_or_hangs_in_a_request_stops_nothing(stage: lc.Stage, fault: signal.Signals, words: str) -> None:
    drums, bass = stage.part("drums"), stage.part("bass")
    bass >> lc.notes("C2 G2")
    drums >> lc.drums_rnn("drum_kit", bars=16)
    wait_until(lambda: any(state.state == "generating" for state in stage.model_states()), "a request")
    os.kill(pid_of_the_worker(stage), fault)
    begun, takes = stage.snapshot().beats, len(drums.takes)
    wait_until(lambda: any(words in line for line in stage.log(100)), "a sentence in the log")
    wait_until(lambda: len(drums.takes) > takes, "new bars all the same")
    played = [note.beat for note in stage.tape.notes("bass") if note.beat >= begun + 4]
    assert played == [played[0] + place for place in range(len(played))]
    assert all(note.end_beat > note.beat for note in stage.tape.notes())


def test_a_bundle_that_cannot_be_loaded_keeps_the_loop(stage: lc.Stage, tmp_path: Path) -> None:
    from livecode.models.bundles import find

    whole = find("drums_rnn", "drum_kit").path.read_bytes()
    broken = tmp_path / "broken.mag"
    middle = len(whole) // 2
    broken.write_bytes(whole[:middle] + bytes(1000) + whole[middle + 1000 :])
    drums = stage.part("drums")
    drums >> BEAT
    drums >> lc.drums_rnn(broken)
    wait_until(lambda: "trouble: " in repr(drums), "the refusal")
    assert "broken.mag" in repr(drums)
    assert sum("goes on with what it has" in line for line in stage.log(1000)) >= 1
    drums >> lc.drums_rnn()
    here = len(drums.takes)
    wait_until(lambda: len(drums.takes) > here, "the next model's bars")


def test_the_same_seed_gives_the_same_piece_in_another_worker() -> None:
    def piece() -> list[tuple[float, str]]:
        with lc.Stage(bpm=80, offline=True, seed=11) as stage:
            stage.part("drums") >> BEAT
            stage.part("drums") >> lc.drums_rnn()
            stage.part("lead") >> lc.melody_rnn(bars=2)
            stage.run(bars=7)
            return stage.tape.onsets()

    first = piece()
    assert len(first) > 50
    assert piece() == first
