/** What happens in a conversation, as the server tells it: the events of protocol 3. */

/** What the digital human does, as the server sees it. */
export type Doing = "idle" | "listening" | "thinking" | "speaking";

/** What "ready" says about talking. */
export interface TalkReady {
  available: boolean;
  /** The remedy where it is not. */
  why?: string | null;
  languages?: string[];
  /** What this session listens for: a tag, "auto", or "" for what the settings say. */
  language?: string;
  script?: string;
  kind?: string;
  /** Questions to begin with, by language. */
  starters?: Record<string, string[]>;
}

/** One side's words in the history. */
export interface HistoryTurn {
  role: "user" | "assistant";
  text: string;
  language: string;
  interrupted: boolean;
}

export interface Asked {
  event: "asked";
  turn: number;
  text: string;
  language: string;
  certainty: number;
  spoken: boolean;
  /** Such as "joy:0.4"; null where nobody looked. */
  emotion: string | null;
  emotion_certainty: number;
}

export interface Answering {
  event: "answering";
  turn: number;
  kind: string;
  id: string;
  score: number | null;
  reason: string;
}

export interface Answered {
  event: "answered";
  turn: number;
  /** What was heard. */
  text: string;
  /** What was to be said. */
  meant: string;
  language: string;
  interrupted: boolean;
}

export interface Latency {
  event: "latency";
  turn: number;
  total_ms: number;
  stages_ms: Record<string, number>;
}

export type TalkEvent =
  | { event: "state_changed"; state: Doing }
  | { event: "speech_started" }
  | { event: "speech_stopped" }
  | { event: "partial"; text: string; language: string }
  /** A whole question that waits for the word of a program that takes part; "asked" follows then. */
  | { event: "heard"; text: string; language: string }
  | Asked
  | Answering
  /** The answer ends in a call of a function of such a program. */
  | { event: "called"; turn: number; id: string; name: string; arguments: string }
  | { event: "answer_text"; turn: number; text: string }
  | { event: "shown"; turn: number; title: string; url: string; suggestions: string[] }
  | { event: "felt"; emotion: string | null; gesture: string }
  | { event: "speaking_started"; turn: number; generation: number }
  | Answered
  | Latency
  | { event: "fault"; part: string; message: string }
  /** For newcomers, when a conversation begins, and once it was emptied. */
  | { event: "history"; turns: HistoryTurn[]; state?: Doing };

export type TalkMessage = { type: "talk" } & TalkEvent;
