/** The settings as a form needs them: fields made of the server's JSON schema. No page. */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Schema {
  type?: string | string[];
  enum?: Json[];
  const?: Json;
  anyOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  description?: string;
  default?: Json;
  writeOnly?: boolean;
  format?: string;
}

export type Value = Json;

export interface Field {
  /** "section.name". */
  key: string;
  section: string;
  name: string;
  kind: "switch" | "choice" | "number" | "whole" | "text" | "long" | "list" | "pairs" | "json";
  choices: string[];
  low: number | null;
  high: number | null;
  /** Whether it may be unset. */
  empty: boolean;
  help: string;
}

export interface SettingsAnswer {
  settings: Record<string, Record<string, Value>>;
  schema: Schema;
  presets?: { name: string; about: string }[];
  file?: string;
  origins?: Record<string, string>;
  editable?: boolean;
}

/** Names of what is never shown or asked. */
const SECRET = /(^|_)(api_?key|secret|password|token)$/;
const LONG = new Set(["persona"]);

function resolve(schema: Schema, root: Schema): Schema {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop() ?? "";
    return { ...resolve(root.$defs?.[name] ?? {}, root), ...without(schema, "$ref") };
  }
  const only = schema.allOf?.length === 1 ? schema.allOf[0] : undefined;
  return only ? { ...resolve(only, root), ...without(schema, "allOf") } : schema;
}

function without(schema: Schema, key: keyof Schema): Schema {
  const rest = { ...schema };
  delete rest[key];
  return rest;
}

/** What a docstring says about its arguments: "name: words" lines, which may go on indented below. */
export function argumentHelps(description: string): Record<string, string> {
  const helps: Record<string, string> = {};
  let name = "";
  let within = false;
  for (const line of description.split("\n")) {
    if (/^\s*Args:\s*$/.test(line)) within = true;
    else if (within) {
      const begins = /^ {4}(\w+): (.*)$/.exec(line);
      const goesOn = /^ {5,}(\S.*)$/.exec(line);
      if (begins) helps[(name = begins[1] as string)] = begins[2] as string;
      else if (goesOn && name) helps[name] += ` ${goesOn[1]}`;
      else if (line.trim() && !line.startsWith(" ")) within = false;
    }
  }
  return helps;
}

function field(section: string, name: string, raw: Schema, root: Schema, help: string): Field {
  let schema = resolve(raw, root);
  let empty = false;
  if (schema.anyOf) {
    const kinds = schema.anyOf.map((kind) => resolve(kind, root));
    empty = kinds.some(({ type }) => type === "null");
    const real = kinds.filter(({ type }) => type !== "null");
    schema = { ...without(schema, "anyOf"), ...(real.length === 1 ? real[0] : {}) };
  }
  const low = schema.minimum ?? schema.exclusiveMinimum ?? null;
  const high = schema.maximum ?? schema.exclusiveMaximum ?? null;
  const made: Field = { key: `${section}.${name}`, section, name, kind: "json", choices: [], low, high, empty, help: schema.description ?? help };
  const { type, additionalProperties: rest } = schema;
  if (schema.enum) [made.kind, made.choices] = ["choice", schema.enum.map(String)];
  else if (type === "boolean") made.kind = "switch";
  else if (type === "number") made.kind = "number";
  else if (type === "integer") made.kind = "whole";
  else if (type === "string") made.kind = LONG.has(name) ? "long" : "text";
  else if (type === "array") made.kind = "list";
  else if (type === "object" && typeof rest === "object" && rest.type === "string") made.kind = "pairs";
  return made;
}

/** The fields of every section, in the order of the schema. */
export function fieldsOf(root: Schema): Map<string, Field[]> {
  const sections = new Map<string, Field[]>();
  for (const [section, raw] of Object.entries(root.properties ?? {})) {
    const schema = resolve(raw, root);
    if (!schema.properties) continue;
    const helps = argumentHelps(schema.description ?? "");
    const made = Object.entries(schema.properties)
      .filter(([name, inner]) => !SECRET.test(name) && !inner.writeOnly && inner.format !== "password")
      .map(([name, inner]) => field(section, name, inner, root, helps[name] ?? ""));
    sections.set(section, made);
  }
  return sections;
}

/** The key of the setting that an error is about: the longest known one that it names. */
export function keyOf(message: string, keys: Iterable<string>): string | null {
  const found = [...keys].filter((key) => {
    const [section = "", name = ""] = key.split(".");
    return new RegExp(`(^|[^\\w.])(\\[?${section}\\]?[. ])'?${name}(?![\\w])`).test(message);
  });
  return found.sort((a, b) => b.length - a.length)[0] ?? null;
}
