"""The process with TensorFlow and Magenta that tests share, for both take ten seconds to start: `python compiler.py` reads and
writes lines of JSON.

{"bundles": FOLDER} makes small untrained bundles there, {"pianorolls": FOLDER} those of Pianoroll RNN-NADE: see tiny.py.
{"duel": REQUEST} answers whether both engines play the same: see duel.py.
{"script": MODULE, "flags": {...}} runs one of Magenta's own scripts, in a process of its own: see script.py.

{"spoil": BUNDLE, "how": NAME, "into": BUNDLE} writes a bundle whose checkpoint is spoilt, or written as it once was.
{"compile": BUNDLE, "config": NAME, "into": FILE} answers what the compiled file says of itself, or the refusal.
{"rows": CONFIG, "controls": [...], "into": FILE} writes what Magenta's encoder tells a model after each class, as a .npy file.
{"songs": [NOTES, ...], "into": FILE} writes notes (begin, end, pitch), in seconds, as NoteSequences in a TFRecord; (begin, end,
symbol) is a chord.
{"heard": NOTES, "start": STEP} answers the classes that Magenta makes of the notes (begin, end, pitch) before a step.
{"noted": CHECKPOINT, "notes": NOTES, "events": NUMBER, "seed": SEED, "search": KNOBS} answers so many events that Magenta's model
draws after the notes (begin, end, pitch, velocity), as the six numbers of each.
{"sung": CLASSES, "steps": NUMBER} answers the notes that Magenta makes of so many steps of classes.
"""

import importlib
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import duel
import msgspec
import script
import tiny

from livecode.errors import LivecodeError
from livecode.models import wire, worker
from livecode.models.compile import compile_bundle

IN_2017 = {
    "rnn/multi_rnn_cell/": "RNN/MultiRNNCell/",
    "/cell_": "/Cell",
    "attention_cell_wrapper": "AttentionCellWrapper",
    "basic_lstm_cell": "BasicLSTMCell",
    "attn_output_projection": "AttnOutputProjection",
    "attention/": "Attention/",
    "attn_w": "AttnW",
    "attn_v": "AttnV",
    "kernel": "Linear/Matrix",
    "bias": "Linear/Bias",
    "fully_connected/Linear/Biases": "fully_connected/biases",
}


def renamed(names: dict[str, str]):
    def spoil(weights):
        written = {}
        for name, array in weights.items():
            for new, old in () if name.startswith("fully_connected") else names.items():
                name = name.replace(new, old)
            written[name] = array
        return written

    return spoil


def changed(name: str, change):
    def spoil(weights):
        return weights | {name: change(weights[name])}

    return spoil


def nan_in(array):
    array = array.copy()
    array.flat[7] = float("nan")
    return array


def training(weights):
    slots = {f"{name}/Adam{place}": array for name, array in weights.items() for place in ("", "_1")}
    return weights | slots | {"beta1_power": next(iter(weights.values())).sum(), "global_step": 9}


LAYER = "rnn/multi_rnn_cell/cell_0/basic_lstm_cell"

SPOILT = {
    "as in 2017": renamed(IN_2017),
    "as in early 2017": renamed({"kernel": "weights", "bias": "biases"}),
    "with what training needs": training,
    "nan": changed(f"{LAYER}/kernel", nan_in),
    "without an output": lambda weights: {name: array for name, array in weights.items() if name != "fully_connected/weights"},
    "without a bias": lambda weights: {name: array for name, array in weights.items() if name != "fully_connected/biases"},
    "one more": lambda weights: weights | {"rnn/embedding": weights["fully_connected/biases"]},
    "the same twice": lambda weights: weights | {f"{LAYER}/biases": weights[f"{LAYER}/bias"]},
    "other classes": lambda weights: (
        changed("fully_connected/weights", lambda array: array[:, 1:])(weights)
        | {"fully_connected/biases": weights["fully_connected/biases"][1:]}
    ),
    "a kernel of another shape": changed(f"{LAYER}/kernel", lambda array: array[:, 4:]),
    "no layers": lambda weights: {name: array for name, array in weights.items() if not name.startswith("rnn")},
    "whole numbers": changed("fully_connected/biases", lambda array: array.astype("int32")),
}


