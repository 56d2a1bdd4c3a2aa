/** The button that one talks by: its looks in each state, pressing, and holding. */

import { h, icon } from "../dom.ts";
import { bind, type Strings, strings } from "../strings.ts";
import type { Talk, TalkState } from "./talk.ts";

type Face = [icon: string, title: keyof Strings, hint: keyof Strings];

const FACES: Record<TalkState, Face> = {
  off: ["hear", "talkStart", "talkStartHint"],
  asking: ["hear", "talkAsking", "talkAskingHint"],
  waking: ["think", "talkWaking", "talkWakingHint"],
  ready: ["hear", "talkHold", "talkHoldHint"],
  listening: ["hear", "talkListening", "talkListeningHint"],
  thinking: ["think", "talkThinking", "talkThinkingHint"],
  speaking: ["wave", "talkSpeaking", "talkSpeakingHint"],
};

/** Elements that take the space bar themselves. */
const TAKES_SPACE = "input, textarea, select, button, a, summary, audio, video, [role=slider], [contenteditable]";

export class TalkButton {
  readonly element = h("button", { class: "talk", id: "talk", attributes: { type: "button" } });
  private readonly mark = h("span", { class: "talk-mark", attributes: { "aria-hidden": "true" } });
  private readonly title = h("b");
  private readonly hint = h("small");
  private shown = "";

  /** `unable` is called where it cannot talk. */
  constructor(
    private readonly talk: () => Talk,
    private readonly unable: () => void,
  ) {
    this.element.append(this.mark, h("span", { class: "talk-words" }, this.title, this.hint));
    this.element.addEventListener("click", (event) => this.click(event));
    this.element.addEventListener("pointerdown", (event) => this.down(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const) this.element.addEventListener(end, () => this.up());
    this.element.addEventListener("contextmenu", (event) => this.holds && event.preventDefault());
    document.addEventListener("keydown", (event) => this.key(event, true));
    document.addEventListener("keyup", (event) => this.key(event, false));
    window.addEventListener("blur", () => this.up());
  }

  /** Begins to follow the language; the talk exists by now. */
  start(): void {
    bind(this.element, () => this.draw(true));
  }

  private get holds(): boolean {
    return this.talk().holding && this.talk().available;
  }

  private click(event: MouseEvent): void {
    const talk = this.talk();
    if (!talk.available) return this.unable();
    if (!talk.holding) void talk.turn(!talk.on);
    // A screen reader clicks without pressing: once to begin, once to end.
    else if (event.detail === 0) talk.pressed ? talk.release() : talk.press();
  }

  private down(event: PointerEvent): void {
    if (!this.holds || event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.talk().press();
  }

  private up(): void {
    if (this.holds) this.talk().release();
  }

  private key(event: KeyboardEvent, down: boolean): void {
    if (!this.holds || (event.key !== " " && event.key !== "Enter") || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as Element;
    const own = this.element.contains(target);
    if (!own && (event.key === "Enter" || target.closest(TAKES_SPACE))) {
      if (!down) this.up();
      return;
    }
    event.preventDefault();
    if (event.repeat) return;
    if (down) this.talk().press();
    else this.talk().release();
  }

  level(part: number): void {
    this.element.style.setProperty("--level", Math.min(Math.max((part - 0.25) * 1.6, 0), 1).toFixed(2));
  }

  draw(anew = false): void {
    const talk = this.talk();
    const key = `${talk.state} ${talk.holding} ${talk.pressed} ${talk.available}`;
    if (key === this.shown && !anew) return;
    this.shown = key;
    let [mark, title, hint] = FACES[talk.state];
    if (talk.holding && talk.state === "off") [title, hint] = ["talkHold", "talkHoldHint"];
    else if (talk.pressed && talk.state === "listening") [title, hint] = ["talkHeld", "talkHeldHint"];
    else if (talk.holding && talk.state === "speaking") hint = "talkSpeakingEsc";
    if (!talk.available) hint = "unavailable";
    this.mark.replaceChildren(icon(mark));
    this.title.textContent = strings[title] as string;
    this.hint.textContent = strings[hint] as string;
    this.element.dataset["state"] = talk.state;
    this.element.classList.toggle("holds", talk.holding);
    this.element.classList.toggle("unable", !talk.available);
    this.element.setAttribute("aria-pressed", String(talk.holding ? talk.pressed : talk.on));
    if (!talk.on) this.element.style.removeProperty("--level");
  }
}
