from __future__ import annotations

import asyncio
import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_bundle_builder import IMMEDIATELY as NOW
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket
from pythonosc.osc_server import AsyncIOOSCUDPServer

from rhapsode.errors import PacketError, SettingError
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.osc import (
    DEEPEST,
    LIMIT,
    SLOT,
    Message,
    OscEncoder,
    Template,
    bundle,
    pack,
    parse,
    split,
)
from rhapsode.rigs import FACE
from tests.protocols.faces import random_face

ARGS = st.lists(
    st.one_of(
        st.booleans(),
        st.integers(-(2**31), 2**31 - 1),
        st.floats(width=32, allow_nan=False),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9),
        st.binary(min_size=1, max_size=9),
    ),
    max_size=6,
)
ADDRESSES = st.sampled_from(["/", "/a", "/ab", "/abc", "/abcd", "/a/b/long/address"])


def theirs(data: bytes) -> list[tuple[str, list[object]]]:
    return [(timed.message.address, list(timed.message.params)) for timed in OscPacket(data).messages]


@given(ADDRESSES, ARGS)
def test_messages_are_what_python_osc_builds_and_reads(address: str, args: list[object]) -> None:
    builder = OscMessageBuilder(address)
    for arg in args:
        kind = next(
            tag
            for tag, of in (("b", bytes), ("s", str), ("f", float), ("T", bool), ("i", int))
            if isinstance(arg, of)
        )
        builder.add_arg(arg, ("T" if arg else "F") if kind == "T" else kind)
    data = pack(address, *args)  # type: ignore[arg-type]
    assert data == builder.build().dgram
    assert parse(data) == [Message(address, tuple(args))]  # type: ignore[arg-type]
    assert list(OscMessage(data).params) == args


def test_bundles_nested_as_python_osc_nests_them_are_read_in_order() -> None:
    inner, outer = OscBundleBuilder(NOW), OscBundleBuilder(NOW)
    for address in ("/b", "/c"):
        message = OscMessageBuilder(address)
        message.add_arg(0.5, "d")
        inner.add_content(message.build())
    outer.add_content(OscMessageBuilder("/a").build())
    outer.add_content(inner.build())
    assert parse(outer.build().dgram) == [Message("/a"), Message("/b", (0.5,)), Message("/c", (0.5,))]
    assert bundle([pack("/a"), bundle([pack("/b", 0.5)])]) == outer_of_floats()


def outer_of_floats() -> bytes:
    inner, outer, message = OscBundleBuilder(NOW), OscBundleBuilder(NOW), OscMessageBuilder("/b")
    message.add_arg(0.5, "f")
    inner.add_content(message.build())
    outer.add_content(OscMessageBuilder("/a").build())
    outer.add_content(inner.build())
    return bytes(outer.build().dgram)


def nested(depth: int) -> bytes:
    data = pack("/deep")
    for _ in range(depth):
        data = bundle([data])
    return data


def test_bundles_are_followed_only_so_deep() -> None:
    assert parse(nested(DEEPEST)) == [Message("/deep")]
    with pytest.raises(PacketError, match="nested more than 8 deep"):
        parse(nested(DEEPEST + 1))
    with pytest.raises(PacketError, match="nested more than 8 deep"):
        parse(nested(3000))


def test_a_message_without_type_tags_has_no_arguments() -> None:
    assert parse(b"/old\0\0\0\0") == [Message("/old")]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "0 bytes"),
        (b"abcd", "an address"),
        (b"/a\0", "aligned"),
        (b"/abc", "cut off"),
        (b"/a\0\0,f\0\0", "at least 12"),
        (b"/a\0\0,z\0\0", "type 'z'"),
        (b"/a\0\0iii\0", "begin with ','"),
        (b"/a\0\0,i\0\0\0\0\0\1\0\0\0\0", "4 bytes behind"),
        (b"/\xff\0\0,\0\0\0", "UTF-8"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "a blob of 2147483647"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "a blob of -1"),
        (b"#bundle\0\0\0", "a time tag"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", -4), "an element of -4"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", 0), "an element of 0"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", 800) + b"/a\0\0", "an element of 800"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, what: str) -> None:
    with pytest.raises(PacketError, match=what):
        parse(data)


@given(st.binary(max_size=80))
def test_random_bytes_raise_nothing_else(data: bytes) -> None:
    for start in (b"", b"/a\0\0,", b"#bundle\0" + bytes(8)):
        with contextlib.suppress(PacketError):
            parse(start + data)


