/** One conversation: its turns, its sound; saved and deleted. */

import { button, h, iconButton } from "../dom.ts";
import type { Server } from "../server.ts";
import { stagesOf } from "./chart.ts";
import type { Turn, Whole } from "./types.ts";
import { clock, milliseconds, shown, words } from "./words.ts";

const FORMATS = ["json", "jsonl", "csv", "txt"];

export class Reader {
  readonly element = h("article", { class: "reader", attributes: { tabindex: "-1" } });

  constructor(
    private readonly server: Server,
    private readonly removed: (count: number) => void,
    private readonly failed: (error: unknown) => void,
  ) {
    this.empty();
  }

  empty(): void {
    this.element.replaceChildren(h("p", { class: "soft hollow", text: words().choose }));
  }

  async open(id: string): Promise<void> {
    try {
      this.show(await this.server.read<Whole>(`/api/conversations/${encodeURIComponent(id)}`));
    } catch (error) {
      this.empty();
      this.failed(error);
    }
  }

  private show(whole: Whole): void {
    const w = words();
    const address = `/api/conversations/${encodeURIComponent(whole.id)}`;
    const saves = FORMATS.map((name) =>
      h("a", { class: "chip", text: name.toUpperCase(), attributes: { href: this.server.url(`${address}/export?format=${name}`), download: "" } }),
    );
    const person = `/api/conversations?${new URLSearchParams({ person: whole.person })}`;
    this.element.replaceChildren(
      h(
        "header",
        { class: "reader-head" },
        iconButton("back", w.back, () => (location.hash = "list"), "to-list"),
        h("h2", { text: shown(whole.began, true) }),
        h("p", { class: "soft", text: [whole.person && `${w.person}: ${whole.person}`, w.turns(whole.turns.length), whole.language].filter(Boolean).join(" · ") }),
        h("div", { class: "acts" }, h("span", { class: "soft", text: w.export }), ...saves, button(w.remove, () => this.ask(w.sure, address), "danger", "remove"), ...(whole.person ? [button(w.removePerson, () => this.ask(w.surePerson(whole.person), person), "danger")] : [])),
      ),
      h("ol", { class: "turns" }, ...whole.turns.map((turn) => this.turn(turn, address))),
    );
    this.element.scrollTop = 0;
    this.element.focus({ preventScroll: true });
  }

  private turn(turn: Turn, address: string): HTMLElement {
    const w = words();
    const parts: HTMLElement[] = [];
    if (turn.question) {
      const facts = [w.person, clock(turn.asked_at), turn.spoken ? w.spoken : w.written, turn.emotion];
      parts.push(this.said("asked", turn.question, turn.language, facts, turn.sounds["user"] ? `${address}/sound/${turn.number}?role=user` : "", w.listenUser));
    }
    const score = turn.score === null ? "" : turn.score.toFixed(2);
    const source = [w.sources[turn.kind] ?? turn.kind, turn.source, score].filter(Boolean).join(" ");
    const total = turn.stages_ms["total"];
    const facts = [w.answer, source, total === undefined ? "" : milliseconds(total), turn.interrupted ? w.interrupted : ""];
    const answer = this.said(`answered${turn.unanswered ? " lacking" : ""}`, turn.answer || "…", turn.answer_language, facts, turn.sounds["assistant"] ? `${address}/sound/${turn.number}?role=assistant` : "", w.listenAnswer);
    if (turn.interrupted && turn.meant !== turn.answer) answer.append(h("p", { class: "soft", text: `${w.meant}: ${turn.meant}` }));
    if (turn.unanswered) answer.append(h("p", { class: "soft" }, h("span", { class: "badge", text: w.fallback }), ` ${turn.reason}`));
    const moments = turn.moments.map((moment) => `${w.moments[moment.kind] ?? moment.kind}: ${moment.text.replaceAll("\n", " / ")}`);
    if (moments.length) answer.append(h("p", { class: "soft", text: moments.join(" · ") }));
    if (total !== undefined) answer.append(stagesOf(turn.stages_ms));
    return h("li", { class: "turn" }, ...parts, answer);
  }

  private said(kind: string, text: string, language: string, facts: string[], sound: string, label: string): HTMLElement {
    const player = sound ? [h("audio", { label, attributes: { controls: "", preload: "none", src: this.server.url(sound) } })] : [];
    return h("div", { class: `said ${kind}` }, h("p", { class: "soft", text: facts.filter(Boolean).join(" · ") }), h("p", { class: "words", text, attributes: { lang: language || "und" } }), ...player);
  }

  private ask(title: string, address: string): void {
    const w = words();
    const dialog = h("dialog", { class: "sure", label: title }, h("h2", { text: title }), h("p", { text: w.sureHint }));
    const end = () => {
      dialog.close();
      dialog.remove();
    };
    const keep = button(w.keep, end);
    const remove = button(w.remove, () => {
      end();
      void this.remove(address);
    }, "danger full");
    dialog.append(h("div", { class: "acts" }, keep, remove));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    keep.focus();
  }

  private async remove(address: string): Promise<void> {
    try {
      const done = await this.server.send<{ deleted: number }>("DELETE", address);
      this.removed(done?.deleted ?? 0);
    } catch (error) {
      this.failed(error);
    }
  }
}
