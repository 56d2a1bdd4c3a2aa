/** The panel of outputs: other programs that get the face, each with its state. */

import type { Context } from "../context.ts";
import { button, h, hint, iconButton, part } from "../dom.ts";
import type { Sink } from "../protocol.ts";
import type { Panel } from "../sheet.ts";
import { bind, onLanguage, strings } from "../strings.ts";

interface Scheme {
  scheme: string;
  example: string;
  name: string;
  available: boolean;
  reason: string | null;
}

interface Card {
  element: HTMLElement;
  draw(sink: Sink): void;
}

export class SinksPanel implements Panel {
  readonly id = "outputs";
  readonly title = (words: typeof strings) => words.outputs;
  readonly element: HTMLElement;
  private schemes: Scheme[] = [];
  private sinks: Sink[] = [];
  private readonly cards = new Map<string, Card>();
  private readonly list = h("ul", { class: "cards", id: "sinks" });
  private readonly none = hint((words) => words.noSinks);
  private readonly kind = h("select", { id: "sink-kind" });
  private readonly url = h("input", { id: "sink-url", attributes: { type: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off" } });
  private readonly why = h("p", { class: "warning", attributes: { role: "status" } });
  private readonly add: HTMLButtonElement;
  private read = false;

  constructor(private readonly context: Context) {
    this.add = h("button", { class: "button accent", text: (words) => words.add, attributes: { type: "submit" } });
    const form = h(
      "form",
      { class: "form", id: "sink-form" },
      h("label", { class: "field" }, h("span", { text: (words) => words.sinkKind }), this.kind),
      h("label", { class: "field" }, h("span", { text: (words) => words.address }), this.url),
      this.why,
      this.add,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const url = this.url.value.trim();
      if (url) this.context.performer.send({ type: "sink_add", url });
    });
    this.kind.addEventListener("change", () => this.choose());
    this.element = h(
      "div",
      {},
      part((words) => words.connected, hint((words) => words.sinksHint), this.none, this.list),
      part((words) => words.addSink, form),
      part((words) => words.obs, hint((words) => words.obsHint), this.obsRow()),
    );
    onLanguage(() => this.show(this.sinks));
    this.able();
  }

  /** The address of the view for OBS, of this very session. */
  private obsRow(): HTMLElement {
    const url = h("input", { id: "obs-url", label: (words) => words.obs, attributes: { type: "text", readonly: "", value: this.obsUrl() } });
    const copy = button((words) => words.copy, () => {
      url.value = this.obsUrl();
      url.select();
      void navigator.clipboard?.writeText(url.value).then(() => this.context.tell(strings.copied, "info"));
    });
    return h("div", { class: "pair grow" }, url, copy);
  }

  private obsUrl(): string {
    const url = new URL("/?obs=1", location.href);
    if (this.context.performer.session) url.searchParams.set("session", this.context.performer.session);
    return url.href;
  }

  shown(on: boolean): void {
    if (!on) return;
    const url = this.element.querySelector<HTMLInputElement>("#obs-url");
    if (url) url.value = this.obsUrl();
    if (!this.read) void this.load();
    this.able();
  }

  private async load(): Promise<void> {
    try {
      this.schemes = await this.context.server.read<Scheme[]>("/api/sinks/schemes");
    } catch {
      return;
    }
    this.read = true;
    bind(this.kind, () => {
      const chosen = this.kind.value;
      this.kind.replaceChildren(
        ...this.schemes.map(({ scheme, name, available }) => {
          const words = available ? name : `${name} (${strings.unavailable})`;
          return new Option(words, scheme, false, scheme === chosen);
        }),
      );
    });
    this.choose();
  }

  private choose(): void {
    const scheme = this.schemes.find(({ scheme }) => scheme === this.kind.value);
    if (!scheme) return;
    this.url.value = scheme.example;
    this.why.textContent = scheme.available ? "" : (scheme.reason ?? strings.unavailable);
    this.add.disabled = !scheme.available || !this.context.modern;
  }

  /** Greys out what this server cannot do. */
  able(): void {
    const { modern } = this.context;
    this.add.disabled = !modern;
    this.kind.disabled = this.url.disabled = !modern;
    this.why.textContent = modern ? "" : strings.notHere;
    if (modern && this.read) this.choose();
  }

  show(sinks: Sink[]): void {
    this.sinks = sinks;
    this.none.hidden = sinks.length > 0;
    for (const id of [...this.cards.keys()]) {
      if (sinks.some((sink) => sink.id === id)) continue;
      this.cards.get(id)?.element.remove();
      this.cards.delete(id);
    }
    for (const sink of sinks) {
      let card = this.cards.get(sink.id);
      if (!card) {
        card = this.card(sink);
        this.cards.set(sink.id, card);
        this.list.append(card.element);
      }
      card.draw(sink);
    }
  }

  private card({ id, url, offset_ms }: Sink): Card {
    const dot = h("i", { class: "dot" });
    const state = h("span", { attributes: { role: "status" } });
    const counts = h("p", { class: "hint numbers" });
    const trouble = h("p", { class: "warning" });
    const offset = h("input", { attributes: { type: "number", step: "5", min: "-2000", max: "5000", value: String(offset_ms) } });
    offset.addEventListener("change", () => {
      if (Number.isFinite(offset.valueAsNumber)) this.context.performer.send({ type: "sink_set", id, offset_ms: offset.valueAsNumber });
    });
    const remove = iconButton("remove", (words) => `${words.remove}: ${url}`, () => this.context.performer.send({ type: "sink_remove", id }));
    const element = h(
      "li",
      { class: "card" },
      h("div", { class: "card-head" }, h("strong", { text: url }), remove),
      h("p", { class: "state-line" }, dot, state),
      trouble,
      counts,
      h("label", { class: "field row" }, h("span", { text: (words) => words.offset }), offset),
    );
    const draw = (sink: Sink) => {
      element.dataset["state"] = sink.state;
      const words = strings.sinkStates[sink.state] ?? sink.state;
      if (state.textContent !== words) state.textContent = words;
      trouble.textContent = sink.error ?? "";
      trouble.hidden = !sink.error;
      const late = sink.latency_ms ? ` · ${sink.latency_ms[0].toFixed(0)} / ${sink.latency_ms[1].toFixed(0)} ms` : "";
      const rate = sink.rate ? ` · ${Math.round(sink.rate)} ${strings.perSecond}` : "";
      counts.textContent = `${sink.sent} ${strings.sent} · ${sink.dropped} ${strings.dropped}${rate}${late}`;
      if (document.activeElement !== offset) offset.value = String(sink.offset_ms);
    };
    return { element, draw };
  }
}
