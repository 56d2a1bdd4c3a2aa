/** What the panels may use of the page. */

import type { Words } from "./dom.ts";
import type { Performer } from "./performer.ts";
import type { Request } from "./protocol.ts";
import type { Server } from "./server.ts";
import type { Theatre } from "./theatre.ts";

export interface Context {
  readonly server: Server;
  readonly theatre: Theatre;
  readonly performer: Performer;
  /** True if the server speaks protocol 2. */
  readonly modern: boolean;
  tell(message: string, kind?: "info" | "error", action?: { text: Words; act: () => void }, gone?: () => void): void;
  /** Asks for something to be played; `sample` is the name of a recording. */
  play(request: Request, sample?: string): void;
  stop(): void;
  /** Closes the microphone that one talks into. */
  hush(): void;
  /** Opens the panel of this name. */
  open(panel: string): void;
  /** Name of the avatar on the stage, as the server knows it. */
  readonly avatarName: string;
}
