/**
 * The stage's protocol: JSON messages both ways, packets of sound and curves. No I/O.
 *
 * Idle life, speech and life again lie one behind the other on one clock of 16 kHz. Everything of one
 * performance carries its generation; a newer one kills the older.
 */

import tables from "./tables.json";
import type { TalkMessage, TalkReady } from "./talk/events.ts";

export const CLOCK_HZ = 16000;
export const CURVE_HZ = 50;
export const HOP = CLOCK_HZ / CURVE_HZ;
export const PROTOCOL = 3;

export interface Hello {
  type: "hello";
  style?: string;
  strength?: number;
  seed?: number;
  emotion?: string;
  controls?: Record<string, number>;
  /** The session to go on with. */
  session?: string;
  /** Makes this connection a silent viewer of a session: its id, or "latest". */
  follow?: string;
}

export type Request =
  | Hello
  | { type: "say"; text: string; language?: string }
  | { type: "ask"; text: string; language?: string }
  | { type: "end_turn" }
  | { type: "forget" }
  /** The language that this session listens for; "auto" finds it out, "" is the settings' own. */
  | { type: "talk"; language: string }
  | { type: "sample"; name: string }
  | { type: "take"; id: string; start_s: number; end_s: number | null }
  | { type: "stop" }
  /** "face" moves the face with it; "talk" has the conversation hear it. */
  | { type: "mic"; on: true; sample_rate: number; to?: "face" | "talk" }
  | { type: "mic"; on: false }
  | { type: "record"; on: boolean; name?: string }
  | { type: "sink_add"; url: string }
  | { type: "sink_set"; id: string; offset_ms: number }
  | { type: "sink_remove"; id: string }
  | { type: "position"; generation: number; sample: number; state: Heard }
  | { type: "ping"; t: number };

export type Heard = "started" | "playing" | "finished" | "interrupted";

/** A word with the clock samples at which it begins and ends. */
export type Word = [text: string, start: number, end: number];

/** Median and 95th percentile. */
export type Spread = [p50: number, p95: number];

export interface Ready {
  type: "ready";
  protocol: number;
  generation: number;
  clock_hz: number;
  curve_hz: number;
  sample_rate: number;
  names: string[];
  session?: string;
  resumed?: boolean;
  /** Whether one can talk with it; protocol 3. */
  talk?: TalkReady;
}

export interface Begin {
  type: "begin";
  generation: number;
  start: number;
  sample_rate: number;
  text: string;
  kind?: "text" | "sample" | "take";
}

export interface Sink {
  id: string;
  url: string;
  state: "connecting" | "open" | "failed" | "closed";
  error: string | null;
  rate: number | null;
  offset_ms: number;
  sent: number;
  dropped: number;
  latency_ms: Spread | null;
}

export interface Metrics {
  type: "metrics";
  engine_ms: Spread | null;
  chunk_to_packet_ms: Spread | null;
  ahead_ms: number | null;
  queued: number;
  dropped: number;
  sessions: number;
  real_time_factor: number | null;
}

export interface Recording {
  type: "recording";
  on: boolean;
  id: string | null;
  seconds: number;
  error: string | null;
}

/** A background that the page plays itself: a loop, and what is heard of it now. */
export type Background =
  | { type: "background"; path: null }
  | { type: "background"; path: string; gain: number; swell_db: number; at_s: number };

export type Message =
  | Ready
  | Begin
  | Metrics
  | Recording
  | Background
  | TalkMessage
  | { type: "words"; generation: number; words: Word[] }
  | { type: "end"; generation: number; sample: number }
  | { type: "idle"; generation: number; start: number }
  | { type: "listen"; generation: number; start: number }
  | { type: "sinks"; sinks: Sink[] }
  | { type: "level"; rms_db: number; activity: number }
  | { type: "pong"; t: number }
  | { type: "error"; message: string; fatal: boolean };

interface Stamped {
  generation: number;
  /** Clock sample of the first item. */
  start: number;
  count: number;
  /** Items a second. */
  rate: number;
}

export interface SoundPacket extends Stamped {
  kind: "sound";
  samples: Float32Array<ArrayBuffer>;
}

export interface CurvesPacket extends Stamped {
  kind: "curves";
  width: number;
  /** count x width, curve frame by curve frame. */
  values: Float32Array<ArrayBuffer>;
}

/** Turns of bones, one moment after another. */
export interface BonesPacket extends Stamped {
  kind: "bones";
  /** Humanoid bones of VRM 1.0. */
  names: string[];
  /** count x names x 4: unit quaternions x, y, z, w, relative to the T-pose. */
  turns: Float32Array<ArrayBuffer>;
}

export type Packet = SoundPacket | CurvesPacket | BonesPacket;

/** Bones by their number in packets. */
const BONES: readonly string[] = tables.humanoid;

const MAGIC = 0x31504852; // "RHP1", little-endian
const HEADER = 28;
const KIND_SOUND = 1;
const KIND_CURVES = 2;
const KIND_BONES = 3;
const FULL_SCALE = 32767;

/** Reads one binary packet; throws with a sentence when it is none, null for a kind that is not known. */
export function parsePacket(data: ArrayBuffer): Packet | null {
  const view = new DataView(data);
  if (data.byteLength < HEADER || view.getUint32(0, true) !== MAGIC) {
    throw new Error(`a stage packet begins with RHP1 and a header of ${HEADER} bytes`);
  }
  const kind = view.getUint8(4);
  const width = view.getUint8(5);
  const count = view.getUint32(20, true);
  const stamped = {
    generation: view.getUint32(16, true),
    start: Number(view.getBigUint64(8, true)),
    count,
    rate: view.getUint32(24, true),
  };
  if (kind < KIND_SOUND || kind > KIND_BONES) return null;
  const before = kind === KIND_BONES ? Math.ceil(width / 4) * 4 : 0;
  const size = HEADER + before + count * width * { [KIND_SOUND]: 2, [KIND_CURVES]: 4, [KIND_BONES]: 8 }[kind as 1 | 2 | 3];
  if (data.byteLength !== size) {
    throw new Error(`a packet of ${count} x ${width} values has ${size} bytes, got ${data.byteLength}`);
  }
  if (kind === KIND_CURVES) {
    return { ...stamped, kind: "curves", width, values: new Float32Array(data, HEADER, count * width) };
  }
  if (kind === KIND_BONES) {
    const names = Array.from(new Uint8Array(data, HEADER, width), (place) => BONES[place] ?? "");
    const whole = new Int16Array(data, HEADER + before, count * width * 4);
    return { ...stamped, kind: "bones", names, turns: Float32Array.from(whole, (v) => v / FULL_SCALE) };
  }
  const samples = Float32Array.from(new Int16Array(data, HEADER, count), (v) => v / FULL_SCALE);
  return { ...stamped, kind: "sound", samples };
}

/** Writes sound of the microphone as a packet; `start` is the clock sample since it was turned on. */
export function soundPacket(samples: Int16Array, start: number, rate: number): ArrayBuffer {
  const data = new ArrayBuffer(HEADER + samples.length * 2);
  const view = new DataView(data);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, KIND_SOUND);
  view.setUint8(5, 1);
  view.setBigUint64(8, BigInt(start), true);
  view.setUint32(20, samples.length, true);
  view.setUint32(24, rate, true);
  new Int16Array(data, HEADER).set(samples);
  return data;
}
