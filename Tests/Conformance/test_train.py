"""`vitrine train` goes on, after kill -9, to the bytes of a training that nothing ended."""
import re
import signal
import subprocess
import time

import pytest

FILES = ["model.safetensors", "config.json", "tokenizer.json", "training/state.safetensors"]


def command(folder, *options):
    return ["vitrine", "train", "specimen", "--steps", "40", "--out", str(folder), *options]


def finish(folder):
    done = subprocess.run(command(folder), check=True, timeout=300, stderr=subprocess.PIPE, text=True)
    return int(re.search(r"parameters, from step (\d+)", done.stderr)[1])


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a training that was killed in its middle."""
    folder = tmp_path_factory.mktemp("killed")
    state = folder / "training" / "state.safetensors"
    with subprocess.Popen(command(folder), stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 200
        while not state.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "model.safetensors").exists()
    return folder


@pytest.mark.parametrize("options, words", [
    (["--kind", "moe"], "training with "), (["--seed", "2"], "with --seed 1, not 2"),
    (["--steps", "50"], "with --steps 40, not 50"),
])
def test_another_training_is_refused(killed, options, words):
    state = (killed / "training" / "state.safetensors").read_bytes()
    done = subprocess.run(command(killed, *options), timeout=200, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert words in done.stderr
    assert "another --out begins another" in done.stderr
    assert (killed / "training" / "state.safetensors").read_bytes() == state


def test_it_goes_on(killed, tmp_path):
    assert 0 < finish(killed) < 40
    assert finish(tmp_path) == 0
    for name in FILES:
        assert (killed / name).read_bytes() == (tmp_path / name).read_bytes(), name
