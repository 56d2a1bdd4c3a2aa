/** What tests and curious people find as `window.rhapsode`. */

import type { Theatre } from "./theatre.ts";

export interface Probe {
  ready: boolean;
  connected: boolean;
  speaking: boolean;
  activity: string;
  weights: Record<string, number>;
  audioSample: number | null;
  errorMs: number | null;
  /** How long a picture is shown, ms. */
  frameMs: number;
  roundTripMs: number | null;
  generation: number;
  session: string | null;
  resumed: boolean;
  avatar: string;
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
    get avatar() {
      return avatar();
    },
  };
}
