from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_packet import OscPacket
from pythonosc.osc_server import AsyncIOOSCUDPServer

from rhapsode.errors import PacketError, SettingError
from rhapsode.performance import Curves
from rhapsode.protocols.axes import across, angles_of, times, turn
from rhapsode.protocols.frame import REST, FaceFrame, Quaternion
from rhapsode.protocols.osc import bundle, pack
from rhapsode.protocols.vmc import CLIPS, VmcDecoder, VmcEncoder
from rhapsode.protocols.vmc_bones import BONES, unity_bone, vrm_bone
from rhapsode.rigs import ARKIT, BLENDSHAPES, retarget
from rhapsode.rigs.vrm import VRM0_CLIPS
from rhapsode.rotations import NECK_SHARE
from rhapsode.rotations import angles_of as angles_of_many
from rhapsode.rotations import turn as turn_in_files
from tests.protocols.faces import face, random_face

ANGLE = st.floats(-1.4, 1.4)


def read(packets: list[bytes]) -> list[tuple[str, list[object]]]:
    """As python-osc reads them."""
    return [
        (timed.message.address, list(timed.message.params))
        for packet in packets
        for timed in OscPacket(packet).messages
    ]


def sent_bones(frame: FaceFrame, **settings: object) -> dict[str, tuple[float, ...]]:
    return {
        str(args[0]): tuple(args[1:])  # type: ignore[arg-type]
        for address, args in read(VmcEncoder(**settings).encode(frame))  # type: ignore[arg-type]
        if address == "/VMC/Ext/Bone/Pos"
    }


def sent_clips(frame: FaceFrame, *rigs: str) -> dict[str, float]:
    return {
        str(args[0]): float(args[1])  # type: ignore[arg-type]
        for address, args in read(VmcEncoder(rigs).encode(frame))
        if address == "/VMC/Ext/Blend/Val"
    }


def through(frame: FaceFrame, *rigs: str) -> FaceFrame:
    decoder = VmcDecoder()
    made = [decoder.decode(packet) for packet in VmcEncoder(rigs or ("arkit",)).encode(frame)]
    assert made[:-1] == [None] * (len(made) - 1)
    assert made[-1] is not None
    return made[-1]


def say(*messages: bytes, decoder: VmcDecoder | None = None) -> FaceFrame | None:
    return (decoder or VmcDecoder()).decode(bundle(messages))


class TestAxes:
    @given(ANGLE, ANGLE, ANGLE)
    def test_turns_are_those_of_files_and_come_back(self, yaw: float, pitch: float, roll: float) -> None:
        made = turn(yaw, pitch, roll)
        np.testing.assert_allclose(made, turn_in_files(np.array([[yaw, pitch, roll]]))[0], atol=1e-12)
        np.testing.assert_allclose(angles_of(made), (yaw, pitch, roll), atol=1e-7)
        np.testing.assert_allclose(angles_of_many(np.array(made)), (yaw, pitch, roll), atol=1e-7)

    @given(st.lists(ANGLE, min_size=6, max_size=6))
    def test_crossing_keeps_products(self, angles: list[float]) -> None:
        a, b = turn(*angles[:3]), turn(*angles[3:])
        np.testing.assert_allclose(across(times(a, b)), times(across(a), across(b)), atol=1e-12)
        assert across(across(a)) == a


class TestSigns:
    """Unity is left-handed: X to the character's right, Y up, Z forward."""

    @pytest.mark.parametrize(
        ("channel", "axis", "sign"), [("headYaw", 1, 1), ("headPitch", 0, 1), ("headRoll", 2, -1)]
    )
    def test_of_the_head(self, channel: str, axis: int, sign: int) -> None:
        bones = sent_bones(face(0, **{channel: 0.4}))
        for bone, share in (("Neck", NECK_SHARE), ("Head", 1 - NECK_SHARE)):
            expected = [0.0, 0.0, 0.0, math.cos(0.2 * share)]
            expected[axis] = sign * math.sin(0.2 * share)
            np.testing.assert_allclose(bones[bone][3:], expected, atol=1e-7)

    def test_a_yaw_to_the_right_turns_unitys_forward_to_its_plus_x(self) -> None:
        x, y, z, w = sent_bones(face(leftEyeYaw=0.3))["LeftEye"][3:]
        forward = (2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y))
        np.testing.assert_allclose(forward, (math.sin(0.3), 0, math.cos(0.3)), atol=1e-6)

    def test_a_pitch_down_turns_unitys_forward_down(self) -> None:
        x, y, z, w = sent_bones(face(rightEyePitch=0.3))["RightEye"][3:]
        assert 2 * (y * z - x * w) == pytest.approx(-math.sin(0.3), abs=1e-6)