def spoil(tf, source: Path, how: str, target: Path) -> None:
    bundle = importlib.import_module("note_seq.protobuf.generator_pb2").GeneratorBundle.FromString(source.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.ckpt"
        Path(path).write_bytes(bundle.checkpoint_file[0])
        reader = tf.train.load_checkpoint(path)
        weights = SPOILT[how]({name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()})
        with tf.Graph().as_default(), tf.Session() as session:
            for name, array in weights.items():
                tf.Variable(array, name=name, use_resource=False)
            session.run(tf.global_variables_initializer())
            saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
            saver.save(session, f"{folder}/spoilt.ckpt", write_meta_graph=False)
        bundle.checkpoint_file[0] = Path(f"{folder}/spoilt.ckpt").read_bytes()
    target.write_bytes(bundle.SerializeToString())


def rows(config: str, controls: list, target: Path) -> None:
    family = "polyphony" if config == "polyphony" else "performance"
    models = importlib.import_module(f"magenta.models.{family}_rnn.{family}_model")
    encoder = models.default_configs[config].encoder_decoder
    given = [controls and tuple(tuple(part) if isinstance(part, list) else part for part in controls)] * 2
    numpy = importlib.import_module("numpy")
    told = []
    for label in range(encoder.num_classes):
        event = encoder.class_index_to_event(label, [])
        assert encoder.events_to_label([event], 0) == label
        told.append(encoder.events_to_input(*([given] if controls else []), [event], 0))
    numpy.save(target, numpy.array(told, numpy.float32))


def songs(tf, given: list, target: Path) -> None:
    with tf.io.TFRecordWriter(str(target)) as written:
        for notes in given:
            sequence = importlib.import_module("note_seq.protobuf.music_pb2").NoteSequence()
            sequence.tempos.add(qpm=120)
            sequence.total_time = max(end for _, end, _ in notes)
            for begin, end, what in notes:
                if isinstance(what, str):
                    kind = sequence.TextAnnotation.CHORD_SYMBOL
                    sequence.text_annotations.add(text=what, time=begin, annotation_type=kind)
                else:
                    sequence.notes.add(pitch=what, velocity=80, start_time=begin, end_time=end)
            written.write(sequence.SerializeToString())


def heard(placed: list, start: int) -> list[int]:
    lib, encoding = polyphony()
    sequence = importlib.import_module("note_seq.protobuf.music_pb2").NoteSequence(total_quantized_steps=start)
    sequence.quantization_info.steps_per_quarter = 4
    sequence.time_signatures.add(numerator=4, denominator=4)
    for begin, end, pitch in placed:
        sequence.notes.add(pitch=pitch, velocity=80, quantized_start_step=begin, quantized_end_step=min(end, start))
    (events,), _ = lib.extract_polyphonic_sequences(sequence)
    events.set_length(start)
    events.trim_trailing_end_events()
    return [encoding.encode_event(event) for event in events]


def sung(labels: list[int], steps: int) -> list:
    lib, encoding = polyphony()
    events = lib.PolyphonicSequence(steps_per_quarter=4)
    for label in labels[1:]:
        events.append(encoding.decode_event(label))
    events.set_length(steps)
    notes = events.to_sequence(qpm=60).notes
    return sorted([round(note.start_time * 4), round(note.end_time * 4), note.pitch, note.velocity] for note in notes)


def noted(checkpoint: str, notes: list, events: int, seed: int, search: dict) -> list:
    """What Magenta's model draws after a primer, from a checkpoint: its generator fails, and so does its graph in a bundle."""
    lib = importlib.import_module("note_seq.performance_lib")
    maker = tiny.all_makers()["performance_with_dynamics_and_note_encoding"]
    usual = maker.args[0].hparams.values()
    maker.args[0].hparams.parse("batch_size=1,rnn_layer_sizes=[16]")
    sequence = importlib.import_module("note_seq.protobuf.music_pb2").NoteSequence()
    sequence.quantization_info.steps_per_second = 100
    for begin, end, pitch, velocity in notes:
        sequence.notes.add(
            pitch=pitch, velocity=velocity, start_time=begin / 100, quantized_start_step=begin, quantized_end_step=end
        )
    primer = lib.NotePerformance(sequence, num_velocity_bins=32)
    try:
        with maker(checkpoint=checkpoint) as generator:
            importlib.import_module("numpy").random.seed(seed)
            drawn = generator._model.generate_performance(len(primer) + events, primer, **search)
            encoder = generator._model._config.encoder_decoder
            return [[int(number) for number in encoder.events_to_label(drawn, place)] for place in range(len(drawn))]
    finally:
        maker.args[0].hparams.override_from_dict(usual)


def polyphony():
    lib = importlib.import_module("magenta.models.polyphony_rnn.polyphony_lib")
    return lib, importlib.import_module("magenta.models.polyphony_rnn.polyphony_encoder_decoder").PolyphonyOneHotEncoding()


def compiled(bundle: str, config: str, target: str) -> dict:
    try:
        made = compile_bundle(Path(bundle), config, Path(target))
    except LivecodeError as error:
        return {"refusal": str(error)}
    return {"made": msgspec.to_builtins(made)}


def answered(tf, nursery: script.Nursery, asked: dict) -> dict:
    match asked:
        case {"duel": request}:
            return duel.verdict(wire.decode_for_worker(json.dumps(request).encode()))
        case {"compile": bundle, "config": config, "into": target}:
            return compiled(bundle, config, target)
        case {"heard": notes, "start": start}:
            return {"events": heard(notes, start)}
        case {"sung": labels, "steps": steps}:
            return {"notes": sung(labels, steps)}
        case {"noted": checkpoint, "notes": notes, "events": events, "seed": seed, "search": search}:
            return {"events": noted(checkpoint, notes, events, seed, search)}
        case {"script": module, "flags": flags}:
            return {"code": nursery.run(module, flags)}
    write(tf, asked)
    return {}


def write(tf, asked: dict) -> None:
    match asked:
        case {"bundles": folder}:
            tiny.make_all(tf, Path(folder))
        case {"pianorolls": folder}:
            tiny.make_pianorolls(tf, Path(folder))
        case {"rows": config, "controls": controls, "into": target}:
            rows(config, controls, Path(target))
        case {"songs": given, "into": target}:
            songs(tf, given, Path(target))
        case {"spoil": bundle, "how": how, "into": target}:
            spoil(tf, Path(bundle), how, Path(target))


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.update(worker.QUIET_AND_SMALL)
    warnings.simplefilter("ignore")
    tf = importlib.import_module("tensorflow.compat.v1")
    tf.logging.set_verbosity("ERROR")
    tiny.all_makers()  # imports what scripts need, too
    nursery = script.Nursery()
    for line in sys.stdin:
        out.write(json.dumps(answered(tf, nursery, json.loads(line))) + "\n")
        out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
