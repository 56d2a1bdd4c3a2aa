/** The picture: scene, drawing, and what is given up where drawing is slow. */

import { NeutralToneMapping, PCFShadowMap, Scene, SRGBColorSpace, WebGLRenderer } from "three";
import type { Avatar } from "./avatar.ts";
import { CameraMan, type Covered } from "./camera.ts";
import { Lights } from "./lights.ts";

/** What is given up, step by step, on machines that cannot draw fast enough. */
const TIERS = [
  { scale: 1, shadows: true },
  { scale: 0.75, shadows: true },
  { scale: 0.66, shadows: false },
  { scale: 0.5, shadows: false },
] as const;
const SLOW_MS = 42;
const JUDGED_OVER_MS = 900;

export class Stage {
  readonly renderer: WebGLRenderer;
  readonly man = new CameraMan();
  readonly lights: Lights;
  /** True where no graphics hardware draws: no environment, no smoothing, fewer lights. */
  readonly lean: boolean;
  private readonly scene = new Scene();
  private avatar: Avatar | null = null;
  private tier = 0;
  private judged = { frames: 0, ms: 0 };
  private readonly observer: ResizeObserver;

  /** Throws where the browser has no WebGL 2. */
  constructor(private readonly canvas: HTMLCanvasElement) {
    this.lean = drawsInSoftware();
    this.renderer = new WebGLRenderer({
      canvas,
      alpha: true,
      antialias: !this.lean,
      powerPreference: "high-performance",
    });
    this.renderer.outputColorSpace = SRGBColorSpace;
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.toneMappingExposure = this.lean ? 1.05 : 0.95;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.renderer.setClearColor(0, 0);
    if (this.lean) this.tier = 2;
    this.lights = new Lights(this.scene, this.renderer, this.lean);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
  }

  /** Puts an avatar on the stage in place of the one before. */
  set(avatar: Avatar): void {
    if (this.avatar) {
      this.scene.remove(this.avatar.object);
      this.avatar.dispose();
    }
    this.avatar = avatar;
    this.scene.add(avatar.object);
    avatar.show(new Float32Array(61), 0);
    const figure = avatar.measure();
    this.man.meet(figure);
    this.lights.meet(figure.eyes, figure.head);
    this.resize();
  }

  /** How sharply textures may be read at a slant. */
  get anisotropy(): number {
    return this.lean ? 1 : Math.min(8, this.renderer.capabilities.getMaxAnisotropy());
  }

  /** What the controls cover of the picture. */
  cover(covered: Covered): void {
    this.man.cover(covered);
  }

  private resize(): void {
    const width = this.canvas.clientWidth || 1;
    const height = this.canvas.clientHeight || 1;
    const { scale, shadows } = TIERS[this.tier] ?? TIERS[0];
    this.lights.key.castShadow = shadows;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2) * scale);
    this.renderer.setSize(width, height, false);
    this.man.resize(width, height);
    // A canvas that changed its size is empty until it is drawn.
    if (this.avatar) this.draw(0);
  }

  /** Draws; `seconds` is how long the picture before it was shown. */
  draw(seconds: number): void {
    if (!this.avatar) return;
    this.man.step(seconds);
    this.renderer.render(this.scene, this.man.camera);
    this.judge(seconds * 1000);
  }

  /** Steps down a tier when pictures take too long for a while. */
  private judge(ms: number): void {
    if (document.hidden || ms > 3000) return;
    this.judged = { frames: this.judged.frames + 1, ms: this.judged.ms + ms };
    if (this.judged.ms < JUDGED_OVER_MS || this.judged.frames < 3) return;
    const mean = this.judged.ms / this.judged.frames;
    this.judged = { frames: 0, ms: 0 };
    if (mean < SLOW_MS || this.tier >= TIERS.length - 1) return;
    this.tier = Math.min(this.tier + (mean > 2 * SLOW_MS ? 2 : 1), TIERS.length - 1);
    this.resize();
  }

  dispose(): void {
    this.observer.disconnect();
    this.avatar?.dispose();
    this.renderer.dispose();
  }
}

/** True where the browser draws on the processor. */
export function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return true;
  const facts = gl.getExtension("WEBGL_debug_renderer_info");
  const name = facts ? String(gl.getParameter(facts.UNMASKED_RENDERER_WEBGL)) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}
