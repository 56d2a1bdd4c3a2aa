/** Curve frames that have arrived, looked up at any clock sample. */

import { CLOCK_HZ, HOP } from "./protocol.ts";

/** Curve frames kept behind the one shown. */
const KEPT = 100;

/** Frames at a hop of 320 clock samples, interpolated between, held at both ends. */
export class CurveTrack {
  private frames: Float32Array[] = [];
  private origin = 0;

  constructor(private readonly columns: number) {}

  get empty(): boolean {
    return this.frames.length === 0;
  }

  /** Clock sample of the first frame kept. */
  get first(): number {
    return this.origin;
  }

  /** Clock sample of the last frame. */
  get last(): number {
    return this.origin + (this.frames.length - 1) * HOP;
  }

  clear(): void {
    this.frames = [];
    this.origin = 0;
  }

  /** Takes curve frames; one that lies where another lay replaces it, a gap is bridged by a straight line. */
  push(start: number, count: number, values: Float32Array): void {
    if (this.empty) this.origin = start;
    const at = Math.round((start - this.origin) / HOP);
    if (at < 0 || count === 0) return;
    this.bridge(at, values.subarray(0, this.columns));
    for (let row = 0; row < count; row += 1) {
      this.frames[at + row] = values.subarray(row * this.columns, (row + 1) * this.columns);
    }
    this.frames.length = at + count;
  }

  private bridge(at: number, next: Float32Array): void {
    const from = this.frames.length;
    const held = this.frames[from - 1];
    if (!held) return;
    for (let index = from; index < at; index += 1) {
      const t = (index - from + 1) / (at - from + 1);
      this.frames[index] = held.map((value, column) => value + ((next[column] ?? 0) - value) * t);
    }
  }

  /** Writes the channels at clock sample `sample` into `out`; returns the sample really shown. */
  at(sample: number, out: Float32Array): number {
    if (this.empty) return sample;
    const place = Math.min(Math.max((sample - this.origin) / HOP, 0), this.frames.length - 1);
    const index = Math.floor(place);
    const a = this.frames[index] as Float32Array;
    const b = this.frames[index + 1] ?? a;
    const t = place - index;
    for (let column = 0; column < out.length; column += 1) {
      const from = a[column] ?? 0;
      out[column] = from + ((b[column] ?? 0) - from) * t;
    }
    if (index > 2 * KEPT) {
      this.frames.splice(0, index - KEPT);
      this.origin += (index - KEPT) * HOP;
    }
    // Before the first frame the face waits, which is no error.
    return Math.min(sample, this.last);
  }
}

/** Turns of bones by name: x, y, z, w. */
export type Turns = ReadonlyMap<string, readonly [number, number, number, number]>;

interface Moment {
  sample: number;
  names: readonly string[];
  turns: Float32Array;
}

/** Bones that are this much older than the face shown are not shown any more, clock samples. */
const STALE = 0.25 * CLOCK_HZ;

/** Turns of bones that have arrived, looked up at any clock sample. */
export class BonesTrack {
  private moments: Moment[] = [];

  clear(): void {
    this.moments = [];
  }

  /** Takes consecutive moments, a curve frame apart; what was known from `start` on is forgotten. */
  push(start: number, count: number, names: readonly string[], turns: Float32Array): void {
    while ((this.moments.at(-1)?.sample ?? -1) >= start) this.moments.pop();
    const width = names.length * 4;
    for (let row = 0; row < count; row += 1) {
      this.moments.push({ sample: start + row * HOP, names, turns: turns.subarray(row * width, (row + 1) * width) });
    }
    if (this.moments.length > 1200) this.moments.splice(0, 200);
  }

  /** The turns at clock sample `sample`; null where none are known. */
  at(sample: number): Turns | null {
    while (this.moments.length > 2 && (this.moments[1] as Moment).sample <= sample - CLOCK_HZ) this.moments.shift();
    let index = this.moments.length - 1;
    while (index > 0 && (this.moments[index] as Moment).sample > sample) index -= 1;
    const here = this.moments[index];
    if (!here || Math.abs(sample - here.sample) > STALE) return null;
    const after = this.moments[index + 1];
    const span = after ? after.sample - here.sample : 0;
    const share = after && span > 0 && span <= 2 * HOP ? Math.min(Math.max((sample - here.sample) / span, 0), 1) : 0;
    return new Map(here.names.map((name, bone) => [name, mixed(here, after, bone, share)]));
  }
}

function mixed(here: Moment, after: Moment | undefined, bone: number, share: number): [number, number, number, number] {
  const turn: [number, number, number, number] = [0, 0, 0, 0];
  const same = after && share > 0 && after.names[bone] === here.names[bone] ? after.turns : here.turns;
  let near = 0;
  for (let part = 0; part < 4; part += 1) near += (here.turns[bone * 4 + part] ?? 0) * (same[bone * 4 + part] ?? 0);
  let long = 0;
  for (let part = 0; part < 4; part += 1) {
    const from = here.turns[bone * 4 + part] ?? 0;
    turn[part] = from + ((near < 0 ? -1 : 1) * (same[bone * 4 + part] ?? 0) - from) * share;
    long += (turn[part] as number) ** 2;
  }
  const length = Math.sqrt(long) || 1;
  return [turn[0] / length, turn[1] / length, turn[2] / length, turn[3] / length];
}
