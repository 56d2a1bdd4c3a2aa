/** The conversation as it goes: both sides, the words being spoken, and what is coming. */

import { h } from "../dom.ts";
import { onLanguage, strings } from "../strings.ts";
import { Bubbles, dots } from "./bubbles.ts";
import type { TalkEvent } from "./events.ts";
import { Transcript } from "./transcript.ts";

const NEAR_PX = 60;

export class Chat {
  readonly transcript = new Transcript();
  readonly element: HTMLElement;
  private readonly empty = h("p", { class: "empty", text: (words) => words.noTalk });
  private readonly list = h("div", { class: "exchanges" });
  private readonly live = h("div", { class: "bubble mine live", id: "partial" });
  private readonly views = new Map<number, Bubbles>();
  private follow = true;

  constructor(
    private readonly ask: (text: string) => void,
    private readonly changed: () => void,
  ) {
    this.live.hidden = true;
    this.element = h("div", { class: "chat", id: "chat", label: (words) => words.transcript, attributes: { role: "log", "aria-live": "off", tabindex: "0" } }, this.empty, this.list, this.live);
    this.element.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.element;
      this.follow = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    });
    onLanguage(() => this.views.forEach((view) => view.draw()));
  }

  take(event: TalkEvent): void {
    const changed = this.transcript.take(event);
    if (event.event === "asked") this.follow = true;
    if (event.event === "history") this.rebuild();
    else if (changed) this.view(changed.turn);
    this.draw();
  }

  private view(turn: number): void {
    const exchange = this.transcript.exchanges.find((candidate) => candidate.turn === turn);
    if (!exchange) return;
    const known = this.views.get(turn);
    if (known) return known.draw();
    const made = new Bubbles(exchange, this.ask);
    this.views.set(turn, made);
    this.list.append(made.element);
  }

  private rebuild(): void {
    this.views.clear();
    this.list.replaceChildren();
    for (const { turn } of this.transcript.exchanges) this.view(turn);
  }

  clear(): void {
    this.transcript.clear();
    this.rebuild();
    this.draw();
  }

  private draw(): void {
    const { partial, exchanges } = this.transcript;
    this.live.hidden = partial === null;
    if (partial !== null) this.live.replaceChildren(partial ? h("p", { class: "words", text: partial }) : dots(strings.hearing));
    this.empty.hidden = exchanges.length > 0 || partial !== null;
    this.changed();
    this.settle();
  }

  /** Stays at the end, unless the reader has gone up. */
  settle(): void {
    if (this.follow) this.element.scrollTop = this.element.scrollHeight;
  }

  /** The whole conversation as plain text. */
  text(): string {
    return this.transcript.exchanges.flatMap(({ at, question, answer }) => {
      const time = at.toLocaleTimeString();
      const cut = answer?.unheard.trim() ? ` [${strings.interruptedHere}; ${strings.unheard} ${answer.unheard.trim()}]` : answer?.interrupted ? ` [${strings.interruptedHere}]` : "";
      const links = (answer?.links ?? []).map(({ title, url }) => `  ${title} ${url}`.trimEnd());
      return [
        ...(question ? [`${time} ${strings.you}: ${question.text}`] : []),
        ...(answer ? [`${time} Rhapsode: ${answer.text}${cut}`, ...links] : []),
      ];
    }).join("\n");
  }
}
