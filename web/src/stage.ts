/** The picture: camera, lights and the loop that draws. */

import {
  BackSide,
  Color,
  DirectionalLight,
  HemisphereLight,
  Mesh,
  MeshBasicMaterial,
  NeutralToneMapping,
  PCFShadowMap,
  PerspectiveCamera,
  PMREMGenerator,
  PlaneGeometry,
  Scene,
  SphereGeometry,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from "three";
import type { Avatar } from "./avatar.ts";

const FOV = 22;

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
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(FOV, 1, 0.1, 20);
  private readonly key = new DirectionalLight(0xfff0e0, 2.5);
  private avatar: Avatar | null = null;
  private eyes = new Vector3(0, 1.5, 0);
  private head = 0.24;
  private below = 0;
  /** True where no graphics hardware draws: no environment, no smoothing, fewer lights. */
  readonly lean: boolean;
  private tier = 0;
  private judged = { frames: 0, ms: 0 };

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
    this.light();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /** Warm key from the left above, cool fill from the right, two rims from behind, soft boxes all round. */
  private light(): void {
    if (!this.lean) {
      const generator = new PMREMGenerator(this.renderer);
      this.scene.environment = generator.fromScene(softBoxes(), 0.05).texture;
      this.scene.environmentIntensity = 0.55;
      generator.dispose();
    }
    this.key.castShadow = true;
    this.key.shadow.mapSize.set(1024, 1024);
    this.key.shadow.radius = 5;
    this.key.shadow.bias = -0.0006;
    this.key.shadow.normalBias = 0.012;
    const fill = new DirectionalLight(0xcfe0ff, 0.55);
    const rimLeft = new DirectionalLight(0xdfe8ff, 1.0);
    const rimRight = new DirectionalLight(0xffe3c8, 0.9);
    const sky = new HemisphereLight(0xf4f6ff, 0xb59a86, this.lean ? 1.9 : 0.35);
    this.aim(this.key, -0.55, 0.75, 1.0);
    this.aim(fill, 1.0, 0.1, 0.8);
    this.aim(rimLeft, -0.8, 0.7, -1.2);
    this.aim(rimRight, 0.8, 0.6, -1.2);
    if (this.lean) this.scene.remove(fill, rimRight);
    this.scene.add(sky);
  }

  private aim(light: DirectionalLight, x: number, y: number, z: number): void {
    light.userData["from"] = new Vector3(x, y, z).normalize().multiplyScalar(2);
    this.scene.add(light, light.target);
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
    const { eyes, head } = avatar.measure();
    this.eyes = eyes;
    this.head = head;
    this.scene.traverse((object) => {
      if (!(object instanceof DirectionalLight)) return;
      object.target.position.copy(eyes);
      object.position.copy(eyes).add(object.userData["from"] as Vector3);
    });
    const reach = head * 1.6;
    Object.assign(this.key.shadow.camera, { left: -reach, right: reach, top: reach, bottom: -reach, near: 0.5, far: 4 });
    this.key.shadow.camera.updateProjectionMatrix();
    this.resize();
  }

  /** How sharply textures may be read at a slant. */
  get anisotropy(): number {
    return this.lean ? 1 : Math.min(8, this.renderer.capabilities.getMaxAnisotropy());
  }

  /** Pixels at the bottom that the controls cover. */
  set covered(pixels: number) {
    if (this.below === pixels) return;
    this.below = pixels;
    this.resize();
  }

  private resize(): void {
    const width = this.canvas.clientWidth || 1;
    const height = this.canvas.clientHeight || 1;
    const { scale, shadows } = TIERS[this.tier] ?? TIERS[0];
    this.key.castShadow = shadows;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2) * scale);
    this.renderer.setSize(width, height, false);
    this.frame(width, height);
  }

  /** Frames head and shoulders in what the controls leave free. */
  private frame(width: number, height: number): void {
    const free = Math.max(height - this.below, height * 0.4);
    const tall = this.head * 1.95; // metres over the free height
    const wide = this.head * 1.75; // metres that must fit the width
    const metres = Math.max((tall * height) / free, (wide * height) / width);
    const distance = metres / 2 / Math.tan((FOV * Math.PI) / 360);
    const eyesAt = (free * (width < height ? 0.38 : 0.45)) / height;
    const centre = this.eyes.y - (0.5 - eyesAt) * metres;
    this.camera.aspect = width / height;
    this.camera.position.set(this.eyes.x, centre + 0.015, this.eyes.z + distance);
    this.camera.lookAt(this.eyes.x, centre, this.eyes.z);
    this.camera.updateProjectionMatrix();
  }

  /** Draws; `seconds` is how long the picture before it was shown. */
  draw(seconds: number): void {
    if (!this.avatar) return;
    this.renderer.render(this.scene, this.camera);
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
}

/** True where the browser draws on the processor. */
function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return true;
  const facts = gl.getExtension("WEBGL_debug_renderer_info");
  const name = facts ? String(gl.getParameter(facts.UNMASKED_RENDERER_WEBGL)) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** A dim room with lit panels, seen only in reflections and as light from all sides. */
function softBoxes(): Scene {
  const scene = new Scene();
  const room = new MeshBasicMaterial({ color: new Color(0.32, 0.32, 0.34), side: BackSide });
  scene.add(new Mesh(new SphereGeometry(8, 24, 16), room));
  const panel = (x: number, y: number, z: number, size: number, colour: Color) => {
    const mesh = new Mesh(new PlaneGeometry(size, size * 1.3), new MeshBasicMaterial({ color: colour }));
    mesh.position.set(x, y, z);
    mesh.lookAt(0, 0, 0);
    scene.add(mesh);
  };
  panel(-3.6, 3, 4, 2.6, new Color(9, 8.4, 7.6));
  panel(4.5, 1, 3, 2.4, new Color(2.2, 2.5, 3));
  panel(-4.5, 1.5, -4, 2.2, new Color(4, 4.4, 5));
  panel(4.5, 2, -4, 2.2, new Color(5, 4.4, 3.8));
  panel(0, 6, 0, 4, new Color(2.4, 2.4, 2.4));
  return scene;
}
