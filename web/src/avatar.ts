/** An avatar, VRM or plain glTF, whose face follows the 61 channels of the canonical rig. */

import { type VRM, VRMLoaderPlugin, VRMUtils } from "@pixiv/three-vrm";
import { Box3, type Material, Mesh, type Object3D, Vector3 } from "three";
import { type GLTF, GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { breathe, Limbs, stand, turnHead } from "./body.ts";
import type { Turns } from "./curves.ts";
import { expressions, type Feature, type Jaw, measureJaw, morphTargets, moves } from "./features.ts";
import { type Coverage, Mapping } from "./mapping.ts";
import { PlainPoser, type Poser, VrmPoser } from "./poser.ts";
import { tune } from "./shading.ts";

/** The heights that an avatar in metres may have; others are taken for other units. */
const HEIGHT = { least: 0.18, most: 3.2, head: 0.32, body: 1.7 };

export class Avatar {
  readonly object: Object3D;
  readonly coverage: Coverage;
  /** "VRM 1.0", "VRM 0.x" or "glTF". */
  readonly format: string;
  /** How much of the head's motion is shown. */
  motion = 1;
  private readonly mapping: Mapping;
  private readonly targets: ReadonlyMap<string, readonly Feature[]>;
  /** Weight of every morph target now, by name. */
  readonly weights: Map<string, number>;
  private readonly jaw: Jaw | null;
  private readonly at: Map<string, number>;
  private readonly limbs: Limbs;
  private time = 0;

  private constructor(
    private readonly vrm: VRM | null,
    scene: Object3D,
    private readonly poser: Poser,
    names: readonly string[],
  ) {
    this.object = scene;
    this.format = vrm ? (poser.facing < 0 ? "VRM 0.x" : "VRM 1.0") : "glTF";
    this.at = new Map(names.map((name, index) => [name, index]));
    scene.updateMatrixWorld(true);
    this.targets = morphTargets(scene);
    this.weights = new Map([...this.targets.keys()].map((name) => [name, 0]));
    const jaw = poser.node("jaw");
    const eyes = ["leftEye", "rightEye"];
    const places = eyes.map((name) => poser.place(name)).filter((place) => place !== null);
    this.jaw = jaw && measureJaw(scene, jaw, poser.node("head"), places);
    this.mapping = new Mapping(names.slice(0, 52), {
      morphs: [...this.targets.keys()],
      expressions: expressions(vrm, this.targets),
      jaw: this.jaw !== null,
      eyes: eyes.every((name) => moves(scene, poser.node(name))),
    });
    this.coverage = this.mapping.coverage;
    if (vrm?.lookAt) vrm.lookAt.autoUpdate = false;
    if (vrm) stand(poser);
    this.limbs = new Limbs(poser);
  }

  /** Loads a file of any origin; throws with a sentence if it cannot be an avatar. */
  static async load(url: string, names: readonly string[], anisotropy: number): Promise<Avatar> {
    const gltf = await read(url);
    const vrm = (gltf.userData["vrm"] as VRM | undefined) ?? null;
    const scene = vrm?.scene ?? gltf.scene;
    if (vrm) {
      VRMUtils.removeUnnecessaryVertices(scene);
      VRMUtils.combineSkeletons(scene);
      VRMUtils.rotateVRM0(vrm);
    } else {
      fit(scene);
    }
    let meshes = 0;
    scene.traverse((object) => {
      if (!(object instanceof Mesh)) return;
      meshes += 1;
      object.frustumCulled = false;
      object.castShadow = true;
      object.receiveShadow = true;
      const materials = (Array.isArray(object.material) ? object.material : [object.material]) as Material[];
      for (const material of materials) tune(material, anisotropy);
    });
    if (!meshes) throw new Error("the file holds no mesh");
    return new Avatar(vrm, scene, vrm ? new VrmPoser(vrm) : new PlainPoser(scene), names);
  }

  private channel(values: Float32Array, name: string): number {
    return values[this.at.get(name) ?? -1] ?? 0;
  }

  /** Shows the channels and the bones that are given, and lets `seconds` pass for breath, hair and cloth. */
  show(values: Float32Array, seconds: number, bones: Turns | null = null): void {
    this.time += seconds;
    const read = (name: string) => this.channel(values, name);
    turnHead(this.poser, read, this.motion, this.mapping.eyes !== "bones");
    breathe(this.poser, this.time);
    this.limbs.show(bones, seconds, this.time);
    if (this.jaw && this.mapping.jaw) {
      const { open, right } = this.mapping.jawTurn(values);
      this.poser.turn("jaw", this.jaw.open * open * this.poser.facing, -this.jaw.side * right, 0);
    }
    this.vrm?.update(Math.min(seconds, 0.1));
    // After the expressions of the VRM, which clear what they are bound to.
    this.mapping.weigh(values, this.weights);
    for (const [name, features] of this.targets) {
      const weight = this.weights.get(name) ?? 0;
      for (const { weights, index } of features) weights[index] = weight;
    }
  }

  /** How the bones that are given stand. */
  get bones(): Record<string, number[]> {
    return this.limbs.stand;
  }

  /** Where the eyes are, how tall the head is and where the feet are, in metres of the scene. */
  measure(): { eyes: Vector3; head: number; floor: number } {
    this.object.updateMatrixWorld(true);
    const box = new Box3().setFromObject(this.object);
    const floor = Math.max(box.min.y, -0.2);
    const at = (name: string) => this.poser.place(name);
    const [left, right, head] = [at("leftEye"), at("rightEye"), at("head")];
    if (left && right && left.distanceTo(right) > 0.01) {
      // The head of an adult is about 3.9 times as tall as the eyes are apart.
      const tall = Math.min(Math.max(3.9 * left.distanceTo(right), 0.2), 0.34);
      return { eyes: left.add(right).multiplyScalar(0.5), head: tall, floor };
    }
    if (head) return { eyes: head.add(new Vector3(0, 0.08, 0.08)), head: 0.25, floor };
    const eyes = box.getCenter(new Vector3());
    return { eyes, head: (box.max.y - box.min.y) * 0.75, floor: box.min.y };
  }

  dispose(): void {
    VRMUtils.deepDispose(this.object);
  }
}

/** Reads a file; a VRM whose skeleton is not whole counts as a plain model. */
async function read(url: string): Promise<GLTF> {
  const loader = new GLTFLoader();
  loader.register((parser) => new VRMLoaderPlugin(parser));
  try {
    return await loader.loadAsync(url);
  } catch (error) {
    if (!/bones are required/.test(String(error))) throw error;
    return new GLTFLoader().loadAsync(url);
  }
}

/** Brings a model of unknown units to metres: a body of 1.7 m, or a head alone. */
function fit(scene: Object3D): void {
  scene.updateMatrixWorld(true);
  const size = new Box3().setFromObject(scene).getSize(new Vector3());
  if (size.y >= HEIGHT.least && size.y <= HEIGHT.most) return;
  const body = size.y > 1.6 * Math.max(size.x, size.z) || size.y > 4 * size.z;
  scene.scale.multiplyScalar((body ? HEIGHT.body : HEIGHT.head) / Math.max(size.y, 1e-6));
}