class TestEncoder:
    def test_the_order_of_a_moment(self) -> None:
        messages = read(VmcEncoder().encode(face(8000)))
        addresses = [address for address, _ in messages]
        assert messages[:3] == [
            ("/VMC/Ext/OK", [1]),
            ("/VMC/Ext/T", [0.5]),
            ("/VMC/Ext/Root/Pos", ["root", 0, 0, 0, 0, 0, 0, 1]),
        ]
        assert addresses[3:] == [
            *["/VMC/Ext/Bone/Pos"] * 4,
            *["/VMC/Ext/Blend/Val"] * 52,
            "/VMC/Ext/Blend/Apply",
        ]

    @pytest.mark.parametrize("rigs", [("arkit",), ("vrm0",), ("arkit", "vrm0"), tuple(CLIPS)])
    def test_bundles_stay_below_1500_bytes_and_apply_is_last(self, rigs: tuple[str, ...]) -> None:
        frame = FaceFrame(0, random_face().values, bones=dict.fromkeys(BONES, (0.0, 0.0, 0.0, 1.0)))
        packets = VmcEncoder(rigs).encode(frame)
        assert max(map(len, packets)) <= 1400
        assert all(packet.startswith(b"#bundle\0") for packet in packets)
        messages = read(packets)
        assert messages[-1] == ("/VMC/Ext/Blend/Apply", [])
        assert [address for address, _ in messages].count("/VMC/Ext/Blend/Apply") == 1
        values = [address for address, _ in messages].count("/VMC/Ext/Blend/Val")
        assert values == sum(len(CLIPS[rig]) for rig in rigs)
        assert [address for address, _ in messages].count("/VMC/Ext/Bone/Pos") == len(BONES)

    def test_perfect_sync_in_both_spellings(self) -> None:
        frame = random_face()
        weights = dict(zip(BLENDSHAPES, frame.weights.tolist(), strict=True))
        assert sent_clips(frame, "arkit") == weights
        assert sent_clips(frame, "arkit-pascal") == {n[:1].upper() + n[1:]: w for n, w in weights.items()}

    def test_vrm_clips_are_those_of_the_maps(self) -> None:
        frame = face(jawOpen=0.6, eyeBlinkLeft=1.0, eyeBlinkRight=1.0, mouthSmileLeft=0.3)
        curves = Curves(ARKIT.channels, frame.weights[None])
        for rig in ("vrm0", "vrm1"):
            made, expected = sent_clips(frame, rig), retarget(curves, rig)
            spelled = [VRM0_CLIPS[name] if rig == "vrm0" else name for name in expected.names]
            assert made == dict(zip(spelled, expected.values[0].tolist(), strict=True))
        assert sent_clips(frame, "vrm0")["A"] > 0.5
        assert sent_clips(frame, "vrm0")["Blink"] == 1
        assert sent_clips(frame, "vrm1")["aa"] == sent_clips(frame, "vrm0")["A"]

    def test_several_rigs_at_once(self) -> None:
        made = sent_clips(random_face(), "arkit", "vrm0")
        assert {"jawOpen", "A", "Blink_L"} <= set(made)
        assert len(made) == 52 + 17

    def test_weights_are_clipped(self) -> None:
        made = sent_clips(face(jawOpen=1.4, mouthClose=-0.2), "arkit")
        assert made["jawOpen"] == 1
        assert made["mouthClose"] == 0

    def test_bones_of_the_frame_win_over_angles(self) -> None:
        given = turn(0.2, 0.0, 0.0)
        frame = FaceFrame(0, face(headYaw=0.5).values, bones={"head": given, "hips": given, "tail": given})
        bones = sent_bones(frame)
        assert set(bones) == {"Neck", "Head", "LeftEye", "RightEye", "Hips"}
        np.testing.assert_allclose(bones["Head"][3:], across(given), atol=1e-7)
        assert bones["Neck"][3:] == (0, 0, 0, 1)
        bones = sent_bones(FaceFrame(0, frame.values, bones={"neck": given}))
        np.testing.assert_allclose(bones["Neck"][3:], across(given), atol=1e-7)
        np.testing.assert_allclose(bones["Head"][3:], across(turn(0.5, 0.0, 0.0)), atol=1e-7)

    def test_bones_can_be_left_out_or_placed(self) -> None:
        assert sent_bones(REST, bones=False) == {}
        assert sent_bones(REST, offsets={"head": (0.5, 0.25, 0.125)})["Head"][:3] == (-0.5, 0.25, 0.125)
        assert sent_bones(REST)["Head"] == (0, 0, 0, 0, 0, 0, 1)

    def test_a_lost_face_is_told_in_the_fourth_state(self) -> None:
        assert read(VmcEncoder().encode(FaceFrame(0, REST.values, found=False)))[0][1] == [1, 3, 0, 0]

    def test_settings_are_checked(self) -> None:
        with pytest.raises(SettingError, match="one of arkit, arkit-pascal, vrm0, vrm1; got 'mmd'"):
            VmcEncoder(["mmd"])
        with pytest.raises(SettingError, match="got 'Head'"):
            VmcEncoder(offsets={"Head": (0, 0, 0)})

    def test_nan_is_refused_and_the_next_frame_goes_out(self) -> None:
        encoder = VmcEncoder()
        with pytest.raises(PacketError, match="VMC needs finite values, got NaN or infinity in jawOpen"):
            encoder.encode(face(jawOpen=math.nan))
        assert encoder.encode(REST)

    def test_a_burst_over_a_socket_arrives_at_python_osc(self) -> None:
        frames = [random_face(seed, sample_index=320 * seed) for seed in range(40)]

        async def served() -> tuple[list[float], int]:
            dispatcher, done = Dispatcher(), asyncio.Event()
            jaws: list[float] = []
            applied: list[str] = []

            def value(_: str, name: str, weight: float) -> None:
                if name == "jawOpen":
                    jaws.append(weight)

            def apply(address: str) -> None:
                applied.append(address)
                if len(applied) == len(frames):
                    done.set()

            dispatcher.map("/VMC/Ext/Blend/Val", value)
            dispatcher.map("/VMC/Ext/Blend/Apply", apply)
            loop = asyncio.get_running_loop()
            server = AsyncIOOSCUDPServer(("127.0.0.1", 0), dispatcher, loop)  # type: ignore[arg-type]
            transport, _ = await server.create_serve_endpoint()
            sender, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=transport.get_extra_info("sockname")
            )
            encoder = VmcEncoder()
            for frame in frames:
                for packet in encoder.encode(frame):
                    sender.sendto(packet)
                await asyncio.sleep(0)
            await asyncio.wait_for(done.wait(), 10)
            sender.close()
            transport.close()
            return jaws, len(applied)

        assert asyncio.run(served()) == ([frame["jawOpen"] for frame in frames], len(frames))


