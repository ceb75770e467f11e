"""Writes the event files and their expected values for the tests of reading.

Run with Python, torch and tensorboard: `python make.py` in this folder. `torch/` is written by
torch.utils.tensorboard, `tensors/` by tensorboard's own writer in the form of TensorFlow 2;
`expected.json` is what tensorboard's own reader finds in both; `histograms.json` has the buckets
that torch makes of given numbers; `reference.records` is written below byte by byte.
"""

import base64
import json
import math
import os
import shutil
import struct

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
for name in ("torch", "tensors"):
    shutil.rmtree(os.path.join(here, name), ignore_errors=True)

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import histogram as torch_histogram

random = np.random.default_rng(7)
numbers = {
    "normal": random.normal(size=40).tolist(),
    "one": [0.5],
    "zeros": [0.0, 0.0],
    "mixed": [-3.0, -1e-13, 0.0, 1e-12, 2.5, 2.5, 1e6],
    "negative": [-5.0, -4.0],
    "tiny": [1e-30],
}

writer = SummaryWriter(os.path.join(here, "torch", "first"))
for step in range(6):
    writer.add_scalar("loss/train", 1.0 / (step + 1), step, walltime=1700000000 + step)
writer.add_scalar("loss/train", math.nan, 6, walltime=1700000006)
writer.add_scalar("loss/train", -math.inf, 7, walltime=1700000007)
writer.add_scalar("new style", 0.125, 3, walltime=1700000003, new_style=True)
writer.add_scalar("double", 0.1, 3, walltime=1700000003, new_style=True, double_precision=True)
writer.add_histogram("weights", np.array(numbers["normal"]), 2, walltime=1700000002)
writer.add_text("note", "# 深度\n*learning*", 4, walltime=1700000004)
image = np.zeros((3, 2, 3), dtype=np.uint8)
image[0, 0, 0] = 255
writer.add_image("picture", image, 5, walltime=1700000005)
writer.add_hparams({"rate": 0.1, "kind": "a"}, {"hparam/accuracy": 0.5}, run_name="hparams")
writer.close()

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

png = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
tensors = EventFileWriter(os.path.join(here, "tensors"))
for step in range(3):
    event = event_pb2.Event(wall_time=1700000100 + step, step=step)
    def value(tag, array, metadata):
        event.summary.value.add(
            tag=tag, tensor=tensor_util.make_tensor_proto(array), metadata=metadata)
    value("loss", np.float32(0.5 * step), scalar_metadata.create_summary_metadata("", ""))
    value("exact", np.float64(0.1 * step), scalar_metadata.create_summary_metadata("", ""))
    value("texts", np.array([b"one", "二".encode()], dtype=object),
        text_metadata.create_summary_metadata("", ""))
    value("pictures", np.array([b"1", b"1", png, png], dtype=object),
        image_metadata.create_summary_metadata("", ""))
    value("spread", np.array([[0, 1, 2], [1, 3, 4]], dtype=np.float64),
        histogram_metadata.create_summary_metadata("", ""))
    tensors.add_event(event)
tensors.close()

from tensorboard.backend.event_processing import event_accumulator

def plain(number):
    number = float(number)
    return number if math.isfinite(number) else str(number)

