"""VTube Studio: messages as pyvts makes them, a fake VTube Studio, every refusal, time."""

from __future__ import annotations

import json
import re
import string
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import PacketError, SettingError
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.protocols.vtubestudio import VtsPlugin
from rhapsode.protocols.vtubestudio_parameters import VtsAnnouncement, parse_announcement
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.live2d import VTS_PARAMETERS

Message = dict[str, Any]


class FakeVts:
    """VTube Studio as its documentation describes it, for one session."""

    def __init__(self, *, allow: bool = True, token: str = "granted") -> None:
        self.allow, self.token, self.authenticated = allow, token, False
        self.plugins: dict[str, str] = {}
        self.created: dict[str, Message] = {}
        self.taken: set[str] = set()
        self.values: dict[str, float] = {}
        self.face_found = False

    def answer(self, request: Message) -> Message:
        assert (request["apiName"], request["apiVersion"]) == ("VTubeStudioPublicAPI", "1.0")
        identifier = request["requestID"]
        assert identifier.isascii()
        assert 1 <= len(identifier) <= 64
        kind = request["messageType"].removesuffix("Request")
        made = getattr(self, re.sub(r"\B[A-Z]", r"_\g<0>", kind).lower())(request["data"])
        error = isinstance(made, int)
        return {
            "apiName": "VTubeStudioPublicAPI",
            "apiVersion": "1.0",
            "timestamp": 1625405710728,
            "requestID": identifier,
            "messageType": "APIError" if error else f"{kind}Response",
            "data": {"errorID": made, "message": "no"} if error else made,
        }

    def authentication_token(self, data: Message) -> Message | int:
        if not 3 <= len(data["pluginName"]) <= 32:
            return 52
        if not self.allow:
            return 50
        self.plugins[data["pluginName"]] = data["pluginDeveloper"]
        return {"authenticationToken": self.token}

    def authentication(self, data: Message) -> Message:
        self.authenticated = data["authenticationToken"] == self.token
        return {"authenticated": self.authenticated, "reason": "..."}

    def parameter_creation(self, data: Message) -> Message | int:
        name = data["parameterName"]
        if not self.authenticated:
            return 8
        if not 4 <= len(name) <= 32 or set(name) - set(string.ascii_letters + string.digits):
            return 350
        if name in self.taken:
            return 352
        if name in {p.name for p in VTS_PARAMETERS}:
            return 354
        if not data["min"] <= data["defaultValue"] <= data["max"] or len(data["explanation"]) > 255:
            return 351
        self.created[name] = data
        return {"parameterName": name}

    def inject_parameter_data(self, data: Message) -> Message | int:
        if not self.authenticated:
            return 8
        known = {p.name for p in VTS_PARAMETERS} | set(self.created)
        for value in data["parameterValues"]:
            if value["id"] not in known:
                return 453
            if value["id"] in self.taken:
                return 454
            assert 0 <= value["weight"] <= 1
            self.values[value["id"]] = value["value"]
        self.face_found = data["faceFound"]
        return {}


def talk(plugin: VtsPlugin, vts: FakeVts, texts: list[str]) -> None:
    """Carry messages both ways until nobody has anything to say."""
    waiting = list(texts)
    while waiting:
        waiting += plugin.receive(json.dumps(vts.answer(json.loads(waiting.pop(0)))))


def face(**channels: float) -> FaceFrame:
    values = np.zeros(len(FACE), np.float32)
    for name, value in channels.items():
        values[FACE.index(name)] = value
    return FaceFrame(0, values)


def ready(vts: FakeVts | None = None, **options: Any) -> VtsPlugin:
    plugin = VtsPlugin(token="granted", **options)
    talk(plugin, vts or FakeVts(), plugin.start())
    assert plugin.state == "ready"
    return plugin


def pyvts_request() -> Any:
    pyvts = pytest.importorskip("pyvts", reason="pyvts is not installed")
    return pyvts.VTSRequest(developer="Rhapsode", plugin_name="Rhapsode")


