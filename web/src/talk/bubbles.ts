/** An exchange of the conversation on the page. */

import { button, h, icon } from "../dom.ts";
import { labelled, strings } from "../strings.ts";
import { stageBars } from "./stages.ts";
import { feelings, safeLink } from "./text.ts";
import { tip } from "./tip.ts";
import type { Answer, Exchange, Question } from "./transcript.ts";

/** Three dots that say that something is coming. */
export function dots(words: string): HTMLElement {
  return h("span", { class: "dots" }, h("i"), h("i"), h("i"), h("span", { class: "hidden", text: words }));
}

function chip(kind: string, words: string, title: string): HTMLElement {
  return h("span", { class: `mini ${kind}`, text: words, title });
}

function emotionChips(emotion: string | null): HTMLElement[] {
  return feelings(emotion).slice(0, 2).map(({ name, strength }) => {
    const words = strings.emotions[name] ?? labelled(name).toLowerCase();
    const made = chip("feeling", strength === null ? words : `${words} ${Math.round(strength * 100)} %`, strings.emotion);
    made.dataset["emotion"] = name;
    return made;
  });
}

function tongue(language: string): Record<string, string> {
  return language ? { lang: language } : {};
}

export class Bubbles {
  readonly element = h("div", { class: "exchange" });
  private readonly question = h("div", { class: "bubble mine" });
  private readonly answer = h("div", { class: "bubble" });
  private readonly text = h("p", { class: "words" });
  private readonly facts = h("div", { class: "minis" });
  private readonly extras = h("div", { class: "extras" });
  private readonly faults = h("div", { class: "faults" });
  private latency: HTMLButtonElement | null = null;
  private drawn = "";

  constructor(
    private readonly exchange: Exchange,
    private readonly ask: (text: string) => void,
  ) {
    this.element.dataset["turn"] = String(exchange.turn);
    this.answer.append(h("span", { class: "hidden", text: (words) => `${words.it}: ` }), this.text, this.extras, this.facts);
    this.element.append(this.question, this.answer, this.faults);
    this.draw();
  }

  /** Shows what is known now; what has not changed keeps the focus. */
  draw(): void {
    const { question, answer, latency, faults } = this.exchange;
    this.question.hidden = !question;
    if (question) this.put(question);
    this.answer.hidden = !answer;
    if (answer) {
      this.write(answer);
      const key = JSON.stringify([answer.links, answer.suggestions, answer.source, answer.emotion, answer.gestures, answer.interrupted, latency, strings.ask]);
      if (key !== this.drawn) this.dress(answer);
      this.drawn = key;
    }
    this.faults.replaceChildren(...faults.map((message) => h("p", { class: "fault", text: message })));
  }

  private put({ text, language, spoken, certainty, emotion }: Question): void {
    const how = spoken ? `${strings.spoken}, ${Math.round(certainty * 100)} %` : strings.written;
    const mark = h("span", { class: "how", title: how }, icon(spoken ? "hear" : "pen"), h("span", { class: "hidden", text: how }));
    this.question.replaceChildren(
      h("span", { class: "hidden", text: `${strings.you}: ` }),
      h("p", { class: "words", text, attributes: tongue(language) }),
      h("div", { class: "minis" }, ...emotionChips(emotion), mark),
    );
  }

  private write({ text, unheard, state, language, interrupted }: Answer): void {
    this.element.dataset["state"] = state;
    if (language) this.text.lang = language;
    if (!text && state === "making") return this.text.replaceChildren(dots(strings.making));
    const rest = unheard.trim() ? [h("span", { class: "hidden", text: ` ${strings.unheard} ` }), h("s", { class: "unheard", text: unheard })] : [];
    const sign = interrupted ? [h("span", { class: "cut", attributes: { "aria-hidden": "true" } })] : [];
    this.text.replaceChildren(text, ...sign, ...rest);
  }

  private dress(answer: Answer): void {
    const { source, links, suggestions, emotion, gestures, interrupted } = answer;
    const known = links.map(({ title, url }) => {
      const safe = safeLink(url);
      if (!safe) return h("span", { class: "unsafe", text: title || url, title: strings.linkRefused });
      const mark = h("span", { class: "hidden", text: ` (${strings.opensTab})` });
      return h("a", { class: "shown-link", attributes: { href: safe, target: "_blank", rel: "noopener noreferrer" } }, icon("link"), h("span", { text: title || new URL(safe).host }), mark);
    });
    const meant = suggestions.length
      ? [h("p", { class: "hint", text: strings.didYouMean }), h("div", { class: "chips" }, ...suggestions.map((text) => button(text, () => this.ask(text), "suggestion")))]
      : [];
    this.extras.replaceChildren(...known, ...meant);
    const facts: HTMLElement[] = [];
    if (source) {
      const score = source.score === null ? "" : ` · ${strings.fits(Math.round(source.score * 100))}`;
      const why = source.reason ? ` · ${source.reason}` : "";
      const made = chip("source", strings.sources[source.kind] ?? source.kind, `${strings.sourceHints[source.kind] ?? ""}: ${source.id}${score}${why}`);
      made.dataset["kind"] = source.kind;
      facts.push(made);
    }
    if (interrupted) facts.push(chip("stopped", strings.interruptedHere, strings.unheard));
    facts.push(...emotionChips(emotion));
    for (const gesture of new Set(gestures)) facts.push(chip("gesture", strings.gestures[gesture] ?? labelled(gesture).toLowerCase(), ""));
    facts.push(...this.timed());
    this.facts.replaceChildren(...facts);
  }

  private timed(): HTMLElement[] {
    if (!this.exchange.latency) return [];
    const seconds = (this.exchange.latency.total_ms / 1000).toFixed(2);
    if (!this.latency) {
      this.latency = h("button", { class: "mini latency", attributes: { type: "button" } });
      tip(this.latency, () => {
        const latency = this.exchange.latency;
        return latency ? [h("p", { text: strings.stagesTitle }), stageBars(latency.total_ms, latency.stages_ms)] : [];
      });
    }
    this.latency.textContent = `${seconds} s`;
    this.latency.setAttribute("aria-label", strings.secondsToSound(seconds));
    return [this.latency];
  }
}
