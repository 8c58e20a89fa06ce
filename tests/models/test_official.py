"""Magenta's bundles from a real server, which does what servers do."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_pieces import bundle_of

from livecode.errors import BundleError, UnknownName
from livecode.models import bundles
from livecode.models.official import ADDRESS, CATALOGUE, Official
from livecode.ui.cli import main

BUNDLE = bundle_of("attention_rnn", checkpoint=b"weights" * 1000)


class Server(http.server.BaseHTTPRequestHandler):
    """Gives a whole bundle, one that is cut short, or none at all, by its name."""

    content = BUNDLE
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        name = self.path.rsplit("/", 1)[-1].removesuffix(".mag")
        if name == "polyphony_rnn":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content[: len(self.content) // 2] if name == "basic_rnn" else self.content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[type[Server]]:
    handler = type("OneTest", (Server,), {"asked": 0})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.address = f"http://127.0.0.1:{server.server_port}/models"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handler
        server.shutdown()
        thread.join()


@pytest.fixture
def official(server: type[Server], tmp_path: Path) -> Official:
    return Official(tmp_path / "bundles", server.address)  # type: ignore[attr-defined]


def test_a_bundle_is_downloaded_once_and_is_there_ever_after(official: Official, server: type[Server]) -> None:
    assert not official.has("attention_rnn")
    file = official.fetch("attention_rnn", progress=False)
    assert file.read_bytes() == BUNDLE
    assert official.has("attention_rnn")
    assert official.fetch("attention_rnn", progress=False) == file
    assert server.asked == 1


def test_a_progress_bar_shows_on_stderr(official: Official, capsys: pytest.CaptureFixture[str]) -> None:
    official.fetch("attention_rnn")
    assert "100%" in capsys.readouterr().err


def test_a_download_that_breaks_off_leaves_no_file(official: Official) -> None:
    with pytest.raises(BundleError, match=r"basic_rnn cannot be downloaded from .* connect to the network and try again"):
        official.fetch("basic_rnn", progress=False)
    assert not official.has("basic_rnn")
    assert list(official.folder.glob("*.mag*")) == []


def test_livecode_models_downloads_what_is_named(
    official: Official, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Official, "of_user", lambda: official)
    assert main(["models", "attention_rnn", "magenta:mono_rnn"]) == 0
    assert [official.has(name) for name in ("attention_rnn", "mono_rnn", "basic_rnn")] == [True, True, False]
    assert "melody_rnn('magenta:attention_rnn')  is here" in capsys.readouterr().out
    assert main(["models", "atention_rnn"]) == 2
    assert "did you mean 'attention_rnn'" in capsys.readouterr().err
    assert main(["models"]) == 0
    assert "melody_rnn('magenta:mono_rnn')  is here\n" in capsys.readouterr().out


LOGIN, WITHOUT_END = b"<html>Welcome to our hotel. Please log in.</html>", BUNDLE[: len(BUNDLE) // 2]


@pytest.mark.parametrize("content", [LOGIN, WITHOUT_END, bundle_of("attention_rnn", metagraph=b"")])
def test_what_is_no_bundle_is_neither_kept_nor_trusted(official: Official, server: type[Server], content: bytes) -> None:
    server.content = content
    with pytest.raises(BundleError) as refusal:
        official.fetch("attention_rnn", progress=False)
    assert str(refusal.value) == (
        f"What came from {official.address}/attention_rnn.mag is no whole bundle ({len(content)} bytes): if this network wants "
        "you to log in, do so and try again, or give the path of a .mag file that you have."
    )
    assert list(official.folder.iterdir()) == []
    server.content = BUNDLE
    assert official.fetch("attention_rnn", progress=False).read_bytes() == BUNDLE


def test_a_cache_that_cannot_be_written_to_is_said(official: Official) -> None:
    official.folder.parent.joinpath("bundles").touch()
    with pytest.raises(BundleError, match=r"attention_rnn cannot be written into .*bundles \(.*\): make room there"):
        official.fetch("attention_rnn", progress=False)


def test_a_bundle_of_another_family_is_refused_before_it_is_downloaded() -> None:
    with pytest.raises(UnknownName, match=r"'magenta:drum_kit_rnn' is a Drums RNN model: use drums_rnn\('magenta:drum_"):
        bundles.find("melody_rnn", "magenta:drum_kit_rnn")


def test_what_is_not_there_is_said(official: Official) -> None:
    with pytest.raises(BundleError, match=r"There is no bundle at .*polyphony_rnn.mag \(404\): give the path"):
        official.fetch("polyphony_rnn", progress=False)
    with pytest.raises(UnknownName, match="There is no bundle of Magenta's 'atention_rnn': did you mean 'attention_rnn'"):
        official.fetch("atention_rnn")


def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"\(ConnectionError\): connect to the network and try again, or give the path"):
        Official(tmp_path, "http://127.0.0.1:9/models").fetch("attention_rnn", progress=False)


def test_a_file_that_has_changed_is_refused_until_it_is_removed(official: Official) -> None:
    file = official.fetch("attention_rnn", progress=False)
    file.write_bytes(b"something else")
    with pytest.raises(BundleError, match=r"is not what was downloaded first .* remove it, and it is downloaded again"):
        official.fetch("attention_rnn", progress=False)
    file.unlink()
    assert official.fetch("attention_rnn", progress=False).read_bytes() == BUNDLE


def test_a_server_whose_bundle_has_changed_is_not_trusted(official: Official, server: type[Server]) -> None:
    official.fetch("attention_rnn", progress=False).unlink()
    server.content = bundle_of("attention_rnn", checkpoint=b"other weights")
    with pytest.raises(BundleError, match=r"is not what it was when it was first downloaded: if you trust the new one, remove"):
        official.fetch("attention_rnn", progress=False)
    assert not official.has("attention_rnn")


def test_the_catalogue_names_magentas_bundles() -> None:
    assert ADDRESS == "http://download.magenta.tensorflow.org/models"
    assert CATALOGUE["drum_kit_rnn"] == "drums_rnn"
    assert Official.of_user().folder.name == "bundles"
