"""Reading a .mag file: the message GeneratorBundle, without note_seq."""

from typing import Any


def opened(content: bytes) -> Any | None:
    """The GeneratorBundle in these bytes, or None if they are none.

    Source: note_seq/protobuf/generator.proto. The message is described here because importing note_seq takes seconds; and
    in a pool of its own, because note_seq registers the same names in the default one.
    """
    # Inside the function to keep protobuf out of `import livecode`.
    from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="bundle.proto", package="magenta", syntax="proto3")
    details = file.message_type.add(name="GeneratorDetails")
    details.field.add(name="id", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    bundle = file.message_type.add(name="GeneratorBundle")
    bundle.field.add(
        name="generator_details",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".magenta.GeneratorDetails",
        label=field.LABEL_OPTIONAL,
    )
    bundle.field.add(name="checkpoint_file", number=2, type=field.TYPE_BYTES, label=field.LABEL_REPEATED)
    bundle.field.add(name="metagraph_file", number=3, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    parsed = message_factory.GetMessageClass(pool.FindMessageTypeByName("magenta.GeneratorBundle"))()
    try:
        parsed.ParseFromString(content)
    except message.DecodeError:
        return None
    return parsed if parsed.generator_details.id else None


def is_whole(bundle: Any) -> bool:
    """Whether it has weights and a graph: one that was cut short in a lucky place lacks them."""
    return any(bundle.checkpoint_file) and bool(bundle.metagraph_file)
