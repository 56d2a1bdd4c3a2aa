/** Talking on the page: the button, the chat, what was heard, and what the dock offers, all in step. */

import type { Context } from "../context.ts";
import type { Dock } from "../dock.ts";
import { h, icon } from "../dom.ts";
import { remembered } from "../memory.ts";
import { TalkPanel } from "../panels/talk.ts";
import type { Ready } from "../protocol.ts";
import { language, onLanguage, strings } from "../strings.ts";
import { TalkButton } from "./button.ts";
import type { Latency, TalkEvent } from "./events.ts";
import { Talk, type TalkState } from "./talk.ts";
import { safeLink } from "./text.ts";

/** How long the words that were understood stay above the controls. */
const HEARD_MS = 5000;
const WIDE = 1000;

export interface TalkingActions {
  /** Whether some panel is open. */
  open(): boolean;
  timed(latency: Latency): void;
  /** The microphone that moves the face gives way. */
  unmirror(): void;
  /** Turns that microphone on or off. */
  mirror(): void;
}

export class Talking {
  readonly talk: Talk;
  readonly panel: TalkPanel;
  readonly button: TalkButton;
  private readonly state = h("p", { class: "hidden", id: "talk-state", attributes: { role: "status", "aria-live": "polite" } });
  private readonly heard = h("p", { class: "heard", id: "heard", attributes: { "aria-live": "off" } });
  private dock: Dock | null = null;
  private timer = 0;
  private unfolded = false;

  /** `device` names the microphone; `place` gets what stands above the controls. */
  constructor(
    private readonly context: Context,
    place: HTMLElement,
    private readonly actions: TalkingActions,
    device: () => string,
  ) {
    this.button = new TalkButton(() => this.talk, () => this.unable());
    this.talk = new Talk(
      context.performer,
      {
        state: (state) => this.shows(state),
        event: (event) => this.event(event),
        level: (part) => {
          this.button.level(part);
          this.panel.level(part);
        },
        fault: (fault) => context.tell(strings[fault], "error", { text: (words) => words.seeCheck, act: () => context.open("check") }),
        short: () => context.tell(strings.talkShort, "info"),
      },
      device,
    );
    this.panel = new TalkPanel(context, { ask: (text) => this.ask(text), talk: () => this.talk, hold: (on) => this.hold(on) });
    place.prepend(this.state, this.heard);
    this.button.start();
    this.hold(remembered("hold") === "on");
    onLanguage(() => this.starters());
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "m" || event.shiftKey) return;
      event.preventDefault();
      if (this.talk.available && context.performer.activity !== "listening") void this.turn();
      else actions.mirror();
    });
  }

  /** Puts the way to kept conversations below the panels. */
  link(rail: HTMLElement): void {
    const attributes = { href: "./conversations.html", target: "_blank", rel: "noopener" };
    rail.append(h("a", { class: "tab kept", id: "kept", title: (words) => words.historyHint, attributes }, icon("history"), h("span", { text: (words) => words.history })));
  }

  /** The dock exists after the button that stands in it. */
  meet(dock: Dock): void {
    this.dock = dock;
    this.starters();
  }

  ready(message: Ready): void {
    this.talk.ready(message);
    this.panel.ready();
    document.body.classList.toggle("talks", this.talk.facts !== null);
    this.dock?.talks(this.talk.available);
    this.starters();
    this.button.draw();
  }

  ask(text: string): void {
    this.actions.unmirror();
    void this.context.performer.player.unlock().catch(() => this.context.tell(strings.noSound));
    this.unfold();
    this.talk.ask(text, this.panel.language);
    this.dock?.show(this.context.performer.activity, "");
  }

  async turn(): Promise<void> {
    if (!this.talk.available) this.unable();
    else await this.talk.turn(!this.talk.on);
  }

  private hold(on: boolean): void {
    this.talk.holding = on;
    this.button.draw();
  }

  private unable(): void {
    this.context.tell(`${strings.talkUnavailable}: ${this.talk.facts?.why ?? strings.notHere}`, "error", { text: (words) => words.seeCheck, act: () => this.context.open("check") });
  }

  /** Brings the conversation into view the first time, where there is room. */
  private unfold(): void {
    if (this.unfolded || window.innerWidth < WIDE) return;
    this.unfolded = true;
    if (!this.actions.open()) this.context.open("talk");
  }

  /** Shows what it does now. */
  private shows(state: TalkState): void {
    document.body.dataset["talk"] = state;
    this.button.draw();
    if (state === "asking") this.actions.unmirror();
    if (state === "listening") this.unfold();
    const words = { off: strings.talkOff, asking: strings.talkAsking, waking: strings.talkWaking, ready: strings.talkHold, listening: strings.talkListening, thinking: strings.talkThinking, speaking: strings.talkSpeaking };
    this.state.textContent = words[state];
    if (state === "off") this.panel.level(0);
  }

  private event(event: TalkEvent): void {
    this.panel.take(event);
    this.dock?.think(this.talk.busy && this.context.performer.activity !== "speaking" && event.event !== "answered");
    this.button.draw();
    if (event.event === "partial") this.hear(event.text, false);
    else if (event.event === "asked") {
      if (event.spoken) this.hear(event.text, true);
      this.starters();
    } else if (event.event === "shown") this.offer();
    else if (event.event === "latency") this.actions.timed(event);
    else if (event.event === "fault") this.context.tell(event.message);
  }

  /** Shows the words that were understood, for those who do not have the conversation in view. */
  private hear(text: string, whole: boolean): void {
    window.clearTimeout(this.timer);
    this.heard.replaceChildren(h("span", { class: "soft", text: `${strings.heardAs} ` }), text);
    this.heard.classList.toggle("whole", whole);
    this.heard.classList.toggle("on", text !== "");
    this.timer = window.setTimeout(() => this.heard.classList.remove("on"), HEARD_MS);
  }

  private starters(): void {
    const own = this.talk.facts?.starters?.[language];
    this.dock?.offer((own?.length ? own : strings.starters).slice(0, 8).map((text) => ({ text })));
  }

  /** Offers what came with the answer in place of the questions to begin with. */
  private offer(): void {
    const answer = this.panel.chat.transcript.last?.answer;
    if (!answer) return;
    const links = answer.links.flatMap(({ title, url }) => {
      const safe = safeLink(url);
      return safe ? [{ text: title || new URL(safe).host, url: safe }] : [];
    });
    const chips = [...links, ...answer.suggestions.map((text) => ({ text }))];
    if (chips.length) this.dock?.offer(chips, answer.suggestions.length > 0);
  }
}
