"""One performance into every format at once, in parts; each file read back by other means."""

import importlib.util

import av
import numpy as np
import pygltflib
import pytest

from rhapsode.avatars import default_name, names
from rhapsode.errors import MissingExtraError
from rhapsode.formats import FORMATS, load, open_writers
from rhapsode.formats.fbx import blender_python
from tests.formats.performances import cut, performance


@pytest.mark.slow
def test_every_format_from_one_stream(tmp_path):
    if default_name() not in names():
        pytest.skip(f"avatar '{default_name()}' is not built")
    paths = [tmp_path / f"我的 take{extension}" for extension, row in FORMATS.items() if row.writer]
    if importlib.util.find_spec("pxr") is None:
        paths = [path for path in paths if not path.suffix.startswith(".usd")]
    try:
        blender_python()
    except MissingExtraError:
        paths = [path for path in paths if path.suffix != ".fbx"]
    take = performance(50)
    with open_writers(paths, fps=25, size=96) as out:
        for part in cut(take, 13):
            out.write(part)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    expected = take.face.resample(25)
    by_kind = {path.name[len("我的 take") :]: path for path in paths}
    for kind in (".json", ".csv", ".npz"):
        back = load(by_kind[kind]).face
        np.testing.assert_allclose(back["jawOpen"], expected["jawOpen"], atol=1e-6)
    gltf = pygltflib.GLTF2().load_binary(str(by_kind[".glb"]))
    assert gltf.accessors[gltf.animations[0].samplers[0].input].count == 25
    with av.open(str(by_kind[".mp4"])) as video:
        picture, sound = video.streams.video[0], video.streams.audio[0]
        assert (picture.width, picture.height) == (96, 96)
        assert float(picture.average_rate or 0) == 25
        assert (sound.sample_rate, sound.channels) == (24_000, 2)
        frames = list(video.decode(picture))
        assert len(frames) == 25
        assert np.std(frames[0].to_ndarray(format="rgb24")) > 5
    with av.open(str(by_kind[".mp4"])) as video:
        heard = sum(frame.samples for frame in video.decode(video.streams.audio[0]))
        assert heard == pytest.approx(24_000, abs=1024)
    assert "Hello there," in by_kind[".srt"].read_text()
    assert by_kind[".vtt"].read_text().startswith("WEBVTT\n\n00:00:00.100 --> ")
