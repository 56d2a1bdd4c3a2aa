/**
 * Decides which curves are on the face: speech by the audio clock, life by the page's clock, a microphone's
 * as they come, rest without any. Every change from one to another is a short blend.
 */

import { CurveTrack } from "./curves.ts";
import type { Player } from "./player.ts";
import { CLOCK_HZ } from "./protocol.ts";
import { SteadyDelay } from "./steady.ts";

const BUFFER = 0.35 * CLOCK_HZ;
const BLEND_S = 0.15;
const STALE_S = 0.8;

type Mode = "rest" | "life" | "speech" | "listen";

export class Face {
  /** The channels on the face now. */
  readonly shown: Float32Array;
  /** Clock sample of the curves on the face while speaking. */
  shownSample = 0;
  /** Clock sample of the curves on the face in any mode; NaN where there are none. */
  at = Number.NaN;
  mode: Mode = "rest";
  /** How long curves of the microphone are kept before they are shown. */
  readonly steady = new SteadyDelay();

  private readonly track: CurveTrack;
  private readonly target: Float32Array;
  private readonly from: Float32Array;
  private readonly rest: Float32Array;
  private readonly blinks: number[];
  private blend = 1;
  private head = Number.NaN;
  private dry = 0;
  private ceiling = Number.POSITIVE_INFINITY;

  constructor(readonly names: readonly string[]) {
    this.track = new CurveTrack(names.length);
    this.shown = new Float32Array(names.length);
    this.target = new Float32Array(names.length);
    this.from = new Float32Array(names.length);
    this.rest = new Float32Array(names.length);
    this.blinks = ["eyeBlinkLeft", "eyeBlinkRight"].map((name) => names.indexOf(name));
  }

  push(start: number, count: number, values: Float32Array): void {
    this.track.push(start, count, values);
    if (this.mode === "listen") this.steady.came(this.track.last, performance.now());
    else if (this.mode === "rest") this.live(start);
  }

  /** Life goes on at clock sample `start`. */
  live(start: number): void {
    this.head = start;
    this.dry = 0;
    this.ceiling = Number.POSITIVE_INFINITY;
    this.turn("life");
  }

  /** Curves of a microphone follow; each is shown as soon as steadiness allows. */
  listen(): void {
    this.steady.reset();
    this.dry = 0;
    this.turn("listen");
  }

  /** Speech from clock sample `start` on is on its way: life must not run into it. */
  expect(start: number): void {
    this.ceiling = start - 0.1 * CLOCK_HZ;
  }

  /** Speech is heard: the audio clock leads. */
  speak(): void {
    this.turn("speech");
  }

  /** Speech has been heard to its end: life goes on where the sound ended, which needs no blend. */
  end(sample: number): void {
    this.head = sample;
    this.dry = 0;
    this.ceiling = Number.POSITIVE_INFINITY;
    this.mode = "life";
  }

  /** Nothing is known of what comes: close the mouth, open the eyes, wait. */
  settle(): void {
    this.head = Number.NaN;
    this.turn("rest");
  }

  forget(): void {
    this.track.clear();
    this.settle();
  }

  private turn(mode: Mode): void {
    this.mode = mode;
    this.from.set(this.shown);
    this.blend = 0;
  }

  /** Moves on by `seconds`; while speaking, `sample` is what will be heard when the picture is seen. */
  step(seconds: number, sample: number | null): void {
    if (this.mode === "speech" && sample !== null) {
      this.shownSample = this.at = this.track.at(sample, this.target);
    } else if (this.mode === "life") {
      this.stepLife(seconds);
    } else if (this.mode === "listen") {
      const at = this.steady.at(performance.now(), seconds);
      if (!Number.isNaN(at)) this.at = this.track.at(at, this.target);
    } else if (this.mode === "rest") {
      this.at = Number.NaN;
      this.target.set(this.rest);
    }
    this.blend = Math.min(this.blend + seconds / BLEND_S, 1);
    const t = this.blend * this.blend * (3 - 2 * this.blend);
    for (let i = 0; i < this.shown.length; i += 1) {
      const from = this.from[i] ?? 0;
      this.shown[i] = from + ((this.target[i] ?? 0) - from) * t;
    }
  }

  private stepLife(seconds: number): void {
    if (this.track.empty) return;
    const last = Math.min(this.track.last, this.ceiling);
    const ahead = last - this.head;
    if (ahead > 6 * BUFFER) this.head = last - BUFFER; // the page was asleep
    const rate = 1 + Math.min(Math.max((ahead - BUFFER) / (10 * BUFFER), -0.05), 0.05);
    this.head = Math.min(this.head + seconds * CLOCK_HZ * rate, Math.max(last, this.head));
    this.dry = this.head >= last ? this.dry + seconds : 0;
    this.at = this.track.at(this.head, this.target);
    if (this.dry > STALE_S) this.turn("rest");
    else if (this.dry === 0) this.remember();
  }

  /** Keeps the face of life, with open eyes, as the one to rest in. */
  private remember(): void {
    this.rest.set(this.target);
    for (const index of this.blinks) this.rest[index] = Math.min(this.rest[index] ?? 0, 0.08);
  }
}

/** The sample to show for a picture that is seen `ahead` ms from `now`. */
export function sampleToShow(player: Player, now: number, ahead: number): number | null {
  const heard = player.heard(now);
  return heard ? heard.sample + (heard.moving ? (ahead / 1000) * CLOCK_HZ : 0) : null;
}
