"""TensorBoard's own reader reads what a training writes, and finds the numbers that the training gives."""
import json
import math
import subprocess

import pytest
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util

CELL = """
run = train(load("specimen"), ["The sky is blue.", "The sea is blue.", "天是蓝的。"], steps: 6, every: 3, held_out: 0.34,
  probes: ["The sky is"], seed: 3, into: "out");
# %%
save(run, "run.json")
save(run.attention_entropy, "entropy.json")
r = runs("out/training")
save(r |> distribution("weights/lm_head.weight"), "weights.json")
save(r |> distribution("gradients/lm_head.weight"), "gradients.json")
save((r |> distribution("gradients/lm_head.weight")).buckets, "buckets.json")
save((r |> pictures("attention/probe 0")).sizes, "sizes.json")
save(r.texts, "texts.json")
"""
#: Everything is read, not a sample.
ALL = {"tensors": 0, "scalars": 0, "histograms": 0, "images": 0, "compressedHistograms": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    (folder / "train.vit").write_text(CELL)
    subprocess.run(["vitrine", "run", "train.vit"], cwd=folder, check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def reader(folder):
    reader = event_accumulator.EventAccumulator(str(folder / "out" / "training"), size_guidance=ALL)
    reader.Reload()
    return reader


def ours(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def test_scalars(folder, reader):
    curves = ours(folder, "run")["curves"]
    assert {"loss/train", "loss/held out", "learning rate", "gradient norm/all"} <= set(curves)
    for tag, curve in curves.items():
        events = reader.Scalars(tag)
        assert [event.step for event in events] == curve["steps"]
        for event, value in zip(events, curve["values"]):
            assert math.isclose(event.value, value, rel_tol=1e-7)


def test_entropy_of_every_head(folder, reader):
    for row in ours(folder, "entropy"):
        events = reader.Scalars(f"attention entropy/probe 0/layer {row['layer']} head {row['head']}")
        assert [event.step for event in events] == [0, 3, 6]
        value = next(event.value for event in events if event.step == row["step"])
        assert math.isclose(value, row["entropy"], rel_tol=1e-6, abs_tol=1e-9)


def test_histograms(folder, reader):
    names = {tag.split("/", 1)[0] for tag in reader.Tags()["histograms"]}
    assert names == {"weights", "gradients"}
    buckets = [(row["up_to"], row["count"]) for row in ours(folder, "buckets")]
    last = reader.Histograms("gradients/lm_head.weight")[-1]
    assert last.step == 6
    assert list(zip(last.histogram_value.bucket_limit, last.histogram_value.bucket)) == buckets
    assert sum(last.histogram_value.bucket) == last.histogram_value.num
    for kind, steps in [("weights", [0, 3, 6]), ("gradients", [3, 6])]:
        run = ours(folder, kind)["runs"][0]
        bands = reader.CompressedHistograms(f"{kind}/lm_head.weight")
        assert [band.step for band in bands] == run["steps"] == steps
        for band, quantiles in zip(bands, run["quantiles"]):
            found = [value for _, value in band.compressed_histogram_values]
            scale = max(map(abs, quantiles))
            assert found == pytest.approx(quantiles, rel=1e-9, abs=1e-9 * scale)


def test_images(folder, reader):
    images = reader.Images("attention/probe 0")
    sizes = [(row["step"], row["width"], row["height"]) for row in ours(folder, "sizes")]
    assert [(image.step, image.width, image.height) for image in images] == sizes
    assert len(sizes) == 3
    assert all(image.encoded_image_string.startswith(b"\x89PNG") for image in images)


def test_texts(folder, reader):
    tag = "next tokens/probe 0/text_summary"
    assert reader.SummaryMetadata(tag).plugin_data.plugin_name == "text"
    found = [
        (event.step, tensor_util.make_ndarray(event.tensor_proto)[0].decode())
        for event in reader.Tensors(tag)
    ]
    assert found == [(row["step"], row["text"]) for row in ours(folder, "texts")]


def test_projector(folder):
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    place = folder / "out" / "training"
    config = text_format.Parse((place / "projector_config.pbtxt").read_text(), ProjectorConfig())
    assert [embedding.tensor_name for embedding in config.embeddings] == ["tokens", "probes"]
    for embedding in config.embeddings:
        rows = (place / embedding.tensor_path).read_text().splitlines()
        labels = (place / embedding.metadata_path).read_text().splitlines()
        assert len(rows) == len(labels) - 1 > 0
        widths = {len([float(cell) for cell in row.split("\t")]) for row in rows}
        assert len(widths) == 1