def bare(message: Message) -> Message:
    return {key: value for key, value in message.items() if key != "requestID"}


def test_every_message_is_the_one_of_pyvts() -> None:
    other = pyvts_request()
    plugin = VtsPlugin(parameters={"MouthOpen": "jawOpen", "MyJawOpen": "2*jawOpen - 0.5"})
    (ask,) = map(json.loads, plugin.start())
    assert bare(ask) == bare(other.authentication_token())
    vts = FakeVts()
    (authenticate,) = map(json.loads, plugin.receive(json.dumps(vts.answer(ask))))
    assert bare(authenticate) == bare(other.authentication("granted"))
    (create,) = map(json.loads, plugin.receive(json.dumps(vts.answer(authenticate))))
    same = other.requestCustomParameter("MyJawOpen", -0.5, 1.5, -0.5, "+2*jawOpen -0.5")
    assert bare(create) == bare(same)
    assert plugin.receive(json.dumps(vts.answer(create))) == []
    (inject,) = map(json.loads, plugin.show(face(jawOpen=0.5), 0.0))
    names, values = ["MouthOpen", "MyJawOpen"], [0.5, 0.5]
    assert bare(inject) == bare(other.requestSetMultiParameterValue(names, values, face_found=True))


def test_the_fake_is_one_that_pyvts_could_talk_to() -> None:
    other, vts = pyvts_request(), FakeVts()
    token = vts.answer(other.authentication_token())["data"]["authenticationToken"]
    assert vts.answer(other.authentication(token))["data"]["authenticated"]
    assert vts.answer(other.requestCustomParameter("Mine4"))["messageType"] == "ParameterCreationResponse"
    answer = vts.answer(other.requestSetParameterValue("Mine4", 0.5))
    assert answer["messageType"] == "InjectParameterDataResponse"
    assert vts.values == {"Mine4": 0.5}


def test_the_first_session_asks_and_the_next_ones_do_not() -> None:
    vts = FakeVts()
    first = VtsPlugin()
    assert first.show(REST, 0.0) == []
    talk(first, vts, first.start())
    assert (first.state, first.token) == ("ready", "granted")
    second = VtsPlugin(token=first.token)
    (text,) = second.start()
    assert json.loads(text)["messageType"] == "AuthenticationRequest"
    talk(second, vts, [text])
    assert second.state == "ready"


def test_a_token_that_was_taken_back_is_asked_for_anew() -> None:
    plugin = VtsPlugin(token="old")
    talk(plugin, FakeVts(), plugin.start())
    assert (plugin.state, plugin.token) == ("ready", "granted")


def test_denied_is_said_plainly_and_a_new_connection_asks_again() -> None:
    plugin, vts = VtsPlugin(), FakeVts(allow=False)
    talk(plugin, vts, plugin.start())
    assert plugin.state == "failed"
    assert plugin.problem == "access was denied or taken back in VTube Studio; connect again and press Allow"
    assert plugin.show(REST, 0.0) == []
    vts.allow = True
    talk(plugin, vts, plugin.start())
    assert str(plugin.state) == "ready"
    assert plugin.problem is None


@pytest.mark.parametrize(
    ("code", "said"), [(1, "API is off"), (51, "already asking"), (0, "no"), (999, "error 999")]
)
def test_what_stops_it_has_plain_words(code: int, said: str) -> None:
    plugin = VtsPlugin()
    plugin.start()
    error = {"messageType": "APIError", "requestID": "token", "data": {"errorID": code, "message": "no"}}
    assert plugin.receive(json.dumps(error)) == []
    assert plugin.state == "failed"
    assert said in (plugin.problem or "")


