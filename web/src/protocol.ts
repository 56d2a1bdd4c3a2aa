/**
 * The stage's WebSocket protocol: JSON messages both ways and binary packets from the server. No I/O.
 *
 * Idle life, speech and life again lie one behind the other on one clock of 16 kHz. Everything of one
 * performance carries its generation; a newer one kills the older.
 */

export const CLOCK_HZ = 16000;
export const CURVE_HZ = 50;
export const HOP = CLOCK_HZ / CURVE_HZ;
export const PROTOCOL = 1;

export type Request =
  | { type: "hello"; style: string; strength: number; seed: number; emotion: string; controls: Record<string, number> }
  | { type: "say"; text: string }
  | { type: "sample"; name: string }
  | { type: "stop" };

/** A word with the clock samples at which it begins and ends. */
export type Word = [text: string, start: number, end: number];

export interface Ready {
  type: "ready";
  protocol: number;
  generation: number;
  clock_hz: number;
  curve_hz: number;
  sample_rate: number;
  names: string[];
}

export interface Begin {
  type: "begin";
  generation: number;
  start: number;
  sample_rate: number;
  text: string;
}

export type Message =
  | Ready
  | Begin
  | { type: "words"; generation: number; words: Word[] }
  | { type: "end"; generation: number; sample: number }
  | { type: "idle"; generation: number; start: number }
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

const MAGIC = 0x31504852; // "RHP1", little-endian
const HEADER = 28;
const KIND_SOUND = 1;
const KIND_CURVES = 2;
const FULL_SCALE = 32767;

/** Reads one binary packet; throws with a sentence when it is none. */
export function parsePacket(data: ArrayBuffer): SoundPacket | CurvesPacket {
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
  const size = HEADER + count * width * (kind === KIND_SOUND ? 2 : 4);
  if (data.byteLength !== size) {
    throw new Error(`a packet of ${count} x ${width} values has ${size} bytes, got ${data.byteLength}`);
  }
  if (kind === KIND_CURVES) {
    return { ...stamped, kind: "curves", width, values: new Float32Array(data, HEADER, count * width) };
  }
  if (kind !== KIND_SOUND) throw new Error(`a packet has kind 1 or 2, got ${kind}`);
  const samples = Float32Array.from(new Int16Array(data, HEADER, count), (v) => v / FULL_SCALE);
  return { ...stamped, kind: "sound", samples };
}
