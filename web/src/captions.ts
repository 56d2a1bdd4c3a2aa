/** Subtitles: the line that is being spoken, its words lit up as they are heard. */

import type { Word } from "./protocol.ts";

const LONGEST = 64;

export class Captions {
  /** False hides them. */
  wanted = true;
  private lines: Word[][] = [];
  private shown = -1;

  constructor(private readonly element: HTMLElement) {}

  clear(): void {
    this.lines = [];
    this.shown = -1;
    this.element.classList.remove("on");
  }

  /** Takes words in the order in which they are spoken, and breaks lines at sentences and lengths. */
  add(words: readonly Word[]): void {
    for (const word of words) {
      const line = this.lines[this.lines.length - 1];
      const before = line?.[line.length - 1];
      const length = line?.reduce((sum, [text]) => sum + text.length + 1, word[0].length) ?? 0;
      if (!line || !before || length > LONGEST || /[.!?。！？…]["”’]?$/.test(before[0])) this.lines.push([word]);
      else line.push(word);
    }
    this.shown = -1;
  }

  /** Shows what is spoken at clock sample `sample`. */
  at(sample: number): void {
    if (!this.wanted) this.element.classList.remove("on");
    if (!this.lines.length || !this.wanted) return;
    let index = 0;
    while (index + 1 < this.lines.length && (this.lines[index + 1]?.[0]?.[1] ?? 0) <= sample + 1600) index += 1;
    if (index !== this.shown || !this.element.classList.contains("on")) this.write(index);
    const words = this.lines[index] ?? [];
    words.forEach((word, at) => {
      this.element.children[at]?.classList.toggle("said", word[1] <= sample);
    });
  }

  private write(index: number): void {
    this.shown = index;
    this.element.replaceChildren();
    for (const [at, word] of (this.lines[index] ?? []).entries()) {
      const span = document.createElement("span");
      const latin = /^[\p{Script=Latin}\d"'“(]/u.test(word[0]);
      span.textContent = at > 0 && latin ? ` ${word[0]}` : word[0];
      this.element.append(span);
    }
    this.element.classList.add("on");
  }
}
