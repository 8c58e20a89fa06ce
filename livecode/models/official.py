"""Magenta's own bundles, by name: downloaded once, kept in the user's cache, and checked every time."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ..errors import BundleError, UnknownName
from ..files import whole_file
from ..music import Seconds
from . import packed

ADDRESS = "http://download.magenta.tensorflow.org/models"
"""Source: the README of each family in magenta/models."""

PREFIX = "magenta:"
"""What a model's name begins with if Magenta's own bundle is meant: melody_rnn("magenta:attention_rnn")."""

CATALOGUE: Mapping[str, str] = {
    "drum_kit_rnn": "drums_rnn",
    "basic_rnn": "melody_rnn",
    "mono_rnn": "melody_rnn",
    "lookback_rnn": "melody_rnn",
    "attention_rnn": "melody_rnn",
    "chord_pitches_improv": "improv_rnn",
    "polyphony_rnn": "polyphony_rnn",
    "performance": "performance_rnn",
    "performance_with_dynamics": "performance_rnn",
    "performance_with_dynamics_and_modulo_encoding": "performance_rnn",
    "density_conditioned_performance_with_dynamics": "performance_rnn",
    "pitch_conditioned_performance_with_dynamics": "performance_rnn",
    "multiconditioned_performance_with_dynamics": "performance_rnn",
    "pianoroll_rnn_nade": "pianoroll_rnn_nade",
    "pianoroll_rnn_nade-bach": "pianoroll_rnn_nade",
}
"""The bundles that Magenta offers, by the names of their files, and the family of each."""

TIMEOUT: Seconds = 20.0


@dataclass(frozen=True, slots=True)
class Official:
    """Magenta's bundles in a folder, downloaded from an address. Beside each lies the sha256 of its first download."""

    folder: Path
    address: str = ADDRESS

    @classmethod
    def of_user(cls) -> "Official":
        """The one in this user's cache."""
        return cls(Path(platformdirs.user_cache_dir("livecode", appauthor=False)) / "bundles")

    def has(self, name: str) -> bool:
        """Whether the bundle has been downloaded."""
        return self._file(name).exists()

    def fetch(self, name: str, *, progress: bool = True) -> Path:
        """The file of a bundle, downloaded if it is not there yet, with a progress bar on stderr.

        Raises UnknownName for a name that is not in the catalogue, and BundleError for what cannot be had, or is not what it
        was when it was first downloaded.
        """
        if name not in CATALOGUE:
            raise UnknownName.of("bundle of Magenta's", name, CATALOGUE)
        file = self._file(name)
        if not file.exists():
            self._download(name, progress=progress)
        digest = _sha256(file)
        known = self._known(name)
        if known is None:
            self._remember(name, digest)
        elif known != digest:
            raise BundleError(
                f"{file} is not what was downloaded first (its sha256 is {digest[:12]}..., not {known[:12]}...): remove it, "
                "and it is downloaded again."
            )
        return file

    def _download(self, name: str, *, progress: bool) -> None:
        # Inside the function to keep them out of `import livecode`.
        import pooch
        import requests

        url = f"{self.address}/{name}.mag"
        known = self._known(name)
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=TIMEOUT)
        pooch.get_logger().setLevel("WARNING")
        unseen = self.folder / f".{os.getpid()}-{name}.mag"
        try:
            pooch.retrieve(url, known and f"sha256:{known}", unseen.name, self.folder, downloader=downloader)
            if not known:
                _check(unseen, url)
            unseen.replace(self._file(name))
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else error
            raise BundleError(f"There is no bundle at {url} ({status}): give the path of a .mag file that you have.") from error
        except requests.RequestException as error:
            raise BundleError(
                f"{name} cannot be downloaded from {url} ({type(error).__name__}): connect to the network and try again, or give "
                "the path of a .mag file that you have."
            ) from error
        except OSError as error:
            why = error.strerror or error
            raise BundleError(f"{name} cannot be written into {self.folder} ({why}): make room there.") from error
        except ValueError as error:
            raise BundleError(
                f"{url} is not what it was when it was first downloaded: if you trust the new one, remove {self._digest(name)}."
            ) from error
        finally:
            with suppress(OSError):
                unseen.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.mag"

    def _digest(self, name: str) -> Path:
        return self.folder / f"{name}.mag.sha256"

    def _known(self, name: str) -> str | None:
        return self._digest(name).read_text().strip() if self._digest(name).exists() else None

    def _remember(self, name: str, digest: str) -> None:
        with whole_file(self._digest(name)) as file:
            file.write_text(digest + "\n")


def _check(file: Path, url: str) -> None:
    """Nobody has seen this bundle before: raises BundleError unless it is one."""
    bundle = packed.opened(file.read_bytes())
    if bundle is None or not packed.is_whole(bundle):
        raise BundleError(
            f"What came from {url} is no whole bundle ({file.stat().st_size} bytes): if this network wants you to log in, do so "
            "and try again, or give the path of a .mag file that you have."
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
