/** Light and dark: as the system has it, unless the user or the address says otherwise. */

import { remember, remembered } from "./memory.ts";

export type Theme = "light" | "dark";

const system = window.matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
  const set = document.documentElement.dataset["theme"];
  return set === "light" || set === "dark" ? set : system.matches ? "dark" : "light";
}

function apply(chosen: string | null): void {
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
}

export function startTheme(asked: string | null): void {
  apply(asked ?? remembered("theme"));
}

export function changeTheme(): void {
  const next: Theme = theme() === "dark" ? "light" : "dark";
  apply(next);
  remember("theme", next);
}