def test_a_face_arrives_in_their_ranges() -> None:
    vts = FakeVts()
    plugin = ready(vts)
    frame = face(jawOpen=0.5, headYaw=0.1, headPitch=3.0, eyeBlinkLeft=1)
    talk(plugin, vts, plugin.show(frame, 0.0))
    assert vts.face_found
    assert plugin.unanswered == 0
    assert vts.values["MouthOpen"] == pytest.approx(0.7)
    assert vts.values["FaceAngleX"] == pytest.approx(-np.degrees(0.1), abs=1e-3)
    assert vts.values["FaceAngleY"] == -30
    assert (vts.values["EyeOpenLeft"], vts.values["EyeOpenRight"]) == (0, 1)
    assert "FacePositionX" not in vts.values
    assert len(vts.values) == 18
    moved = FaceFrame(0, frame.values, found=False, head_position=(0.02, 1.5, -0.05))
    talk(plugin, vts, plugin.show(moved, 0.0))
    assert [vts.values[f"FacePosition{axis}"] for axis in "XYZ"] == [2, 15, -5]
    assert not vts.face_found


def test_arkit_parameters_are_created_and_driven() -> None:
    vts = FakeVts()
    plugin = ready(vts, parameters="arkit")
    assert len(vts.created) == 52
    assert vts.created["RhapsodeJawOpen"]["max"] == 1
    frame = FaceFrame(0, np.random.default_rng(1).uniform(0, 1, 61).astype(np.float32))
    talk(plugin, vts, plugin.show(frame, 0.0))
    got = [vts.values[f"Rhapsode{name[0].upper()}{name[1:]}"] for name in BLENDSHAPES]
    np.testing.assert_allclose(got, frame.weights, atol=6e-5)
    assert "MouthOpen" in vts.values
    bare_names = FakeVts()
    ready(bare_names, parameters="arkit", prefix="")
    assert len(bare_names.created) == 50, "CheekPuff and TongueOut are VTube Studio's own"


