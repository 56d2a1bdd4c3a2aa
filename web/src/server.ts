/** Where the server is, and how it is asked over HTTP. */

/** An address that the server does not have: an older server, or a part that is not installed. */
export class Absent extends Error {}

/** What FastAPI says is wrong. */
async function reason(answer: Response): Promise<string> {
  try {
    const { detail } = (await answer.json()) as { detail?: unknown };
    if (typeof detail === "string") return detail;
    if (Array.isArray(detail)) return detail.map(({ loc, msg }: { loc?: unknown[]; msg?: string }) => `${(loc ?? []).slice(1).join(".")}: ${msg}`).join("; ");
  } catch {
    // An answer without JSON says no more than its number.
  }
  return `${answer.status} ${answer.statusText}`.trim();
}

export class Server {
  private readonly base: URL;

  constructor(base: string | URL = location.href, token: string | null = new URLSearchParams(location.search).get("token")) {
    this.base = new URL("/", new URL(base, location.href));
    this.token = token;
  }

  private readonly token: string | null;

  /** The full address of a path of the server, or of another address as it is. */
  url(path: string): string {
    const made = new URL(path, this.base);
    if (this.token && made.origin === this.base.origin) made.searchParams.set("token", this.token);
    return made.href;
  }

  /** Says that a hello comes, however busy this page is: it may name a session. */
  get socket(): string {
    return this.url("/ws?hello=1").replace(/^http/, "ws");
  }

  /** Asks; throws `Absent` where the server has no such thing, else an error with the server's words. */
  async ask(path: string, options: RequestInit = {}): Promise<Response> {
    const answer = await fetch(this.url(path), { credentials: "same-origin", ...options });
    if (answer.ok) return answer;
    const words = await reason(answer);
    if ([404, 405, 501].includes(answer.status)) throw new Absent(words);
    throw new Error(words);
  }

  async read<T>(path: string): Promise<T> {
    return (await (await this.ask(path)).json()) as T;
  }

  async send<T>(method: string, path: string, body?: unknown): Promise<T | null> {
    const options: RequestInit = { method };
    if (body !== undefined) {
      options.body = JSON.stringify(body);
      options.headers = { "Content-Type": "application/json" };
    }
    const text = await (await this.ask(path, options)).text();
    return text ? (JSON.parse(text) as T) : null;
  }
}

/** What is wrong, for a person to read. */
export function saying(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
