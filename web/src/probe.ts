/** What tests and curious people find as `window.rhapsode`. */

import type { Coverage } from "./mapping.ts";
import type { Theatre } from "./theatre.ts";

export interface Probe {
  ready: boolean;
  connected: boolean;
  speaking: boolean;
  activity: string;
  weights: Record<string, number>;
  /** Weights of the avatar's own morph targets. */
  shapes: Record<string, number>;
  /** How bones of the body stand that are given, by VRM's names: x, y, z, w relative to the T-pose. */
  bones: Record<string, number[]>;
  coverage: Coverage | null;
  audioSample: number | null;
  errorMs: number | null;
  /** How long a picture is shown, ms. */
  frameMs: number;
  roundTripMs: number | null;
  generation: number;
  session: string | null;
  resumed: boolean;
  transport: "ws" | "rtc";
  avatar: string;
  /** True if what was asked for last stands there. */
  shown: boolean;
}

declare global {
  interface Window {
    rhapsode: Probe;
  }
}

/** Returns an object that reads the theatre whenever it is read. */
export function probe(theatre: Theatre, avatar: () => string): Probe {
  const { performer } = theatre;
  return {
    get ready() {
      return theatre.avatar !== null && performer.face !== null;
    },
    get connected() {
      return performer.connection.open;
    },
    get speaking() {
      return performer.speaking;
    },
    get activity() {
      return performer.activity;
    },
    get weights() {
      const { face } = performer;
      return Object.fromEntries((face?.names ?? []).map((name, index) => [name, face?.shown[index] ?? 0]));
    },
    get shapes() {
      return Object.fromEntries(theatre.avatar?.weights ?? []);
    },
    get bones() {
      return theatre.avatar?.bones ?? {};
    },
    get coverage() {
      return theatre.avatar?.coverage ?? null;
    },
    get audioSample() {
      return performer.player.heard(performance.now())?.sample ?? null;
    },
    get errorMs() {
      return performer.errorMs;
    },
    get frameMs() {
      return theatre.intervals.median;
    },
    get roundTripMs() {
      return performer.connection.roundTripMs;
    },
    get generation() {
      return performer.generation;
    },
    get session() {
      return performer.session;
    },
    get resumed() {
      return performer.resumed;
    },
    get transport() {
      return theatre.transport;
    },
    get avatar() {
      return avatar();
    },
    get shown() {
      return theatre.avatarUrl !== "" && theatre.avatarUrl === theatre.shownUrl;
    },
  };
}
