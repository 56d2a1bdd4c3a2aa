/** Questions without an answer, and latencies, as tables. */

import { h } from "../dom.ts";
import type { Server } from "../server.ts";
import { chart } from "./chart.ts";
import type { Latency, Question } from "./types.ts";
import { milliseconds, shown, words } from "./words.ts";

const HEARD = ["turn_end", "recognise"];
const STAGES = ["total", ...HEARD, "think", "speak", "perform"];

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

/** Spoken questions and written ones apart: a written one has no end to find and no words to recognise. */
export async function latency(server: Server): Promise<HTMLElement> {
  const w = words();
  const [spoken, written] = await Promise.all(["spoken", "written"].map((asked) => server.read<Latency>(`/api/conversations/latency?asked=${asked}`)));
  const parts = [
    ...(spoken?.turns.length ? measured(w.latencyHint(spoken.days), spoken, STAGES) : []),
    ...(written?.turns.length ? measured(w.latencyWritten(written.days), written, STAGES.filter((stage) => !HEARD.includes(stage))) : []),
  ];
  const body = parts.length ? parts : [h("p", { class: "hollow soft", text: w.noLatency })];
  return h("section", { class: "sheet-page", label: w.views["latency"] ?? "" }, ...body);
}

function measured(hint: string, told: Latency, stages: string[]): HTMLElement[] {
  const w = words();
  const rows = told.stages
    .filter(({ stage }) => stages.includes(stage) || !STAGES.includes(stage))
    .map((one) => [w.stages[one.stage] ?? one.stage, milliseconds(one.p50), milliseconds(one.p95), String(one.count)]);
  return [h("p", { class: "soft", text: hint }), chart(told), table([w.stage, w.p50, w.p95, w.count], rows, [1, 2, 3])];
}
