/** Curve frames that have arrived, looked up at any clock sample. */

import { HOP } from "./protocol.ts";

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
