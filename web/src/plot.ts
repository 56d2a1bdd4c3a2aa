/** The last seconds of a few curves, drawn on a canvas. */

export const PLOTTED: readonly { name: string; colour: string }[] = [
  { name: "jawOpen", colour: "--curve-1" },
  { name: "mouthFunnel", colour: "--curve-2" },
  { name: "mouthSmileLeft", colour: "--curve-3" },
  { name: "eyeBlinkLeft", colour: "--curve-4" },
];
const SHOWN_MS = 6000;
const EVERY_MS = 40;

export class Plot {
  private readonly rows: { at: number; values: number[] }[] = [];
  private last = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  /** Takes the face at `now`; draws where the plot is in view. */
  add(now: number, names: readonly string[], face: Float32Array, visible: boolean): void {
    if (now - this.last < EVERY_MS) return;
    this.last = now;
    this.rows.push({ at: now, values: PLOTTED.map(({ name }) => face[names.indexOf(name)] ?? 0) });
    while ((this.rows[0]?.at ?? now) < now - SHOWN_MS - 500) this.rows.shift();
    if (visible) this.draw(now);
  }

  private draw(now: number): void {
    const { canvas } = this;
    const [width, height] = fitted(canvas);
    const pen = canvas.getContext("2d");
    if (!pen) return;
    const style = getComputedStyle(canvas);
    pen.clearRect(0, 0, width, height);
    pen.lineWidth = Math.max(1, width / 700);
    pen.strokeStyle = style.getPropertyValue("--edge");
    for (const level of [0, 0.5, 1]) {
      const y = top(level, height);
      pen.beginPath();
      pen.moveTo(0, y);
      pen.lineTo(width, y);
      pen.stroke();
    }
    pen.lineWidth = Math.max(1.5, width / 280);
    pen.lineJoin = "round";
    for (const [index, { colour }] of PLOTTED.entries()) {
      pen.strokeStyle = style.getPropertyValue(colour);
      pen.beginPath();
      for (const { at, values } of this.rows) pen.lineTo(width * (1 - (now - at) / SHOWN_MS), top(values[index] ?? 0, height));
      pen.stroke();
    }
  }
}

function top(value: number, height: number): number {
  return height * (0.94 - 0.88 * Math.min(Math.max(value, 0), 1));
}

/** Makes a canvas as fine as the screen; returns its size in its own pixels. */
export function fitted(canvas: HTMLCanvasElement): [width: number, height: number] {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(Math.round(canvas.clientWidth * scale), 1);
  const height = Math.max(Math.round(canvas.clientHeight * scale), 1);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return [width, height];
}
