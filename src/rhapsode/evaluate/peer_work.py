"""What runs inside the process of each peer: read the path of a sound, answer with one line of JSON.

An answer holds the processor time ("spent", seconds), the rate ("hz"), the channels ("names") and their
values, or with "error" why there is none. The sound is 16 kHz, 16 bits, mono: a .wav and a .pcm without a
header, by the same name.
"""

from __future__ import annotations

_PYTHON = """
import json, sys, time
def serve(work):
    for line in sys.stdin:
        try:
            began = time.process_time()
            answer = work(line.strip())
            answer["spent"] = time.process_time() - began
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
"""

PYLIPSYNC = (
    _PYTHON
    + """
from pylipsync import PhonemeAnalyzer
analyzer = PhonemeAnalyzer()
def work(path):
    found = analyzer.extract_phoneme_segments(path + ".wav")
    names = [phoneme.name for phoneme in found[0].phonemes]
    values = [[float(phoneme.target) for phoneme in segment.phonemes] for segment in found]
    return {"hz": 16000 / (16000 // 60), "names": names, "values": values}
serve(work)
"""
)

OPENFACEFX = (
    _PYTHON
    + """
import numpy as np
from openfacefx.edits import sample
from openfacefx.energy import generate_from_energy
from openfacefx.retarget import PRESETS, retarget
def work(path):
    track = retarget(generate_from_energy(path + ".wav", fps=50), PRESETS["arkit"])
    at = np.arange(int(round(track.duration * 50)) + 1) / 50
    found = {channel.name: sample(channel, at) for channel in track.channels}
    found = found or {"jawOpen": 0 * at}
    return {"hz": 50, "names": [*found], "values": np.stack([*found.values()], axis=1).tolist()}
serve(work)
"""
)

_NODE = """
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
const seconds = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6; };
async function serve(work) {
  for await (const line of createInterface({ input: process.stdin })) {
    let answer;
    try {
      const began = seconds();
      answer = await work(line.trim());
      answer.spent = seconds() - began;
    } catch (error) {
      answer = { error: String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\\n");
  }
}
"""

RHUBARB = (
    _NODE
    + """
import { Rhubarb } from "rhubarb-lip-sync-wasm";
await serve(async (path) => {
  const pcm = readFileSync(path + ".pcm");
  const made = await Rhubarb.getLipSync(pcm);
  const names = ["A", "B", "C", "D", "E", "F", "G", "H", "X"];
  const count = Math.ceil(pcm.length / 640);
  const values = Array.from({ length: count }, () => new Array(names.length).fill(0));
  for (const cue of made.mouthCues) {
    for (let k = Math.ceil(cue.start * 50 - 1e-6); k < cue.end * 50 - 1e-6 && k < count; k++) {
      values[k][names.indexOf(cue.value)] = 1;
    }
  }
  return { hz: 50, names, values };
});
"""
)

HEADAUDIO = (
    """
class FakeNode {
  constructor() {
    this.sent = [];
    this.port = { postMessage: (message) => this.sent.push(message), onmessage: null };
  }
}
globalThis.AudioWorkletNode = FakeNode;
"""
    + _NODE
    + """
const root = new URL("./node_modules/@met4citizen/headaudio/", import.meta.url);
globalThis.fetch = async (path) => {
  const bytes = readFileSync(new URL(path, root));
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return { ok: true, arrayBuffer: async () => copy };
};
const { HeadAudio } = await import(new URL("modules/headaudio.mjs", root));
const { Processor } = await import(new URL("modules/processor.mjs", root));
const QUANTUM = 128;
await serve(async (path) => {
  const pcm = readFileSync(path + ".pcm");
  const whole = new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length / 2);
  const sound = Float32Array.from(whole, (value) => value / 32768);
  const node = new HeadAudio({});
  const said = (message) => node._onmessage({ data: message });
  const processor = new Processor({ sampleRate: 16000 }, { port: { postMessage: said } });
  await node.loadModel("dist/model-en-mixed.bin");
  for (const message of node.sent) processor._onmessage({ data: message });
  const names = node.visemeNames.map((name) => name.slice(7));
  const current = new Array(names.length).fill(0);
  node.onvalue = (name, value) => { current[node.visemeNames.indexOf(name)] = value; };
  const values = [];
  let heard = 0;
  for (let k = 0; k * 320 < sound.length; k++) {
    for (; heard + QUANTUM <= k * 320; heard += QUANTUM) {
      processor.process(sound.subarray(heard, heard + QUANTUM));
    }
    node.update(20);
    values.push(current.slice());
  }
  return { hz: 50, names, values };
});
"""
)
