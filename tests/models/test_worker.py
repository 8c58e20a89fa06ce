"""The real worker, and what becomes of it: killed, stopped, fed with rubbish."""

import os
import signal
import subprocess
import sys
from fractions import Fraction

import pytest
from model_pieces import Desk, bundle_of, fields, rock
from waiting import wait_until

from livecode.models import bundles, wire
from livecode.models.host import WORKER
from livecode.models.keeper import Limits

pytestmark = pytest.mark.magenta


def test_a_worker_killed_in_the_middle_of_a_request_is_asked_again(drum_kit):
    long = {"beats": 4 * 64, "beam_size": 4, "branch_factor": 2}
    with Desk() as desk:
        expected = desk.phrase(drum_kit, rock(), **long)
        name = desk.ask(drum_kit, rock(), **long)
        wait_until(lambda: desk.state(drum_kit).state == "generating", "the worker to be asked")
        os.kill(desk.state(drum_kit).pid, signal.SIGKILL)
        reply = desk.reply()
        assert (reply.id, reply.refusal, reply.phrase) == (name, None, expected)
        said = desk.event()
        assert said.startswith("The worker of drum_kit was killed (signal 9) in the middle of a request: it is restarted and")
        assert desk.state(drum_kit).restarts == 1


@pytest.mark.parametrize("engine", ["compiled", "magenta"])
def test_candidates_are_what_requests_with_their_seeds_give(magenta, engine):
    key = bundles.find("drums_rnn", "drum_kit", engine)
    alone = tuple(magenta.phrase(key, rock(), seed=seed) for seed in (3, 1, 2))
    took = magenta.state(key).p95
    name = magenta.ask(key, rock(), seeds=(3, 1, 2))
    reply = magenta.reply()
    assert (reply.id, reply.phrase, reply.refusal, reply.phrases) == (name, None, None, alone)
    assert len(set(alone)) == 3
    assert magenta.state(key).p95 == took  # several at once say nothing of what one takes


def test_a_worker_that_stands_still_is_killed_and_the_request_asked_again(drum_kit):
    with Desk(limits=Limits(reply=2)) as desk:
        desk.phrase(drum_kit)
        os.kill(desk.state(drum_kit).pid, signal.SIGSTOP)
        assert desk.phrase(drum_kit, beats=4).length == 4
        assert "gave no answer for 2 s and was killed in the middle of a request" in desk.event()


@pytest.mark.parametrize(
    "insides",
    [
        lambda whole: bundle_of("drum_kit"),
        lambda whole: bundle_of("drum_kit", checkpoint=b"weights" * 1000, metagraph=whole[3]),
        lambda whole: bundle_of("drum_kit", checkpoint=whole[2][: len(whole[2]) // 2], metagraph=whole[3]),
        lambda whole: bundle_of("one_drum", checkpoint=whole[2], metagraph=whole[3]),
    ],
    ids=["no graph", "no weights", "half the weights", "another config's graph"],
)
def test_a_bundle_whose_insides_are_rubbish_is_refused_in_a_sentence(magenta, drum_kit, tmp_path, insides):
    path = tmp_path / "rubbish.mag"
    path.write_bytes(insides(fields(drum_kit.path.read_bytes())))
    key = bundles.find("drums_rnn", path, "magenta")
    magenta.ask(key)
    sentence = str(magenta.reply().refusal)
    assert sentence.startswith(f"{path} cannot be loaded as {key.config} (")
    assert sentence.endswith("): give another bundle.")
    assert "\n" not in sentence
    assert len(sentence) < 400
    assert magenta.event() == sentence
    assert magenta.state(key).state == f"refused: {sentence}"
    assert magenta.phrase(drum_kit).length == 8


def test_a_bundle_that_cannot_be_compiled_is_refused_in_a_sentence(magenta, drum_kit, tmp_path):
    path = tmp_path / "rubbish.mag"
    path.write_bytes(bundle_of("drum_kit"))
    magenta.ask(bundles.find("drums_rnn", path))
    sentence = f"{path} cannot be compiled as drum_kit (its checkpoint cannot be read): give another bundle."
    assert (magenta.reply().refusal, magenta.event()) == (sentence, sentence)
    assert magenta.phrase(drum_kit).length == 8


@pytest.mark.parametrize(
    ("engine", "said"),
    [("compiled", "{} cannot be read (No such file"), ("magenta", "{} cannot be loaded as drum_kit (NotFoundError: ")],
)
def test_a_file_that_was_changed_since_it_was_found_is_refused_too(magenta, tmp_path, engine, said):
    path = tmp_path / "gone.mag"
    path.write_bytes(bundle_of("drum_kit"))
    key = bundles.find("drums_rnn", path, engine)
    path.unlink()
    magenta.ask(key)
    assert str(magenta.reply().refusal).startswith(said.format(path))


def test_a_request_that_magenta_cannot_meet_is_refused_in_a_sentence(magenta, drum_kit):
    name = magenta.ask(drum_kit, seed=2**32)
    reply = magenta.reply()
    assert (reply.id, reply.phrase) == (name, None)
    assert str(reply.refusal) == (
        "drum_kit could not continue (ValueError: Seed must be between 0 and 2**32 - 1): try another primer or other knobs."
    )


def test_the_worker_alone_speaks_the_protocol_and_ends_with_its_input(drum_kit):
    worker = subprocess.Popen(
        [sys.executable, *WORKER, "--flags", "nobody", "knows"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    request = wire.Request("1", drum_kit, None, Fraction(4), Fraction(120), (4, 4), 1, {})
    lines = b"no message\n" + wire.encode(wire.Load(drum_kit)) + b"\n" + wire.encode(request)
    out, err = worker.communicate(lines)
    ready, loaded, reply = [wire.decode_for_host(line) for line in out.splitlines()]
    assert isinstance(ready, wire.Ready)
    assert isinstance(loaded, wire.Loaded)
    assert (loaded.key, loaded.refusal) == (drum_kit, None)
    assert isinstance(reply, wire.Reply)
    assert reply.phrase is not None
    assert reply.phrase.length == 4
    assert err.decode().count("A line that is no message was ignored") == 2
    assert worker.returncode == 0
