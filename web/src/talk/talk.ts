/**
 * Talking with it: the microphone that the conversation hears, what is asked and said, and what it does now.
 * Without a page: `TalkListener` shows it.
 */

import { fault, type MicFault, Microphone, SILENT_DB } from "../microphone.ts";
import type { Performer } from "../performer.ts";
import type { Ready } from "../protocol.ts";
import type { Doing, TalkEvent, TalkReady } from "./events.ts";

/**
 * "off": the microphone is closed. "asking": the browser asks for it. "waking": the server begins the
 * conversation. "ready": it waits for the button to be held. The others are what it does.
 */
export type TalkState = "off" | "asking" | "waking" | "ready" | "listening" | "thinking" | "speaking";

export interface TalkListener {
  state(state: TalkState): void;
  event(event: TalkEvent): void;
  /** Level of the microphone, 0 to 1. */
  level(part: number): void;
  fault(fault: MicFault): void;
  /** The button was let go before anything could be said. */
  short(): void;
}

/** After so long without a word from the server it is taken to hear. */
const WAKE_MS = 20_000;
/** What it does and what was asked is told before it hears. */
const EARLY: readonly TalkEvent["event"][] = ["asked", "state_changed", "fault"];
/** A shorter press says nothing. */
const SHORTEST_MS = 300;
/** So long the microphone stays open for the next press. */
const RELEASE_MS = 60_000;

export class Talk {
  readonly microphone: Microphone;
  /** What the server says about talking; null where it speaks an older protocol. */
  facts: TalkReady | null = null;
  state: TalkState = "off";
  /** True where the microphone hears only while the button is held. */
  private hold = false;
  /** What was last said about the language; null where nothing was. */
  private tongue: string | null = null;
  private held = 0;
  private doing: Doing = "idle";
  private releasing = 0;
  /** True once the server's side of the conversation is there. */
  private awake = false;
  private waking = 0;

  constructor(
    private readonly performer: Performer,
    private readonly listener: TalkListener,
    private readonly device: () => string = () => "",
  ) {
    this.microphone = new Microphone({
      state: () => this.draw(),
      opened: (rate) => performer.send({ type: "mic", on: true, sample_rate: rate, to: "talk" }),
      packet: (packet) => void performer.connection.sendPacket(packet),
      level: (db) => listener.level(1 - db / SILENT_DB),
    });
  }

  get available(): boolean {
    return this.facts?.available ?? false;
  }

  /** True while the microphone is open, or about to be. */
  get on(): boolean {
    return this.microphone.state !== "off";
  }

  /** True while it thinks or speaks. */
  get busy(): boolean {
    return this.doing === "thinking" || this.doing === "speaking";
  }

  get holding(): boolean {
    return this.hold;
  }

  set holding(hold: boolean) {
    if (hold === this.hold) return;
    this.off();
    this.hold = hold;
    this.microphone.muted = hold;
    this.draw();
  }

  /** Takes what the server says when a connection is made. */
  ready({ talk }: Ready): void {
    this.facts = talk ?? null;
    if (this.tongue !== null) this.listenFor(this.tongue);
    this.doing = "idle";
    this.awake = false;
    if (!this.available) this.off();
    else if (this.microphone.state === "on") this.microphone.restart();
    this.draw();
  }

  take(event: TalkEvent): void {
    if (!EARLY.includes(event.event)) this.awake = true;
    if (event.event === "state_changed" || event.event === "history") {
      this.doing = event.state ?? this.doing;
      if (!this.busy && event.event === "state_changed") this.performer.settle();
    }
    this.listener.event(event);
    this.draw();
  }

  /** The connection is gone; who it talked with starts anew. */
  lost(): void {
    this.doing = "idle";
    this.draw();
  }

  async turn(on: boolean): Promise<void> {
    if (!on) return this.off();
    if (!this.available || this.on) return;
    void this.performer.player.unlock().catch(() => {});
    try {
      // Its own voice must not come back through the microphone.
      await this.microphone.start(this.device(), { echo: true, noise: true });
      window.clearTimeout(this.waking);
      this.waking = window.setTimeout(() => {
        this.awake = true;
        this.draw();
      }, WAKE_MS);
    } catch (error) {
      this.listener.fault(fault(error));
    }
  }

  /** Says what language is spoken here: a tag, "auto", or "" for what the server's settings say. */
  listenFor(language: string): void {
    this.tongue = language;
    if (this.facts && this.facts.language !== undefined && !this.performer.follow) this.performer.send({ type: "talk", language });
  }

  off(): void {
    window.clearTimeout(this.releasing);
    this.held = 0;
    if (!this.on) return;
    this.microphone.stop();
    this.performer.send({ type: "mic", on: false });
  }

  /** The button of a held microphone goes down. */
  press(): void {
    if (this.held || !this.available) return;
    this.held = performance.now();
    window.clearTimeout(this.releasing);
    if (this.busy || this.performer.activity === "speaking") this.interrupt();
    this.microphone.muted = false;
    if (this.on) this.draw();
    else void this.turn(true);
  }

  /** The button is let go: what was said is asked. */
  release(): void {
    if (!this.held) return;
    const long = performance.now() - this.held >= SHORTEST_MS && this.microphone.state === "on";
    this.held = 0;
    this.microphone.muted = true;
    if (long) this.performer.send({ type: "end_turn" });
    else this.listener.short();
    this.releasing = window.setTimeout(() => this.off(), RELEASE_MS);
    this.draw();
  }

  get pressed(): boolean {
    return this.held > 0;
  }

  ask(text: string, language = ""): boolean {
    return this.performer.request({ type: "ask", text, ...(language ? { language } : {}) });
  }

  /** Silence and a closed mouth now. */
  interrupt(): void {
    this.doing = this.on ? "listening" : "idle";
    this.performer.stop();
    this.draw();
  }

  forget(): void {
    this.performer.send({ type: "forget" });
  }

  /** Finds what is to be shown; call it too when the performer's activity changes. */
  draw(): void {
    const state = this.look();
    if (state === this.state) return;
    this.state = state;
    this.listener.state(state);
  }

  private look(): TalkState {
    const { activity } = this.performer;
    // While it is built the microphone already tells its state.
    const open = this.microphone?.state ?? "off";
    if (open === "off") return "off";
    if (open === "asking") return "asking";
    if (!this.awake) return "waking";
    if (this.hold && this.held) return "listening";
    if (activity === "speaking" || this.doing === "speaking") return "speaking";
    if (activity === "waiting" || this.doing === "thinking") return "thinking";
    return this.hold ? "ready" : "listening";
  }
}