def test_truncated_packets_raise_nothing_else() -> None:
    [packet] = OscEncoder(together=True).encode(random_face())
    for data in (packet, OscEncoder().encode(random_face())[0]):
        for end in range(len(data)):
            with contextlib.suppress(PacketError):
                assert parse(data[:end]) != parse(data)


@pytest.mark.parametrize("args", [(2**31,), ("a\0b",), (1e39,)])
def test_what_osc_cannot_hold_is_refused(args: tuple[int]) -> None:
    with pytest.raises(PacketError, match="must"):
        pack("/a", *args)
    with pytest.raises(PacketError, match="begin with '/'"):
        pack("a")


def test_templates_give_what_pack_gives() -> None:
    template = Template([("/one", ("text", SLOT, 3, SLOT)), ("/two", ()), ("/three", (SLOT,))])
    assert template.slots == 3
    for seed in range(3):
        values = np.random.default_rng(seed).random(3).astype(np.float32)
        a, b, c = map(float, values)
        assert template.fill(values) == bundle(
            [pack("/one", "text", a, 3, b), pack("/two"), pack("/three", c)]
        )


def test_splitting_keeps_order_and_limit() -> None:
    layouts = [(f"/{'x' * n}", (1.0,)) for n in range(60)]
    groups = split(layouts, limit=400)
    assert [layout for group in groups for layout in group] == layouts
    sizes = [len(Template(group).fill(np.zeros(0, np.float32))) for group in groups]
    assert max(sizes) <= 400
    assert min(sizes[:-1]) > 300


class TestEncoder:
    def test_an_address_for_each_channel(self) -> None:
        frame = random_face()
        packets = OscEncoder().encode(frame)
        assert max(map(len, packets)) <= LIMIT
        got = [message for packet in packets for message in theirs(packet)]
        assert got == [(f"/rhapsode/{name}", [frame[name]]) for name in FACE.channels]

    def test_one_message_with_all(self) -> None:
        frame = random_face(1)
        [packet] = OscEncoder(together=True, address="/face/all").encode(frame)
        assert theirs(packet) == [("/face/all", frame.values.tolist())]

    @pytest.mark.parametrize(
        "settings",
        [
            {"template": "/same"},
            {"template": "no/{channel}"},
            {"template": "/a b/{channel}"},
            {"template": "/{channel}/{x}"},
            {"together": True, "address": "/a*"},
            {"together": True, "address": "/ä"},
        ],
    )
    def test_addresses_are_checked(self, settings: dict[str, str]) -> None:
        with pytest.raises(SettingError, match="OSC"):
            OscEncoder(**settings)  # type: ignore[arg-type]

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_is_refused_by_name(self, bad: float) -> None:
        values = random_face().values.copy()
        values[17] = bad
        with pytest.raises(PacketError, match="got NaN or infinity in jawOpen; drop"):
            OscEncoder().encode(FaceFrame(0, values))
        with pytest.raises(PacketError, match=r"got NaN or infinity in head; drop"):
            OscEncoder().encode(FaceFrame(0, random_face().values, bones={"head": (0.0, bad, 0.0, 1.0)}))
        with pytest.raises(PacketError, match=r"61 values, got shape \(52,\)"):
            OscEncoder().encode(FaceFrame(0, random_face().values[:52]))

    def test_python_osc_serves_a_burst(self) -> None:
        frames = [random_face(seed) for seed in range(50)]

        async def served() -> list[float]:
            got: list[float] = []
            done, dispatcher = asyncio.Event(), Dispatcher()

            def take(_: str, value: float) -> None:
                got.append(value)
                if len(got) == len(frames):
                    done.set()

            dispatcher.map("/rhapsode/jawOpen", take)
            loop = asyncio.get_running_loop()
            server = AsyncIOOSCUDPServer(("127.0.0.1", 0), dispatcher, loop)  # type: ignore[arg-type]
            transport, _ = await server.create_serve_endpoint()
            port = transport.get_extra_info("sockname")[1]
            sender, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port)
            )
            encoder = OscEncoder()
            for frame in frames:
                for packet in encoder.encode(frame):
                    sender.sendto(packet)
                await asyncio.sleep(0)
            await asyncio.wait_for(done.wait(), 10)
            sender.close()
            transport.close()
            return got

        assert asyncio.run(served()) == [frame["jawOpen"] for frame in frames]
