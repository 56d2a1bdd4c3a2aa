"""Track the lips and the chin of filmed speakers: a small npz and a flac per clip, for `rhapsode evaluate`.

    pip install "mediapipe==0.10.21" av soundfile        # in an environment of its own: it needs numpy 1
    python recipes/portrait_landmarks.py DATA/portrait DATA/portrait_landmarks [--pictures FOLDER]

`rhapsode evaluate --data DATA` then measures faces on them (docs/measures.md, "Unseen real speaker, video").
The tracker is MediaPipe's face mesh with attention (478 points, Apache 2.0), whose weights come inside the
wheel of 0.10.21; that of 1.2.2 carries none. It tells points, not blendshapes. What stands in for
jawOpen is how far the lower lip has dropped: within the sentences of GRID's speaker s1 that correlates at .95
with the jawOpen of MediaPipe's Face Landmarker, the chin's drop at .89. The chin is kept beside.
NAME.flac is the clip's sound, 16 kHz mono, its first sample at the time of the first video frame. NAME.npz
holds

    opening (T,)     inner lips, 13 to 14
    jaw     (T,)     lower edge of the lower lip, 17, to the tip of the nose, 1
    chin    (T,)     chin 152 to nose bridge 168
    width   (T,)     corners of the mouth, 78 to 308
            these four over the distance of the outer eye corners, 33 to 263; NaN where no face is found
    points  (T, L, 2) pixels of the landmarks `mediapipe_index` (L,), to measure something else
    times   (T,)     seconds after the first video frame;  fps, their mean rate
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageDraw

RATE = 16_000
LIPS = (13, 14, 78, 308, 0, 17, 61, 291, 82, 87, 312, 317)
HEAD = (33, 263, 133, 362, 168, 6, 1, 2, 4, 10, 152, 234, 454)
INDEX = LIPS + HEAD
PICTURES = 6
"""Video frames of each clip that are drawn."""


def track(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Image.Image]]:
    """Return the points (T, L, 2) in pixels, NaN where no face is found, times (T,) and all video frames."""
    from mediapipe.python.solutions.face_mesh import FaceMesh

    points, times, frames = [], [], []
    with (
        av.open(path) as clip,
        FaceMesh(max_num_faces=1, refine_landmarks=True, min_tracking_confidence=0.5) as mesh,
    ):
        for frame in clip.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24")
            found = mesh.process(pixels).multi_face_landmarks
            points.append(_points(found, pixels.shape) if found else np.full((len(INDEX), 2), np.nan))
            times.append(float(frame.pts * frame.time_base))
            frames.append(Image.fromarray(pixels))
    return np.array(points), np.array(times), frames


def _points(found: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    marks = found[0].landmark
    return np.array([(marks[k].x * shape[1], marks[k].y * shape[0]) for k in INDEX])


def sound(path: Path, first_s: float) -> NDArray[np.int16]:
    """Return the sound at 16 kHz, mono, from the time ``first_s`` on; silence where the clip has none."""
    resampler, parts, start = av.AudioResampler("s16", "mono", RATE), [], Fraction(0)
    with av.open(path) as clip:
        for frame in clip.decode(audio=0):
            if not parts:
                start = frame.pts * frame.time_base
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    y = np.concatenate(parts)
    late = round((float(start) - first_s) * RATE)
    return np.pad(y, (late, 0)) if late > 0 else y[-late:]


def measured(points: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the distances that are compared, (T,) each, over the distance of the eye corners."""

    def apart(a: int, b: int) -> NDArray[np.float64]:
        return np.asarray(np.linalg.norm(points[:, INDEX.index(a)] - points[:, INDEX.index(b)], axis=1))

    eyes = apart(33, 263)
    pairs = {"opening": (13, 14), "jaw": (17, 1), "chin": (152, 168), "width": (78, 308)}
    return {name: apart(a, b) / eyes for name, (a, b) in pairs.items()}


def drawn(
    frames: list[Image.Image], points: NDArray[np.float64], opening: NDArray[np.float64]
) -> Image.Image:
    """Return some faces of a clip beside each other, from the most closed mouth to the widest."""
    seen = np.flatnonzero(np.isfinite(opening))
    order = seen[np.argsort(opening[seen])][np.linspace(0, len(seen) - 1, PICTURES).astype(int)]
    sheet = Image.new("RGB", (PICTURES // 2 * 420, 2 * 420))
    for place, k in enumerate(order):
        frame, spots = frames[k].copy(), points[k]
        draw = ImageDraw.Draw(frame)
        for spot, index in zip(spots, INDEX, strict=True):
            colour = (255, 60, 60) if index in (13, 14, 17, 1, 33, 263) else (60, 255, 60)
            draw.ellipse((spot[0] - 1.5, spot[1] - 1.5, spot[0] + 1.5, spot[1] + 1.5), fill=colour)
        low, high = spots.min(axis=0) - 15, spots.max(axis=0) + 15
        middle, half = (low + high) / 2, max(high - low) / 2
        face = frame.crop((*(middle - half).astype(int), *(middle + half).astype(int))).resize((420, 420))
        ImageDraw.Draw(face).text((8, 8), f"frame {k}, {opening[k]:.3f}", fill=(255, 255, 0))
        sheet.paste(face, (place % (PICTURES // 2) * 420, place // (PICTURES // 2) * 420))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("clips", type=Path, help="folder of mp4 files")
    parser.add_argument("out", type=Path, help="folder that gets NAME.npz and NAME.flac")
    parser.add_argument("--pictures", type=Path, help="folder that gets video frames with the points drawn")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.clips.glob("*.mp4")):
        points, times, frames = track(path)
        fps = (len(times) - 1) / (times[-1] - times[0])
        found = measured(points)
        np.savez_compressed(
            options.out / f"{path.stem}.npz",
            **found,
            points=points.astype(np.float32),
            mediapipe_index=np.array(INDEX),
            times=times - times[0],
            fps=fps,
        )
        soundfile.write(options.out / f"{path.stem}.flac", sound(path, times[0]), RATE)
        lost = int(np.isnan(found["opening"]).sum())
        print(f"{path.stem}: {len(times)} video frames at {fps:.2f} a second, {lost} without a face")
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            drawn(frames, points, found["opening"]).save(options.pictures / f"{path.stem}.png")


if __name__ == "__main__":
    main()
