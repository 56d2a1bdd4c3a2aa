/** An avatar, VRM or plain glTF, whose face follows the 61 channels of the canonical rig. */

import { type VRM, VRMLoaderPlugin, VRMUtils } from "@pixiv/three-vrm";
import { Box3, type Material, Mesh, type Object3D, type SkinnedMesh, Vector3 } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { breathe, stand, turnHead } from "./body.ts";
import { type Coverage, type Plan, plan, spelled, weigh } from "./mapping.ts";
import { PlainPoser, type Poser, VrmPoser } from "./poser.ts";
import { tune } from "./shading.ts";

interface Slot {
  weights: number[];
  index: number;
  drive: number;
}

/** How far a jaw bone turns for a wide open mouth, rad. */
const JAW = 0.32;
/** The heights that an avatar in metres may have; others are taken for other units. */
const HEIGHT = { least: 0.18, most: 3.2, head: 0.32, body: 1.7 };

export class Avatar {
  readonly object: Object3D;
  readonly coverage: Coverage;
  /** "VRM 1.0", "VRM 0.x" or "glTF". */
  readonly format: string;
  /** How much of the head's motion is shown. */
  motion = 1;
  private readonly plan: Plan;
  private readonly slots: Slot[] = [];
  private readonly weights: Float32Array;
  private readonly at: Map<string, number>;
  private readonly eyesByShape: boolean;
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
    this.plan = plan(names.slice(0, 52), {
      morphs: [...new Set(morphMeshes(scene).flatMap((mesh) => Object.keys(mesh.morphTargetDictionary ?? {})))],
      expressions: vrm?.expressionManager?.expressions.map(({ expressionName }) => expressionName) ?? [],
      jaw: poser.has("jaw"),
    });
    this.coverage = this.plan.coverage;
    this.weights = new Float32Array(this.plan.drives.length);
    this.bind(scene);
    const looks = ["eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeLookDownLeft"];
    this.eyesByShape = looks.every((name) => this.coverage.found.includes(name));
    if (vrm?.lookAt) vrm.lookAt.autoUpdate = false;
    if (vrm) stand(poser);
  }

  /** Loads a file of any origin; throws with a sentence if it cannot be an avatar. */
  static async load(url: string, names: readonly string[], anisotropy: number): Promise<Avatar> {
    const loader = new GLTFLoader();
    loader.register((parser) => new VRMLoaderPlugin(parser));
    const gltf = await loader.loadAsync(url);
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

  /** Looks up where the morph targets of the plan lie in the meshes. */
  private bind(scene: Object3D): void {
    const wanted = new Map<string, number>();
    for (const [index, { kind, name }] of this.plan.drives.entries()) {
      if (kind === "morph") wanted.set(spelled(name), index);
    }
    for (const mesh of morphMeshes(scene)) {
      for (const [name, index] of Object.entries(mesh.morphTargetDictionary ?? {})) {
        const drive = wanted.get(spelled(name));
        if (drive !== undefined) this.slots.push({ weights: mesh.morphTargetInfluences ?? [], index, drive });
      }
    }
  }

  private channel(values: Float32Array, name: string): number {
    return values[this.at.get(name) ?? -1] ?? 0;
  }

  /** Shows the channels, and lets `seconds` pass for breath, hair and cloth. */
  show(values: Float32Array, seconds: number): void {
    this.time += seconds;
    const read = (name: string) => this.channel(values, name);
    turnHead(this.poser, read, this.motion, this.eyesByShape);
    breathe(this.poser, this.time);
    if (this.plan.jaw) {
      const open = Math.max(read("jawOpen") - read("mouthClose"), 0);
      this.poser.turn("jaw", JAW * open * this.poser.facing, 0, 0);
    }
    weigh(this.plan.drives, values, this.weights);
    const manager = this.vrm?.expressionManager;
    for (const [index, { kind, name }] of this.plan.drives.entries()) {
      if (kind === "expression") manager?.setValue(name, this.weights[index] ?? 0);
    }
    this.vrm?.update(Math.min(seconds, 0.1));
    // After the expressions, which clear what they are bound to.
    for (const { weights, index, drive } of this.slots) weights[index] = this.weights[drive] ?? 0;
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

function morphMeshes(scene: Object3D): SkinnedMesh[] {
  const meshes: SkinnedMesh[] = [];
  scene.traverse((object) => {
    const mesh = object as SkinnedMesh;
    if (mesh.morphTargetDictionary && mesh.morphTargetInfluences) meshes.push(mesh);
  });
  return meshes;
}

/** Brings a model of unknown units to metres: a body of 1.7 m, or a head alone. */
function fit(scene: Object3D): void {
  scene.updateMatrixWorld(true);
  const size = new Box3().setFromObject(scene).getSize(new Vector3());
  if (size.y >= HEIGHT.least && size.y <= HEIGHT.most) return;
  const body = size.y > 1.6 * Math.max(size.x, size.z) || size.y > 4 * size.z;
  scene.scale.multiplyScalar((body ? HEIGHT.body : HEIGHT.head) / Math.max(size.y, 1e-6));
}
