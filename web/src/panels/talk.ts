/** The panel of talking: options, the conversation, and what can be done with it. */

import type { Context } from "../context.ts";
import { button, h, hint, icon, toggle } from "../dom.ts";
import { remember, remembered } from "../memory.ts";
import { saying } from "../server.ts";
import type { Panel } from "../sheet.ts";
import { bind, onLanguage, strings } from "../strings.ts";
import { Chat } from "../talk/chat.ts";
import type { TalkEvent } from "../talk/events.ts";
import type { Talk } from "../talk/talk.ts";

const SURE_MS = 4000;

export interface TalkPanelActions {
  ask(text: string): void;
  talk(): Talk;
  hold(on: boolean): void;
}

export class TalkPanel implements Panel {
  readonly id = "talk";
  readonly title = (words: typeof strings) => words.talk;
  readonly element: HTMLElement;
  readonly chat: Chat;
  /** The language that is spoken and written; empty where it follows. */
  language = remembered("talk-language") ?? "";
  private readonly tongue = h("select", { id: "talk-language" });
  private readonly meter = h("meter", { class: "meter", id: "talk-level", label: (words) => words.micLevel, attributes: { min: "0", max: "1", value: "0" } });
  private readonly unable = h("p", { class: "warning", id: "talk-why" });
  private readonly forget: HTMLButtonElement;
  private readonly tools: HTMLButtonElement[];
  private sure = 0;
  /** True where a language was chosen here. */
  private chosen = this.language !== "";

  constructor(
    private readonly context: Context,
    private readonly actions: TalkPanelActions,
  ) {
    this.chat = new Chat((text) => actions.ask(text), () => this.able());
    const hold = toggle("talk-hold", (words) => words.holdOption, remembered("hold") === "on", (on) => {
      remember("hold", on ? "on" : null);
      actions.hold(on);
    });
    this.tongue.addEventListener("change", () => this.choose(this.tongue.value));
    const row = h("label", { class: "field" }, h("span", { text: (words) => words.spokenLanguage }), this.tongue);
    // The event "toggle" may come long after the click on a busy machine, or not before the page is left.
    const click = () => remember("talk-options", options.open ? null : "open");
    const options: HTMLDetailsElement = h("details", { class: "talk-options" }, h("summary", { text: (words) => words.talkOptions, on: { click } }), row, hold.element, hint((words) => words.headphones));
    options.open = remembered("talk-options") === "open";
    const copy = button((words) => words.copyTalk, () => void this.copy(), "quiet", "copy");
    const save = button((words) => words.saveTalk, () => this.save(), "quiet", "download");
    copy.id = "talk-copy";
    save.id = "talk-save";
    this.forget = h("button", { class: "button quiet", id: "talk-forget", title: (words) => words.forgetHint, attributes: { type: "button" }, on: { click: () => this.clear() } });
    bind(this.forget, () => this.dress());
    this.tools = [copy, save, this.forget];
    this.element = h("div", { class: "talk-panel" }, this.unable, options, h("div", { class: "level" }, this.meter), this.chat.element, h("div", { class: "talk-foot" }, copy, save, this.forget));
    if (this.chosen) actions.talk().listenFor(this.language);
    this.fill();
    onLanguage(() => this.fill());
    this.able();
  }

  shown(on: boolean): void {
    if (on) this.chat.settle();
  }

  take(event: TalkEvent): void {
    this.chat.take(event);
  }

  level(part: number): void {
    this.meter.value = part;
  }

  /** Shows what the server says about talking. */
  ready(): void {
    const { facts } = this.actions.talk();
    if (!this.chosen) this.language = facts?.language === "auto" ? "" : (facts?.language ?? "");
    this.chosen = this.language !== "";
    this.unable.textContent = facts && !facts.available ? `${strings.talkUnavailable}: ${facts.why ?? ""}` : "";
    this.fill();
  }

  private fill(): void {
    const known = [...new Set([...(this.actions.talk().facts?.languages ?? ["en", "zh"]), ...(this.language ? [this.language] : [])])];
    const rows = known.map((tag) => new Option(strings.tongues[tag] ?? tag, tag, false, tag === this.language));
    this.tongue.replaceChildren(new Option(strings.autoLanguage, "", false, this.language === ""), ...rows);
  }

  /** Fixes the language of this session, of the microphone and of what is written. */
  private choose(tag: string): void {
    this.language = tag;
    this.chosen = tag !== "";
    remember("talk-language", tag || null);
    this.actions.talk().listenFor(tag || "auto");
  }

  private able(): void {
    const empty = this.chat.transcript.exchanges.length === 0;
    for (const tool of this.tools ?? []) tool.disabled = empty;
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.chat.text());
      this.context.tell(strings.copied, "info");
    } catch (error) {
      this.context.tell(saying(error));
    }
  }

  private save(): void {
    const file = new Blob([`${this.chat.text()}\n`], { type: "text/plain;charset=utf-8" });
    const link = h("a", { attributes: { href: URL.createObjectURL(file), download: `rhapsode-${new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-")}.txt` } });
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  /** Asks once more, then lets both sides forget. */
  private clear(): void {
    window.clearTimeout(this.sure);
    if (this.sure) {
      this.sure = 0;
      this.actions.talk().forget();
      this.chat.clear();
    } else {
      this.sure = window.setTimeout(() => {
        this.sure = 0;
        this.dress();
      }, SURE_MS);
    }
    this.dress();
  }

  private dress(): void {
    this.forget.classList.toggle("sure", this.sure > 0);
    this.forget.replaceChildren(icon("remove"), h("span", { text: this.sure ? strings.forgetSure : strings.forgetTalk }));
  }
}