class TestRoundTrip:
    @pytest.mark.parametrize("rigs", [("arkit",), ("arkit-pascal",), ("vrm0", "arkit")])
    def test_perfect_sync(self, rigs: tuple[str, ...]) -> None:
        frame = random_face(3)
        made = through(frame, *rigs)
        np.testing.assert_array_equal(made.weights, frame.weights)
        # Worst measured: 3e-7, of quaternions in float32.
        np.testing.assert_allclose(made.angles, frame.angles, atol=2e-6)
        assert made.found
        assert set(made.bones) == {"neck", "head", "leftEye", "rightEye"}

    @pytest.mark.parametrize("rig", ["vrm0", "vrm1"])
    def test_presets_come_back_as_arkit(self, rig: str) -> None:
        made = through(face(eyeBlinkLeft=0.8, eyeBlinkRight=0.3, jawOpen=0.5), rig)
        assert made["eyeBlinkLeft"] == pytest.approx(0.8, abs=1e-6)
        assert made["eyeBlinkRight"] == pytest.approx(0.3, abs=1e-6)
        assert made["jawOpen"] == pytest.approx(0.5, abs=0.1)

    def test_all_bones_come_back(self) -> None:
        rng = np.random.default_rng(0)
        bones: dict[str, Quaternion] = {bone: turn(*rng.uniform(-1, 1, 3)) for bone in BONES}
        made = through(FaceFrame(0, REST.values, bones=bones))
        assert set(made.bones) == set(BONES)
        for bone, rotation in bones.items():
            np.testing.assert_allclose(made.bones[bone], rotation, atol=1e-6)
        together = angles_of(times(bones["neck"], bones["head"]))
        np.testing.assert_allclose(made.angles[:3], together, atol=1e-5)

    def test_a_lost_face(self) -> None:
        assert not through(FaceFrame(0, REST.values, found=False)).found

    def test_bone_names(self) -> None:
        assert len(BONES) == len({unity_bone(bone) for bone in BONES}) == 55
        assert all(vrm_bone(unity_bone(bone) or "") == bone for bone in BONES)
        assert unity_bone("rightThumbDistal") == "RightThumbDistal"
        assert unity_bone("leftLittleIntermediate") == "LeftLittleIntermediate"


