import type { JsonSchema } from "../../schemas/pipeline/parse.ts";
import { markdownTable } from "./markdown-table.ts";

/** One key of the pipeline file: where it stands, what it takes, what it means. */
export interface PipelineKey {
  /** `sources.<name>.columns[].unit`; the alternatives of a union carry their kind: `label(events).source`. */
  readonly path: string;
  readonly type: string;
  /** `required`, the default as YAML, or empty: optional without one. */
  readonly default: string;
  readonly meaning: string;
}

/** Every key of the pipeline file, in the order of its schema; equal keys of one path stand once. */
export function pipelineKeys(schema: JsonSchema): PipelineKey[] {
  const keys = new Map<string, PipelineKey>();
  collect(schema, "", keys);
  return [...keys.values()];
}

/** docs/pipeline-keys.md: the reference beside the guide of docs/pipeline-file.md. */
export function pipelineKeysPage(schema: JsonSchema): string {
  const rows = pipelineKeys(schema).map((k) => [`\`${k.path}\``, k.type, k.default, k.meaning]);
  return `# Every key of the pipeline file

The guide is [pipeline-file.md](pipeline-file.md). Here is each key with its type and default: \`<name>\` is a name of
your choice, \`[]\` an item of a list, and a word in brackets the alternative that has the key: \`label(events).source\` is
\`label: { kind: events, source: … }\`.

This page is made from the schema in \`schemas/pipeline/\` by \`npm run docs\`, and so is the JSON Schema for editors,
[pipeline.schema.json](pipeline.schema.json); a test compares them.

${markdownTable(["key", "type", "default", "meaning"], rows)}
`;
}

function collect(schema: JsonSchema, path: string, keys: Map<string, PipelineKey>): void {
  // The one key of an object names an alternative, as an operator does: it is chosen, not required.
  const isChoice = Object.keys(schema.properties ?? {}).length === 1 && path.endsWith("[]");
  const required = isChoice ? [] : (schema["required"] as readonly string[] | undefined);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.const !== undefined) continue;
    const at = path === "" ? name : `${path}.${name}`;
    if (!keys.has(at)) keys.set(at, keyOf(at, property, required?.includes(name) === true));
    collect(property, at, keys);
  }
  for (const branch of branchesOf(schema)) collect(branch, path + kindOf(branch), keys);
  if (typeof schema.items === "object") collect(schema.items, `${path}[]`, keys);
  if (typeof schema.additionalProperties === "object")
    collect(schema.additionalProperties, `${path}.<name>`, keys);
}

/** The alternatives of a union; those that only say which keys go together are none. */
const branchesOf = (schema: JsonSchema): readonly JsonSchema[] =>
  schema.type === undefined ? (schema.anyOf ?? schema.oneOf ?? []) : [];

/** `(events)` for the branch of a union that a constant tells apart. */
function kindOf(branch: JsonSchema): string {
  const tag = Object.values(branch.properties ?? {}).find((p) => p.const !== undefined);
  return tag === undefined ? "" : `(${tag.const})`;
}

function keyOf(path: string, schema: JsonSchema, isRequired: boolean): PipelineKey {
  const given = schema["default"];
  // The default of an object is that of its keys, which have rows of their own.
  const isPlain = typeof given !== "object" || Array.isArray(given);
  const shown = given === undefined || !isPlain ? "" : `\`${JSON.stringify(given)}\``;
  const { description } = schema;
  return { path, type: typeOf(schema), default: isRequired ? "required" : shown, meaning: description ?? "" };
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  const values = schema["enum"] as readonly unknown[] | undefined;
  if (values !== undefined) return values.map((v) => `\`${JSON.stringify(v).slice(1, -1)}\``).join(" ");
  const branches = branchesOf(schema);
  const tags = branches.map(kindOf).filter((tag) => tag !== "");
  if (tags.length > 0) return `one of ${tags.map((tag) => `\`${tag.slice(1, -1)}\``).join(" ")}`;
  if (branches.length > 0) return [...new Set(branches.map(typeOf))].join(" or ");
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(typeOf).join(", ")}]`;
  if (schema.type === "array")
    return typeof schema.items === "object" ? `list of ${typeOf(schema.items)}` : "list";
  return `${[schema.type ?? "any"].flat().join(" or ")}${limitsOf(schema)}`;
}

function limitsOf(schema: JsonSchema): string {
  const limit = (sign: string, key: string): string[] =>
    typeof schema[key] === "number" && Math.abs(schema[key]) < Number.MAX_SAFE_INTEGER
      ? [`${sign} ${schema[key]}`]
      : [];
  const limits = [
    ...limit("≥", "minimum"),
    ...limit(">", "exclusiveMinimum"),
    ...limit("≤", "maximum"),
    ...limit("<", "exclusiveMaximum"),
  ];
  return limits.length === 0 ? "" : ` ${limits.join(", ")}`;
}
