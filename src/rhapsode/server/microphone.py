"""A client's microphone: binary packets in, sound for the session and readings of its level out."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from rhapsode.audio.meter import LevelMeter
from rhapsode.errors import InputError, PacketError
from rhapsode.live.ear import Process
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.protocols.stage_packets import SoundPacket, parse
from rhapsode.server.messages import MAX_PACKET_BYTES, MessageError

LEVEL_S = 0.1
"""How often the level is told."""

QUIET_DB, LOUD_DB = -50.0, -20.0
"""Levels that count as no activity and as full activity."""


class Microphone:
    """Reads the sound packets of one microphone.

    Args:
        sample_rate: that was announced, Hz.

    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._meter = LevelMeter(sample_rate)
        self._told = float("-inf")

    def read(self, packet: SoundPacket) -> np.ndarray:
        """Return the sound of a packet, (n,) float32.

        Raises:
            InputError: it has another rate than was announced.

        """
        if packet.sample_rate != self.sample_rate:
            raise InputError(
                f"the microphone is on at {self.sample_rate} Hz, got a packet at {packet.sample_rate} Hz; "
                "turn it on again at that rate"
            )
        self._meter.push(packet.samples)
        return packet.samples

    def level(self, now: float) -> dict[str, Any] | None:
        """Return the message about the level at ``now``, in seconds; None where it is too early for one."""
        if now - self._told < LEVEL_S:
            return None
        self._told = now
        rms_db = self._meter.level.rms_dbfs
        activity = float(np.clip((rms_db - QUIET_DB) / (LOUD_DB - QUIET_DB), 0, 1))
        return {"type": "level", "rms_db": round(rms_db, 1), "activity": round(activity, 3)}


def cleaning(*, denoise: bool, vad: bool) -> Process | None:
    """Return what cleans the sound of a microphone; None where nothing is asked for.

    Raises:
        MissingExtraError: a part is not installed.

    """
    steps: list[Process] = []
    if denoise:
        from rhapsode.audio.denoise import Denoiser

        steps.append(Denoiser(SAMPLE_RATE))
    if vad:
        from rhapsode.audio.vad import VoiceGate

        steps.append(VoiceGate(SAMPLE_RATE))
    if not steps:
        return None
    return lambda y: reduce(lambda heard, step: step(heard), steps, y)


def read_packet(data: bytes) -> SoundPacket:
    """Read a binary message of a client.

    Raises:
        MessageError: it is no packet; the connection cannot go on.
        InputError: it is a packet, but not of sound.

    """
    if len(data) > MAX_PACKET_BYTES:
        raise MessageError(
            f"a packet of sound may hold {MAX_PACKET_BYTES} bytes, got {len(data)}; send shorter pieces"
        )
    try:
        packet = parse(data)
    except PacketError as error:
        raise MessageError(f"a binary message must be a packet of sound, int16 and mono: {error}") from None
    if not isinstance(packet, SoundPacket):
        raise InputError("a client sends packets of sound (kind 1), got one of curves (kind 2)")
    return packet
