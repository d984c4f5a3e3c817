import { z } from "zod";
import { pipelineSchema } from "../pipeline.ts";
import type { FieldPath } from "./yaml-document.ts";

/** The part of JSON Schema (draft 2020-12) that zod writes for the pipeline file. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly description?: string;
  readonly const?: string | number | boolean;
  readonly [key: string]: unknown;
}

let cached: JsonSchema | undefined;

/** JSON Schema of the pipeline file as a person writes it, for editors and the docs page. */
export function jsonSchema(): JsonSchema {
  cached ??= {
    ...(z.toJSONSchema(pipelineSchema, { io: "input", unrepresentable: "any" }) as JsonSchema),
    $id: "aura-pipeline",
    title: "AURA pipeline file",
  };
  return cached;
}

/** Keys that the object at `path` may have; empty when any key is allowed or the path is unknown. */
export function keysAt(path: FieldPath, root: unknown): string[] {
  let schemas: JsonSchema[] = [jsonSchema()];
  let value: unknown = root;
  for (const step of path) {
    schemas = matching(schemas, value).flatMap((s) => below(s, step));
    value = isIndexable(value) ? value[step] : undefined;
  }
  return [...new Set(matching(schemas, value).flatMap((s) => Object.keys(s.properties ?? {})))];
}

function isIndexable(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

/** Branches of unions that the value may mean: those whose constants do not contradict it. */
function matching(schemas: readonly JsonSchema[], value: unknown): JsonSchema[] {
  const flat = schemas.flatMap((s) => flatten(s));
  return flat.filter((s) =>
    Object.entries(s.properties ?? {}).every(
      ([key, p]) =>
        p.const === undefined || !isIndexable(value) || value[key] === undefined || value[key] === p.const,
    ),
  );
}

function flatten(schema: JsonSchema): JsonSchema[] {
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return branches.length === 0 ? [schema] : [schema, ...branches.flatMap((b) => flatten(b))];
}

function below(schema: JsonSchema, step: string | number): JsonSchema[] {
  if (typeof step === "number") {
    const items = schema.prefixItems?.[step] ?? schema.items;
    return typeof items === "object" ? [items] : [];
  }
  const property = schema.properties?.[step];
  if (property !== undefined) return [property];
  return typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
}
