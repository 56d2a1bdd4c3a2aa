/** Questions without an answer, and latencies, as tables. */

import { h } from "../dom.ts";
import type { Server } from "../server.ts";
import { chart } from "./chart.ts";
import type { Latency, Question } from "./types.ts";
import { milliseconds, shown, words } from "./words.ts";

function table(heads: string[], rows: (Node | string)[][], numbers: number[]): HTMLElement {
  const kind = (k: number) => (numbers.includes(k) ? "number" : "");
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...heads.map((text, k) => h("th", { text, class: kind(k), attributes: { scope: "col" } })))),
    h("tbody", {}, ...rows.map((cells) => h("tr", {}, ...cells.map((cell, k) => h("td", { class: kind(k) }, cell))))),
  );
}

export async function unanswered(server: Server): Promise<HTMLElement> {
  const w = words();
  const { days, questions } = await server.read<{ days: number; questions: Question[] }>("/api/conversations/unanswered");
  const rows = questions.map((one) => [
    h("a", { text: one.question, attributes: { href: `#c=${one.conversation}`, lang: one.language || "und" } }),
    String(one.count),
    shown(one.last),
    one.kind === "suggested" ? w.suggested : one.reason || w.fallback,
  ]);
  const body = rows.length ? table([w.question, w.count, w.last, w.reason], rows, [1]) : h("p", { class: "hollow soft", text: w.noneUnanswered });
  return h("section", { class: "sheet-page", label: w.views["unanswered"] ?? "" }, h("p", { class: "soft", text: w.unansweredHint(days) }), body);
}

export async function latency(server: Server): Promise<HTMLElement> {
  const w = words();
  const told = await server.read<Latency>("/api/conversations/latency");
  const rows = told.stages.map((one) => [w.stages[one.stage] ?? one.stage, milliseconds(one.p50), milliseconds(one.p95), String(one.count)]);
  const body = told.turns.length
    ? [chart(told), table([w.stage, w.p50, w.p95, w.count], rows, [1, 2, 3])]
    : [h("p", { class: "hollow soft", text: w.noLatency })];
  return h("section", { class: "sheet-page", label: w.views["latency"] ?? "" }, h("p", { class: "soft", text: w.latencyHint(told.days) }), ...body);
}
