"""Peers as faces: processes of their own, here small stand-ins that need no network."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from rhapsode.evaluate import peers
from rhapsode.evaluate.peers import AbsentError, Peer, PeerFace
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.visemes import OCULUS_SHAPES

LOUDEST = """
import json, sys, wave
for line in sys.stdin:
    with wave.open(line.strip() + ".wav") as sound:
        seconds = sound.getnframes() / sound.getframerate()
    rows = [[k % 2, 0] for k in range(round(seconds * 25))]
    print(json.dumps({"spent": 0.5, "hz": 25, "names": ["aa", "sil"], "values": rows}), flush=True)
"""
REFUSES = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"error": "too quiet"}), flush=True)
"""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "installed", lambda peer: [sys.executable, "-c", peer.work])


def peer(work: str) -> Peer:
    return Peer("stand-in", "1.0", "pypi", work, OCULUS_SHAPES, "nothing")


def sound() -> Float32:
    return np.full(16_000, 0.1, np.float32)


@pytest.mark.usefixtures("stand_in")
def test_a_peer_answers_in_arkit_at_50_hz() -> None:
    face = PeerFace(peer(LOUDEST))
    try:
        frames = face(sound())
        face(sound())
    finally:
        face.close()
    jaw = frames[:, ARKIT.index("jawOpen")]
    assert frames.shape == (50, 52)
    assert jaw[:5].tolist() == pytest.approx([0, 0.3, 0.6, 0.3, 0])
    assert face.real_time_factor == pytest.approx(0.5)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("work", "says"), [(REFUSES, "too quiet"), ("", "its process ended")])
def test_a_peer_that_fails_says_why(work: str, says: str) -> None:
    face = PeerFace(peer(work))
    try:
        with pytest.raises(AbsentError, match=says):
            face(sound())
    finally:
        face.close()


def test_without_node_a_peer_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(AbsentError, match="needs node and npm"):
        PeerFace(next(one for one in peers.PEERS if one.registry == "npm"))
