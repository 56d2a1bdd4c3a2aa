/** What the page and the audio thread tell each other. */

export type Command =
  | { type: "begin"; generation: number; rate: number; preroll: number }
  | { type: "sound"; generation: number; at: number; samples: Float32Array }
  | { type: "end"; generation: number; total: number }
  | { type: "stop" };

export interface Report {
  generation: number;
  /** Seconds of the sound, at which the audio clock stood at `time`; negative before it begins. */
  position: number;
  /** Audio clock, s. */
  time: number;
  advancing: boolean;
  ended: boolean;
}
