/** Both sides of a conversation, turn by turn, made of the events in their order. No page. */

import type { Answering, Asked, Latency, TalkEvent } from "./events.ts";
import { cut, joined } from "./text.ts";

export interface Question {
  text: string;
  language: string;
  spoken: boolean;
  certainty: number;
  emotion: string | null;
}

export interface Answer {
  /** What was heard, or will be. */
  text: string;
  /** What was cut off. */
  unheard: string;
  language: string;
  state: "making" | "speaking" | "over";
  interrupted: boolean;
  source: Answering | null;
  emotion: string | null;
  gestures: string[];
  links: { title: string; url: string }[];
  suggestions: string[];
}

/** A question with its answer; one of the two may be missing. */
export interface Exchange {
  readonly turn: number;
  readonly at: Date;
  question: Question | null;
  answer: Answer | null;
  latency: Latency | null;
  faults: string[];
}

const LONGEST = 300;

export class Transcript {
  exchanges: Exchange[] = [];
  /** Words that are being spoken and may still change; null while nobody speaks. */
  partial: string | null = null;
  private past = 0;
  private stopped = false;

  clear(): void {
    this.exchanges = [];
    this.partial = null;
  }

  get last(): Exchange | null {
    return this.exchanges[this.exchanges.length - 1] ?? null;
  }

  /** Takes an event; returns the exchange that it changed. */
  take(event: TalkEvent): Exchange | null {
    switch (event.event) {
      case "speech_started":
        this.partial = "";
        this.stopped = false;
        return null;
      case "partial":
        this.partial = event.text;
        return null;
      case "speech_stopped":
        this.stopped = true;
        return null;
      case "heard":
        this.partial = null;
        return null;
      case "asked":
        this.partial = null;
        return this.ask(event);
      case "fault": {
        if (event.part === "hear") this.partial = null;
        const exchange = this.last ?? this.at(0);
        exchange.faults.push(event.message);
        return exchange;
      }
      case "felt":
        return this.feel(event.emotion, event.gesture);
      case "state_changed":
        // Speech without words, such as a cough, ends here.
        if (event.state === "idle" || (this.stopped && event.state === "listening")) this.partial = null;
        return null;
      case "history":
        this.remember(event.turns);
        return null;
      case "latency": {
        const exchange = this.at(event.turn);
        exchange.latency = event;
        return exchange;
      }
      case "answering":
      case "answer_text":
      case "speaking_started":
      case "shown":
      case "answered":
        return this.answer(event);
      default:
        // Calls are between programs, and a newer server may tell more.
        return null;
    }
  }

  private ask({ turn, text, language, spoken, certainty, emotion }: Asked): Exchange {
    const exchange = this.at(turn);
    exchange.question = { text, language, spoken, certainty, emotion };
    return exchange;
  }

  private answer(event: Extract<TalkEvent, { event: "answering" | "answer_text" | "shown" | "speaking_started" | "answered" }>): Exchange {
    const exchange = this.at(event.turn);
    const answer = (exchange.answer ??= { ...fresh(), language: exchange.question?.language ?? "" });
    if (event.event === "answering") answer.source = event;
    else if (event.event === "answer_text") answer.text = joined(answer.text, event.text);
    else if (event.event === "speaking_started") answer.state = "speaking";
    else if (event.event === "shown") {
      if (event.url || event.title) answer.links.push({ title: event.title, url: event.url });
      answer.suggestions.push(...(event.suggestions ?? []).filter((words) => !answer.suggestions.includes(words)));
    } else {
      const { heard, unheard } = event.interrupted ? cut(event.text, event.meant) : { heard: event.text || event.meant, unheard: "" };
      Object.assign(answer, { text: heard, unheard, language: event.language, interrupted: event.interrupted, state: "over" });
    }
    return exchange;
  }

  /** An emotion comes without its turn: it belongs to the answer that is made or spoken. */
  private feel(emotion: string | null, gesture: string): Exchange | null {
    const exchange = this.last;
    if (!exchange?.answer || exchange.answer.state === "over") return null;
    if (emotion) exchange.answer.emotion = emotion;
    if (gesture) exchange.answer.gestures.push(gesture);
    return exchange;
  }

  private at(turn: number): Exchange {
    let exchange = this.exchanges.find((candidate) => candidate.turn === turn);
    if (!exchange) {
      exchange = { turn, at: new Date(), question: null, answer: null, latency: null, faults: [] };
      this.exchanges.push(exchange);
      if (this.exchanges.length > LONGEST) this.exchanges.splice(0, this.exchanges.length - LONGEST);
    }
    return exchange;
  }

  /** Takes what was said before, where this page does not have it yet; nothing where it was forgotten. */
  private remember(turns: Extract<TalkEvent, { event: "history" }>["turns"]): void {
    if (!turns.length && this.exchanges.every(({ answer }) => answer?.state === "over")) this.clear();
    if (this.exchanges.length) return;
    for (const { role, text, language, interrupted } of turns) {
      const before = this.last;
      if (role === "user" || !before || before.answer) this.at((this.past -= 1));
      const exchange = this.last as Exchange;
      if (role === "user") exchange.question = { text, language, spoken: false, certainty: 1, emotion: null };
      else exchange.answer = { ...fresh(), text, language, interrupted, state: "over" };
    }
  }
}

function fresh(): Answer {
  return {
    text: "", unheard: "", language: "", state: "making", interrupted: false, source: null,
    emotion: null, gestures: [], links: [], suggestions: [],
  };
}