def read(folder):
    accumulator = event_accumulator.EventAccumulator(
        folder, size_guidance={"tensors": 0, "scalars": 0, "histograms": 0, "images": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    result = {"scalars": {}, "histograms": {}, "images": {}, "texts": {}}
    for tag in tags["scalars"]:
        result["scalars"][tag] = [
            [e.step, e.wall_time, plain(e.value)] for e in accumulator.Scalars(tag)]
    for tag in tags["histograms"]:
        result["histograms"][tag] = [
            [e.step, [h.min, h.max, h.num, h.sum, h.sum_squares], list(h.bucket_limit),
             list(h.bucket)]
            for e in accumulator.Histograms(tag) for h in [e.histogram_value]]
    for tag in tags["images"]:
        result["images"][tag] = [
            [e.step, e.width, e.height, base64.b64encode(e.encoded_image_string).decode()]
            for e in accumulator.Images(tag)]
    for tag in tags["tensors"]:
        plugin = accumulator.SummaryMetadata(tag).plugin_data.plugin_name
        for e in accumulator.Tensors(tag):
            array = tensor_util.make_ndarray(e.tensor_proto)
            if plugin == "scalars":
                result["scalars"].setdefault(tag, []).append([e.step, e.wall_time, plain(array)])
            elif plugin == "text":
                result["texts"].setdefault(tag, []).append(
                    [e.step, [text.decode() for text in array.reshape(-1)]])
            elif plugin == "images":
                for encoded in array[2:]:
                    result["images"].setdefault(tag, []).append(
                        [e.step, int(array[0]), int(array[1]), base64.b64encode(encoded).decode()])
            elif plugin == "histograms":
                result["histograms"].setdefault(tag, []).append([e.step, None,
                    array[:, 1].tolist(), array[:, 2].tolist()])
    return result

expected = {
    name: read(os.path.join(here, name)) for name in ("torch/first", "torch/first/hparams", "tensors")}
json.dump(expected, open(os.path.join(here, "expected.json"), "w"), indent=1, ensure_ascii=False)

buckets = {}
for name, values in numbers.items():
    proto = torch_histogram(name, np.array(values), bins=writer.default_bins).value[0].histo
    buckets[name] = {
        "numbers": values, "moments": [proto.min, proto.max, proto.num, proto.sum, proto.sum_squares],
        "limits": list(proto.bucket_limit), "counts": list(proto.bucket)}
json.dump(buckets, open(os.path.join(here, "histograms.json"), "w"))

# The file that the writer's test must give, made by protobuf's own library.
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

def record(event):
    data = event.SerializeToString()
    head = struct.pack("<Q", len(data))
    return (head + struct.pack("<I", masked_crc32c(head)) + data
            + struct.pack("<I", masked_crc32c(data)))

def metadata(plugin, kind):
    result = summary_pb2.SummaryMetadata(data_class=kind)
    result.plugin_data.plugin_name = plugin
    return result

reference = record(event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2"))
event = event_pb2.Event(wall_time=1700000001.5, step=1)
event.summary.value.add(tag="loss", simple_value=0.75)
reference += record(event)
event = event_pb2.Event(wall_time=1700000002.5, step=300)
histogram = event.summary.value.add(tag="weights").histo
histogram.min, histogram.max, histogram.num, histogram.sum, histogram.sum_squares = -1, 2, 3, 1.5, 5.25
histogram.bucket_limit.extend([-1, 0, 2])
histogram.bucket.extend([0, 1, 2])
reference += record(event)
event = event_pb2.Event(wall_time=1700000003.5, step=-2)
picture = event.summary.value.add(tag="picture").image
picture.height, picture.width, picture.colorspace, picture.encoded_image_string = 1, 1, 4, png
reference += record(event)
event = event_pb2.Event(wall_time=1700000004.5, step=4)
text = event.summary.value.add(tag="note/text_summary")
text.metadata.CopyFrom(metadata("text", summary_pb2.DATA_CLASS_TENSOR))
text.tensor.dtype = types_pb2.DT_STRING
text.tensor.tensor_shape.dim.add(size=1)
text.tensor.string_val.append("# 深度".encode())
reference += record(event)
event = event_pb2.Event(wall_time=1700000005.5, step=2)
event.session_log.status = event_pb2.SessionLog.START
reference += record(event)
open(os.path.join(here, "reference.records"), "wb").write(reference)

# Names without this machine's name.
for folder, _, names in os.walk(here):
    for index, name in enumerate(sorted(n for n in names if n.startswith("events.out"))):
        os.rename(os.path.join(folder, name),
            os.path.join(folder, f"events.out.tfevents.1700000000.host.1.{index}"))
