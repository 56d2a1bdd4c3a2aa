/** A control for each kind of setting, with its label, its help and its error. */

import { h } from "../dom.ts";
import { labelled, strings } from "../strings.ts";
import type { Field, Value } from "./schema.ts";

export interface Control {
  readonly field: Field;
  readonly element: HTMLElement;
  readonly input: HTMLElement;
  /** What stands in it; throws with a sentence where that is no value. */
  read(): Value;
  write(value: Value): void;
  fail(message: string | null): void;
}

export interface ControlOptions {
  value: Value;
  /** Why it cannot be changed here; empty where it can. */
  locked: string;
  /** Where the value comes from, to be said beside the label. */
  origin: string;
  suggestions: readonly { value: string; label: string }[];
  changed(): void;
}

type Editor = { input: HTMLElement; read(): Value; write(value: Value): void };

const RANGE = new Set(["speak.rate", "speak.pitch", "speak.volume", "speak.background_db", "hear.silence_s", "think.temperature"]);

function pairs(text: string): Value {
  const found: Record<string, string> = {};
  for (const line of text.split("\n").map((row) => row.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(strings.notPairs);
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}

function object(text: string): Value {
  if (!text.trim()) return {};
  try {
    return JSON.parse(text) as Value;
  } catch {
    throw new Error(strings.notJson);
  }
}

function area(rows: string, read: (text: string) => Value, write: (value: Value) => string): Editor {
  const input = h("textarea", { attributes: { rows, spellcheck: "false" } });
  return { input, read: () => read(input.value), write: (value) => (input.value = write(value)) };
}

function number({ low, high, kind, empty, key }: Field): Editor {
  const step = kind === "whole" ? "1" : "any";
  const limits = { ...(low === null ? {} : { min: String(low) }), ...(high === null ? {} : { max: String(high) }) };
  if (RANGE.has(key) && low !== null && high !== null) {
    const input = h("input", { attributes: { type: "range", step: high - low > 5 ? "0.5" : "0.05", ...limits } });
    const output = h("output");
    const draw = () => {
      output.textContent = String(Number(input.valueAsNumber.toFixed(2)));
      input.style.setProperty("--filled", `${((input.valueAsNumber - low) / (high - low)) * 100}%`);
    };
    input.addEventListener("input", draw);
    const frame = h("span", { class: "range" }, input, output);
    const editor = { input: frame, read: () => input.valueAsNumber, write: (value: Value) => ((input.value = String(value)), draw()) };
    return editor;
  }
  const input = h("input", { attributes: { type: "number", step, ...limits, ...(empty ? { placeholder: strings.unset } : {}) } });
  return {
    input,
    read: () => (input.value === "" && empty ? null : input.value === "" ? Number.NaN : input.valueAsNumber),
    write: (value) => (input.value = value === null ? "" : String(value)),
  };
}

function choice({ key, choices }: Field): Editor {
  const words = strings.values[key] ?? {};
  const input = h("select", {}, ...choices.map((value) => new Option(words[value] ?? labelled(value), value)));
  return { input, read: () => input.value, write: (value) => (input.value = String(value)) };
}

function text(field: Field, suggestions: ControlOptions["suggestions"]): Editor {
  const input = h("input", { attributes: { type: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off" } });
  let element: HTMLElement = input;
  if (suggestions.length) {
    const list = h("datalist", { id: `list-${field.key.replace(".", "-")}` }, ...suggestions.map(({ value, label }) => h("option", { attributes: { value, label } })));
    input.setAttribute("list", list.id);
    element = h("span", { class: "listed" }, input, list);
  }
  return { input: element, read: () => input.value.trim(), write: (value) => (input.value = value === null ? "" : String(value)) };
}

function editor(field: Field, suggestions: ControlOptions["suggestions"]): Editor {
  switch (field.kind) {
    case "switch": {
      const input = h("input", { attributes: { type: "checkbox", role: "switch" } });
      return { input, read: () => input.checked, write: (value) => (input.checked = value === true) };
    }
    case "choice":
      return choice(field);
    case "number":
    case "whole":
      return number(field);
    case "text":
      return text(field, suggestions);
    case "long":
      return area("4", (words) => words.trim(), String);
    case "list": {
      const made = text(field, []);
      return {
        input: made.input,
        read: () => String(made.read()).split(/[,，、]/).map((piece) => piece.trim()).filter(Boolean),
        write: (value) => made.write(Array.isArray(value) ? value.join(", ") : ""),
      };
    }
    case "pairs":
      return area("3", pairs, (value) => Object.entries((value ?? {}) as Record<string, string>).map(([key, name]) => `${key} = ${name}`).join("\n"));
    default:
      return area("2", object, (value) => (value && Object.keys(value).length ? JSON.stringify(value, null, 1) : ""));
  }
}

/** What the page says about a setting, else what the server does. */
function helpOf({ key, help, kind }: Field): string {
  const known = strings.helps[key] ?? help;
  const words = known.replace(/``/g, "").replace(/`/g, "");
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return kind === "list" ? `${sentence} ${strings.listHint}` : kind === "pairs" ? `${sentence} ${strings.pairsHint}` : sentence;
}

export function control(field: Field, options: ControlOptions): Control {
  const { input: shown, read, write } = editor(field, options.suggestions);
  const input = (shown.matches("input, select, textarea") ? shown : shown.querySelector("input, select, textarea")) as HTMLInputElement;
  const id = `set-${field.key.replace(".", "-")}`;
  input.id = id;
  input.name = field.key;
  input.disabled = options.locked !== "";
  const help = h("small", { class: "setting-help", id: `${id}-help`, text: [helpOf(field), options.locked].filter(Boolean).join(" ") });
  const trouble = h("small", { class: "warning", id: `${id}-error`, attributes: { role: "alert" } });
  input.setAttribute("aria-describedby", `${help.id} ${trouble.id}`);
  const origin = options.origin ? h("span", { class: "origin", text: options.origin }) : "";
  const label = h("label", { attributes: { for: id } }, h("span", { text: strings.fields[field.key] ?? labelled(field.name) }), origin);
  const element = h("div", { class: `setting ${field.kind === "switch" ? "switch" : ""} ${options.locked ? "locked" : ""}`, attributes: { "data-key": field.key } }, label, shown, help, trouble);
  write(options.value);
  const fail = (message: string | null) => {
    trouble.textContent = message ?? "";
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  for (const kind of ["input", "change"]) {
    input.addEventListener(kind, () => {
      fail(null);
      options.changed();
    });
  }
  return { field, element, input, read, write, fail };
}
