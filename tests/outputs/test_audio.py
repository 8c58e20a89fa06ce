import socket
from pathlib import Path

import jackd
import pytest
from waiting import wait_until

from livecode.outputs import audio

linux_only = pytest.mark.skipif("sys.platform != 'linux'", reason="sockets are where Linux has them")


@linux_only
def test_sound_servers_are_found_by_their_sockets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_jack: None) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("PULSE_SERVER", "PIPEWIRE_REMOTE"):
        monkeypatch.delenv(name, raising=False)
    assert not {"pipewire", "pulseaudio", "jack"} & set(audio.drivers())

    (tmp_path / "pulse").mkdir()
    with socket.socket(socket.AF_UNIX) as pipewire, socket.socket(socket.AF_UNIX) as pulse:
        pipewire.bind(str(tmp_path / "pipewire-0"))
        pulse.bind(str(tmp_path / "pulse" / "native"))
        assert audio.drivers()[:2] == ["pipewire", "pulseaudio"]


@linux_only
def test_a_server_elsewhere_counts(monkeypatch: pytest.MonkeyPatch, no_jack: None) -> None:
    monkeypatch.setenv("PULSE_SERVER", "tcp:studio:4713")

    assert "pulseaudio" in audio.drivers()


def test_a_look_at_the_drivers_is_quiet(no_jack: None, capfd: pytest.CaptureFixture[str]) -> None:
    audio.drivers()

    assert capfd.readouterr() == ("", "")


@pytest.mark.jack
def test_a_running_jack_server_comes_first(jack_server: None) -> None:
    server = audio.jack_server()

    assert audio.drivers()[0] == "jack"
    assert server is not None
    assert (server.sample_rate, server.period) == (48000, 64)


@pytest.mark.jack
def test_a_watch_on_the_jack_server_knows_that_it_died(libfluidsynth: None) -> None:
    jackd.need(jackd.installed(), "JACK is not installed.")
    with jackd.server(name="watched"):
        watch = audio.watch_jack()
        assert watch is not None
        assert watch.server == audio.jack_server()
        assert not watch.died
    wait_until(lambda: watch.died, "the news")
    watch.close()
