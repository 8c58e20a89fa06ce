"""Which models there are, and whether a .mag file is one: checked at once in the caller's process, without TensorFlow."""

import difflib
import os
import re
from pathlib import Path
from typing import get_args

from ..errors import BadInput, BundleError, UnknownName
from ..files import expanded
from . import packed
from .configs import CONFIGS
from .official import CATALOGUE, PREFIX, Official
from .wire import Engine, ModelKey

TITLES = {
    "drums_rnn": "Drums RNN",
    "melody_rnn": "Melody RNN",
    "improv_rnn": "Improv RNN",
    "pianoroll_rnn_nade": "Pianoroll RNN-NADE",
    "polyphony_rnn": "Polyphony RNN",
    "performance_rnn": "Performance RNN",
}
"""The families, and what Magenta calls them."""

FAMILIES = {family: tuple(name for name, config in CONFIGS.items() if config.family == family) for family in TITLES}
"""The configs of each family, by Magenta's names."""

BUILT_IN = {name: config.built_in for name, config in CONFIGS.items() if config.built_in}
"""The configs that livecode ships a trained bundle of; the cards beside the files say of what and how good."""


def find(family: str, model: str | os.PathLike[str], engine: Engine = "compiled") -> ModelKey:
    """The key of a model, given as the name of a config or as the path of a bundle, and of what is to run it.

    What ends in .mag or contains a separator is a path; ~ is the home folder. "magenta:attention_rnn" is Magenta's own bundle
    of that name, downloaded if it has not been. "attention_rnn:run/train" is the newest checkpoint of a training of that
    config, "attention_rnn:run/train/model.ckpt-500" a certain one. Raises BadInput for what is neither name nor path,
    UnknownName for a name that no model of the family or no engine has, BundleError for a config without a built-in bundle
    and for a file that cannot be this family's bundle.

    >>> find("drums_rnn", "drum_kit")
    ModelKey(family='drums_rnn', config='drum_kit', bundle='drum_kit_groove.mag')
    """
    if not isinstance(model, str | os.PathLike):
        raise BadInput(f"{model!r} is no model: give a name such as {FAMILIES[family][-1]!r}, or the path of a .mag file.")
    if engine not in get_args(Engine):
        raise UnknownName.of("engine", engine, get_args(Engine))
    if isinstance(model, str) and model.startswith(PREFIX):
        name = model.removeprefix(PREFIX)
        if (owner := CATALOGUE.get(name, family)) != family:
            raise UnknownName(f"{model!r} is a {TITLES[owner]} model: use {owner}({model!r}).")
        path = Official.of_user().fetch(name)
        return ModelKey(family, _config_of(path, family, engine), str(path), engine)
    config, _, place = os.fspath(model).partition(":")
    if place and config in CONFIGS:
        return _checkpoint(family, _config_named(family, config), place, engine)
    if _is_path(model):
        path = Path(os.path.abspath(expanded(model)))
        return ModelKey(family, _config_of(path, family, engine), str(path), engine)
    config = _config_named(family, os.fspath(model))
    if config not in BUILT_IN:
        known = " and ".join(name for name in BUILT_IN if name in FAMILIES[family])
        known = known or f"{PREFIX + next(name for name, of in CATALOGUE.items() if of == family)!r}, which is downloaded"
        raise BundleError(
            f"There is no built-in bundle for {config}: give the path of a .mag file that holds it, or take {known}."
        )
    key = ModelKey(family, config, BUILT_IN[config], engine)
    _config_of(key.path, family, engine)
    return key


def _checkpoint(family: str, config: str, place: str, engine: Engine) -> ModelKey:
    """The key of a checkpoint that was left by training, in a folder or by its prefix."""
    if engine != "compiled":
        raise BadInput(f"A checkpoint is played compiled: leave out engine={engine!r}, or save a bundle with Magenta's script.")
    path = Path(os.path.abspath(expanded(place)))
    if path.is_dir():
        try:
            newest = re.match(r'model_checkpoint_path: "(.+)"', (path / "checkpoint").read_text())
        except OSError:
            newest = None
        if newest is None:
            raise BundleError(f"{path} holds no checkpoint: give the folder that a training writes to, or a checkpoint's prefix.")
        path /= newest[1]
    missing = next((file for file in (f"{path}.index", f"{path}.meta") if not Path(file).exists()), None)
    if missing:
        raise BundleError(f"There is no {missing}: give the prefix of a whole checkpoint, such as run/train/model.ckpt-500.")
    return ModelKey(family, config, str(path))


def _is_path(model: str | os.PathLike[str]) -> bool:
    if isinstance(model, os.PathLike):
        return True
    return model.endswith(".mag") or any(separator in model for separator in (os.sep, os.altsep) if separator)


def _config_named(family: str, name: str) -> str:
    if name in FAMILIES[family]:
        return name
    if name in CONFIGS:
        owner = CONFIGS[name].family
        raise UnknownName(f"{name!r} is a {TITLES[owner]} model: use {owner}({name!r}).")
    raise UnknownName.of(f"{TITLES[family]} model", name, FAMILIES[family])


def _config_of(path: Path, family: str, engine: Engine) -> str:
    """The config that a bundle file was trained as. Raises BundleError unless it is whole, and one of the family's."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        near = difflib.get_close_matches(path.name, [file.name for file in path.parent.glob("*.mag")], n=3, cutoff=0.8)
        hint = f"did you mean {' or '.join(near)}?" if near else "check the path of the .mag file."
        raise BundleError(f"There is no file {path}: {hint}") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}): give the path of a .mag file.") from error
    if not content:
        raise BundleError(f"{path} is empty: download or copy the bundle again.")
    bundle = packed.opened(content)
    if bundle is None:
        raise BundleError(f"{path} is no Magenta bundle, or is cut short: check the path, or download it again.")
    config = str(bundle.generator_details.id)
    if not packed.is_whole(bundle):
        raise BundleError(f"{path} holds {config} without its weights or its graph: it is cut short; download it again.")
    if config not in CONFIGS:
        raise BundleError(f"{path} holds {config!r}, which livecode cannot play: it plays {', '.join(TITLES.values())}.")
    if (owner := CONFIGS[config].family) != family:
        raise BundleError(f"{path} holds {config}, a {TITLES[owner]} model: use {owner}(...).")
    if engine == "magenta" and not CONFIGS[config].on_magenta:
        raise BundleError(f"Magenta's own generator fails for {config}: leave out engine='magenta', and it plays compiled.")
    return config
