/** The smallest steady delay at which curves that come live can be shown without a stop. */

import { CLOCK_HZ } from "./protocol.ts";

const SHORTEST_MS = 20;
const LONGEST_MS = 80;
const REMEMBERED = 150;
/** How much faster or slower than time the face may go, to get where it should be. */
const SLEW = 0.12;
const JUMP = 0.25 * CLOCK_HZ;

export class SteadyDelay {
  /** Arrival less clock, ms: how late each packet came on one scale of its own. */
  private late: number[] = [];
  private head = Number.NaN;

  /** Delay behind the quickest packet, ms. */
  get delayMs(): number {
    const sorted = [...this.late].sort((a, b) => a - b);
    const least = sorted[0] ?? 0;
    const most = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? 0;
    return Math.min(Math.max(most - least, SHORTEST_MS), LONGEST_MS);
  }

  reset(): void {
    this.late = [];
    this.head = Number.NaN;
  }

  /** Curves up to clock sample `last` came at `now` (performance.now()). */
  came(last: number, now: number): void {
    this.late.push(now - (last * 1000) / CLOCK_HZ);
    if (this.late.length > REMEMBERED) this.late.shift();
  }

  /** Clock sample to show at `now`, `seconds` after the picture before. */
  at(now: number, seconds: number): number {
    if (!this.late.length) return Number.NaN;
    const least = this.late.reduce((a, b) => Math.min(a, b));
    const goal = ((now - least - this.delayMs) * CLOCK_HZ) / 1000;
    if (Number.isNaN(this.head) || Math.abs(goal - this.head) > JUMP) this.head = goal;
    const step = seconds * CLOCK_HZ;
    const off = goal - (this.head + step);
    this.head += step + Math.min(Math.max(off, -SLEW * step), SLEW * step);
    return this.head;
  }
}