def test_a_mapping_of_ones_own() -> None:
    vts = FakeVts()
    plugin = ready(vts, parameters={"MouthOpen": "jawOpen*1.4 - mouthClose", "Nod9": "57.29578*headPitch"})
    talk(plugin, vts, plugin.show(face(jawOpen=0.5, mouthClose=0.2, headPitch=0.1), 0.0))
    assert vts.values == {"MouthOpen": pytest.approx(0.5), "Nod9": pytest.approx(np.degrees(0.1), abs=1e-3)}
    assert vts.created["Nod9"]["min"] == pytest.approx(-30, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plugin": "ab"}, "a plugin name of 3 to 32 characters, got 'ab'"),
        ({"developer": "a" * 33}, "a developer name of 3 to 32"),
        ({"weight": 1.5}, r"a weight in \[0, 1\]"),
        ({"mode": "mix"}, "mode set or add"),
        ({"parameters": "all"}, "must be 'default', 'arkit' or a mapping, got 'all'"),
        ({"parameters": {}}, "takes 1 to 100 new parameters"),
        ({"parameters": {"abc": "jawOpen"}}, "4 to 32 letters and digits, got 'abc'"),
        ({"parameters": {"My Jaw": "jawOpen"}}, "4 to 32 letters and digits, got 'My Jaw'"),
        ({"parameters": {"MyJaw": "jawOpn"}}, "parameter 'MyJaw': .*nearest: jawOpen"),
        ({"parameters": {"MyJaw": "__import__('os')"}}, "parameter 'MyJaw': an expression"),
        ({"parameters": {f"Name{k}": "jawOpen" for k in range(101)}}, "got 101"),
        ({"parameters": "arkit", "prefix": "a" * 30}, "4 to 32 letters and digits"),
    ],
)
def test_settings_are_checked_before_anything_is_sent(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        VtsPlugin(**options)


def test_a_parameter_of_another_plugin_stops_only_itself() -> None:
    vts = FakeVts()
    vts.taken = {"MyJawOpen"}
    plugin = ready(vts, parameters={"MyJawOpen": "jawOpen", "MySmile": "mouthSmileLeft"})
    assert plugin.warnings == [
        "parameter 'MyJawOpen' cannot be created: another plugin owns it; give it another name or remove "
        "that plugin's parameters"
    ]
    talk(plugin, vts, plugin.show(face(mouthSmileLeft=0.5), 0.0))
    assert vts.values == {"MySmile": 0.5}


def test_a_parameter_that_another_drives_is_a_warning_once() -> None:
    vts = FakeVts()
    plugin = ready(vts)
    vts.taken = {"MouthOpen"}
    for k in range(3):
        talk(plugin, vts, plugin.show(REST, k / 30))
    assert plugin.state == "ready"
    assert [w[:48] for w in plugin.warnings] == ["another plugin drives one of the parameters; sto"]
    assert plugin.unanswered == 0


def test_a_lost_session_is_authenticated_again() -> None:
    vts = FakeVts()
    plugin = ready(vts)
    vts.authenticated = False
    two = plugin.show(REST, 0.0) + plugin.show(REST, 0.1)
    answers = [json.dumps(vts.answer(json.loads(text))) for text in two]
    (again,) = plugin.receive(answers[0])
    assert plugin.receive(answers[1]) == [], "the second answer asks for nothing more"
    talk(plugin, vts, [again])
    assert plugin.state == "ready"


def test_access_taken_back_while_it_runs() -> None:
    plugin = ready()
    plugin.show(REST, 0.0)
    error = {"messageType": "APIError", "requestID": "inject", "data": {"errorID": 50}}
    plugin.receive(json.dumps(error))
    assert (plugin.state, plugin.token) == ("failed", None)


def test_the_last_values_are_sent_again_within_a_second() -> None:
    plugin = ready()
    assert plugin.next_due is None
    assert plugin.due(100.0) == []
    (first,) = plugin.show(face(jawOpen=0.3), 10.0)
    assert plugin.due(10.5) == []
    assert plugin.next_due == pytest.approx(10.8)
    assert plugin.due(10.81) == [first]
    assert plugin.due(11.0) == []
    assert plugin.next_due is not None
    assert plugin.next_due < 10.81 + 1
    plugin.start()
    assert plugin.next_due is None
    assert plugin.due(99.0) == []


def test_an_announcement() -> None:
    packet = {
        "apiName": "VTubeStudioPublicAPI",
        "apiVersion": "1.0",
        "timestamp": 1630159656406,
        "messageType": "VTubeStudioAPIStateBroadcast",
        "requestID": "VTubeStudioAPIStateBroadcast",
        "data": {"active": True, "port": 8001, "instanceID": "93aa", "windowTitle": "VTube Studio"},
    }
    data = json.dumps(packet).encode()
    assert parse_announcement(data) == VtsAnnouncement(True, 8001, "93aa", "VTube Studio")
    for cut in range(len(data)):
        with pytest.raises(PacketError):
            parse_announcement(data[:cut])
    for wrong in (
        {"messageType": "APIError"},
        {"data": {"port": 70_000}},
        {"data": {"port": 1.5}},
        {"data": 1},
    ):
        with pytest.raises(PacketError, match="a VTube Studio announcement"):
            parse_announcement(json.dumps(packet | wrong).encode())


KINDS = [
    *("APIError", "AuthenticationTokenResponse", "AuthenticationResponse", "ParameterCreationResponse"),
    *("InjectParameterDataResponse", "messageType", "requestID", "data", "errorID", "message", "inject"),
    *("authenticationToken", "authenticated", "create-MyJaw", "token"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KINDS), inner, max_size=5),
    max_leaves=8,
)


@given(st.lists(JSON.map(json.dumps) | st.text(max_size=20) | st.binary(max_size=20), max_size=6))
def test_no_message_raises_anything_else_nor_breaks_the_plugin(messages: list[str | bytes]) -> None:
    plugin = VtsPlugin(parameters={"MyJaw": "jawOpen"})
    plugin.start()
    for message in messages:
        with suppress(PacketError):
            for text in plugin.receive(message):
                json.loads(text)
    with suppress(PacketError):
        parse_announcement(b"".join(m if isinstance(m, bytes) else m.encode() for m in messages))
    vts = FakeVts()
    talk(plugin, vts, plugin.start())
    assert plugin.state == "ready"
