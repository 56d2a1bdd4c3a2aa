"""WebRTC between the server and a real chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from rhapsode.server.settings import ServerSettings
from tests.browser.conftest import FLAGS, find_browser
from tests.server.serve import serving

pytest.importorskip("aiortc", reason="the extra webrtc is not installed")

TALK = """async () => {
  const peer = new RTCPeerConnection(), got = [];
  const stage = peer.createDataChannel("stage");
  stage.binaryType = "arraybuffer";
  peer.addTransceiver("audio", { direction: "recvonly" });
  let receiver;
  peer.ontrack = (event) => {
    receiver = event.receiver;
    const heard = new Audio();
    heard.srcObject = new MediaStream([event.track]);
    heard.play();
  };
  stage.onmessage = (event) =>
    got.push(typeof event.data === "string" ? JSON.parse(event.data) : { type: "packet" });
  await peer.setLocalDescription(await peer.createOffer());
  await new Promise((done) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
    setTimeout(done, 1500);
  });
  const body = JSON.stringify({ sdp: peer.localDescription.sdp, type: "offer" });
  await peer.setRemoteDescription(await (await fetch("/api/rtc", { method: "POST", body })).json());
  await new Promise((done) => { stage.onopen = done; });
  stage.send(JSON.stringify({ type: "hello" }));
  stage.send(JSON.stringify({ type: "say", text: "zulu ".repeat(10) }));
  let loudest = 0;
  for (let k = 0; k < 30; k++) {
    await new Promise((done) => setTimeout(done, 100));
    for (const row of (await peer.getStats()).values())
      if (row.type === "inbound-rtp") loudest = Math.max(loudest, row.audioLevel);
  }
  const rtp = receiver.getSynchronizationSources()[0].rtpTimestamp;
  const made = { types: got.map((one) => one.type), loudest, rtp,
                 track: got.filter((one) => one.type === "track").at(-1) };
  peer.close();
  return made;
}"""


@pytest.mark.browser
@pytest.mark.slow
def test_chromium_hears_a_session_and_knows_which_sample(tmp_path: Path):
    with serving(ServerSettings(port=0, takes=str(tmp_path))) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        page = browser.new_page()
        page.goto(url + "/api/health")
        made: dict[str, Any] = page.evaluate(TALK)
        browser.close()
    assert made["types"][0] == "ready"
    assert {"begin", "words", "end", "idle", "packet", "track"} <= set(made["types"])
    assert made["loudest"] == pytest.approx(26 / 40, abs=0.15)
    behind_ms = (made["track"]["rtp"] - made["rtp"]) / 48
    assert -600 < behind_ms < 600  # half a second between two messages, and the browser's own buffer
