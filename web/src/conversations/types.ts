/** What the server tells of conversations. */

export interface Row {
  id: string;
  person: string;
  language: string;
  began: string;
  ended: string;
  turns: number;
  unanswered: number;
  interrupted: number;
  first: string;
  sound: boolean;
}

export interface Page {
  conversations: Row[];
  next: string | null;
  total: number;
  keeps: boolean;
  days: number | null;
}

export interface Turn {
  number: number;
  asked_at: string;
  question: string;
  language: string;
  spoken: boolean;
  emotion: string;
  spoke_at: string | null;
  answer: string;
  meant: string;
  answer_language: string;
  interrupted: boolean;
  kind: string;
  source: string;
  score: number | null;
  reason: string;
  unanswered: boolean;
  stages_ms: Record<string, number>;
  moments: { at: string; kind: string; text: string }[];
  sounds: Record<string, number>;
}


export interface Whole extends Omit<Row, "turns"> {
  turns: Turn[];
}

export interface Question {
  question: string;
  language: string;
  count: number;
  last: string;
  conversation: string;
  kind: string;
  reason: string;
}

export interface Latency {
  days: number;
  stages: { stage: string; count: number; p50: number; p95: number }[];
  turns: { at: string; conversation: string; total_ms: number; stages_ms: Record<string, number> }[];
}
