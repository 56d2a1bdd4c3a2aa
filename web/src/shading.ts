/** Makes materials of known kinds look less like plastic than plain physically based shading does. */

import {
  type Material,
  MeshStandardMaterial,
  ShaderChunk,
  type Texture,
  type WebGLProgramParametersWithUniforms,
} from "three";

/** How far light wraps round the form, by colour channel: red travels farthest through skin. */
const WRAP: Record<string, string> = {
  skin: "vec3(0.38, 0.22, 0.17)",
  mouth: "vec3(0.3, 0.2, 0.2)",
  cloth: "vec3(0.12)",
  hair: "vec3(0.2, 0.18, 0.16)",
};

const LAMBERT = "reflectedLight.directDiffuse += irradiance * diffuseBRDF * ( 1.0 - F );";

function wrapped(wrap: string): string {
  const chunk = ShaderChunk.lights_physical_pars_fragment;
  if (!chunk.includes(LAMBERT)) return chunk;
  return chunk.replace(
    LAMBERT,
    `vec3 wrap = ${wrap};
    float cosine = dot( geometryNormal, directLight.direction );
    vec3 soft = max( vec3( cosine ) + wrap, 0.0 ) / ( ( 1.0 + wrap ) * ( 1.0 + wrap ) );
    reflectedLight.directDiffuse += soft * directLight.color * diffuseBRDF;`,
  );
}

function kindOf(material: Material): string {
  const own = material.userData["rhapsode"] as { shading?: string } | undefined;
  return own?.shading ?? "default";
}

/** Tunes one material of an avatar by the kind that its extras name. */
export function tune(material: Material, anisotropy: number): void {
  if (!(material instanceof MeshStandardMaterial)) return;
  const kind = kindOf(material);
  for (const texture of [material.map, material.normalMap, material.roughnessMap] as (Texture | null)[]) {
    if (texture) texture.anisotropy = anisotropy;
  }
  if (kind === "eye") {
    material.roughness = Math.min(material.roughness, 0.12);
    material.envMapIntensity = 0.9;
  } else if (kind === "skin") {
    material.envMapIntensity = 0.75;
  } else if (kind === "mouth") {
    material.envMapIntensity = 0.25;
  }
  const wrap = WRAP[kind];
  if (!wrap) return;
  material.onBeforeCompile = (shader: WebGLProgramParametersWithUniforms) => {
    shader.fragmentShader = shader.fragmentShader.replace(
      "#include <lights_physical_pars_fragment>",
      wrapped(wrap),
    );
  };
  material.customProgramCacheKey = () => `rhapsode-${kind}`;
}
