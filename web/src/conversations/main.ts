/** The page of conversations that were kept: read, searched, saved, deleted; what is not answered; latency. */

import "./conversations.css";
import { h, iconButton } from "../dom.ts";
import { saying, Server } from "../server.ts";
import { language, onLanguage, speak, strings } from "../strings.ts";
import { changeTheme, startTheme } from "../theme.ts";
import { List } from "./list.ts";
import { Reader } from "./reader.ts";
import { latency, unanswered } from "./tables.ts";
import { words } from "./words.ts";

const VIEWS = ["list", "unanswered", "latency"];

function found(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page lacks #${id}`);
  return element;
}

const server = new Server();
const main = found("main");
const note = found("note");
const list = new List(server, (page) => tell(page.keeps ? "" : words().notKept), failed);
const reader = new Reader(server, removed, failed);
const books = h("div", { class: "books" }, list.element, reader.element);
let turn = 0;

function tell(text: string, wrong = false): void {
  note.textContent = text;
  note.hidden = text === "";
  note.classList.toggle("wrong", wrong);
}

function failed(error: unknown): void {
  tell(saying(error), true);
}

function removed(count: number): void {
  location.hash = "list";
  void list.load().then(() => tell(words().removed(count)));
}

function tabs(view: string): void {
  found("tabs").setAttribute("aria-label", words().nav);
  found("tabs").replaceChildren(
    ...VIEWS.map((name) =>
      h("a", { class: "tab", text: words().views[name] ?? name, attributes: { href: `#${name}`, ...(name === view ? { "aria-current": "page" } : {}) } }),
    ),
  );
}

async function show(): Promise<void> {
  const mine = ++turn;
  const [view = "list", id = ""] = location.hash.slice(1).split("=");
  const known = view === "c" ? "list" : VIEWS.includes(view) ? view : "list";
  tabs(known);
  if (known === "list") {
    main.replaceChildren(books);
    books.classList.toggle("reading", id !== "");
    list.mark(id);
    if (id) await reader.open(id);
    else reader.empty();
    return;
  }
  try {
    const made = await (known === "latency" ? latency(server) : unanswered(server));
    if (mine === turn) main.replaceChildren(made);
  } catch (error) {
    failed(error);
  }
}

function begin(): void {
  document.title = `${words().title} · Rhapsode`;
  found("title").textContent = words().title;
  const change = () => speak(language === "zh" ? "en" : "zh");
  found("tools").replaceChildren(
    h("button", { class: "tool", text: strings.switch, title: strings.switchHint, attributes: { type: "button" }, on: { click: change } }),
    iconButton("theme", strings.theme, changeTheme),
  );
  void list.load();
  void show();
}

startTheme(new URLSearchParams(location.search).get("theme"));
document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
onLanguage(begin);
addEventListener("hashchange", () => void show());
begin();