class TestDecoder:
    def test_values_wait_for_apply_and_stay_after_it(self) -> None:
        decoder = VmcDecoder()
        value: Callable[[str, float], bytes] = lambda name, w: pack("/VMC/Ext/Blend/Val", name, w)  # noqa: E731
        apply = pack("/VMC/Ext/Blend/Apply")
        assert say(value("JAWOPEN", 0.5), decoder=decoder) is None
        assert say(value("TongueOut", 0.25), pack("/else", 3), decoder=decoder) is None
        first = say(apply, value("jawOpen", 1.0), decoder=decoder)
        second = say(value("unknown", 1.0), apply, decoder=decoder)
        assert first is not None
        assert second is not None
        assert (first["jawOpen"], first["tongueOut"]) == (0.5, 0.25)
        assert (second["jawOpen"], second["tongueOut"]) == (1.0, 0.25)

    def test_once_arkit_is_sent_presets_count_no_more(self) -> None:
        made = say(
            pack("/VMC/Ext/Blend/Val", "A", 1.0),
            pack("/VMC/Ext/Blend/Val", "jawOpen", 0.125),
            pack("/VMC/Ext/Blend/Apply"),
        )
        assert made is not None
        assert made["jawOpen"] == 0.125

    def test_unbundled_messages_and_ints_are_taken(self) -> None:
        decoder = VmcDecoder()
        assert decoder.decode(pack("/VMC/Ext/Blend/Val", "blinkLeft", 1)) is None
        made = decoder.decode(pack("/VMC/Ext/Blend/Apply"))
        assert made is not None
        assert made["eyeBlinkLeft"] == 1

    def test_a_sender_of_bones_alone_gives_frames(self) -> None:
        yaw = (0.0, math.sin(0.15), 0.0, math.cos(0.15))
        decoder = VmcDecoder()
        head = pack("/VMC/Ext/Bone/Pos", "Head", 0.0, 0.1, 0.0, *yaw)
        assert say(head, decoder=decoder) is None
        assert say(pack("/VMC/Ext/Bone/Pos", "Hips", *[0.0] * 6, 1.0), decoder=decoder) is None
        assert say(pack("/VMC/Ext/T", 1.0), decoder=decoder) is None
        made = say(pack("/VMC/Ext/Bone/Pos", "Head", *[0.0] * 6, 1.0), decoder=decoder)
        assert made is not None
        assert made["headYaw"] == pytest.approx(0.3)
        assert set(made.bones) == {"head", "hips"}
        turned_back = say(head, decoder=decoder)
        assert turned_back is not None
        assert turned_back["headYaw"] == 0

    @pytest.mark.parametrize(
        "message",
        [
            pack("/VMC/Ext/Blend/Val", "jawOpen"),
            pack("/VMC/Ext/Blend/Val", 0.5, "jawOpen"),
            pack("/VMC/Ext/Blend/Val", "jawOpen", "wide"),
            pack("/VMC/Ext/Blend/Val", "jawOpen", True),
            pack("/VMC/Ext/Blend/Val", "jawOpen", math.nan),
            pack("/VMC/Ext/Bone/Pos", "Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
            pack("/VMC/Ext/Bone/Pos", "Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
            pack("/VMC/Ext/Bone/Pos", "LastBone", 0.0),
            pack("/VMC/Ext/OK"),
            pack("/VMC/Ext/OK", "yes"),
        ],
    )
    def test_a_malformed_message_spoils_its_packet_alone(self, message: bytes) -> None:
        decoder = VmcDecoder()
        with pytest.raises(PacketError, match=r"VMC /VMC/Ext/.*: got .*, expected .*; check"):
            say(pack("/VMC/Ext/Blend/Val", "jawOpen", 1.0), message, decoder=decoder)
        made = say(pack("/VMC/Ext/Blend/Apply"), decoder=decoder)
        assert made is not None
        assert made["jawOpen"] == 0

    @given(st.binary(max_size=60))
    def test_random_bytes_raise_nothing_else(self, data: bytes) -> None:
        for start in (b"", b"#bundle\0" + bytes(8), b"/VMC/Ext/Bone/Pos\0\0\0,sf\0", b"/VMC/Ext/OK\0,ii\0"):
            with contextlib.suppress(PacketError):
                VmcDecoder().decode(start + data)

    def test_truncated_and_damaged_packets_raise_nothing_else(self) -> None:
        packets = VmcEncoder(["vrm1"]).encode(random_face())
        rng = np.random.default_rng(0)
        for packet in packets:
            damaged = []
            for _ in range(300):
                changed = bytearray(packet)
                changed[rng.integers(len(changed))] = rng.integers(256)
                damaged.append(bytes(changed))
            for data in chain((packet[:end] for end in range(0, len(packet), 3)), damaged):
                with contextlib.suppress(PacketError):
                    VmcDecoder().decode(data)
