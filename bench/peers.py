"""What other lip-sync packages cost on the same sound.

`rhapsode.evaluate.peers` installs and runs them, each in a process of its own that is held to one core and
counts its own processor time. ``real_time_factor`` is the median processor second per second of sound, behind
a warm-up, as `bench.face` measures it for us. A peer that cannot be installed or run says why under
``absent``. How well they do is the work of `rhapsode evaluate --peers`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from rhapsode.evaluate.peers import PEERS, AbsentError, Peer, PeerFace
from rhapsode.performance import CLOCK_HZ, Float32, as_float32

RUNS = 3


def run(sound_path: str | Path) -> dict[str, Any]:
    """Run every peer on a sound file and return what each costs, by package name."""
    samples, rate = soundfile.read(sound_path, dtype="float32", always_2d=True)
    y = as_float32(soxr.resample(samples.mean(axis=1), rate, CLOCK_HZ))
    return {peer.package: _measured(peer, y) for peer in PEERS}


def _measured(peer: Peer, y: Float32) -> dict[str, Any]:
    print(f"  {peer.package} {peer.version} ...", file=sys.stderr, flush=True)
    spent = []
    try:
        face = PeerFace(peer)
        try:
            face(y[:CLOCK_HZ])
            for _ in range(RUNS):
                before = face.spent_s
                face(y)
                spent.append(face.spent_s - before)
        finally:
            face.close()
    except AbsentError as error:
        return {"version": peer.version, "absent": str(error)}
    factor = float(np.median(spent)) * CLOCK_HZ / len(y)
    return {
        "version": peer.version,
        "gives": peer.gives,
        "runs": len(spent),
        "real_time_factor": round(factor, 6),
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1]), indent=2))
