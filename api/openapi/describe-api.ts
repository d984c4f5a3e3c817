import { z } from "zod";
import { problemSchema } from "../http/on-error.ts";
import type { AnyRoute, Route } from "../routes/route.ts";

type Json = Readonly<Record<string, unknown>>;

/** One operation as the document and the page use it. */
export interface Operation extends Json {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly description: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Json;
  }[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly description?: string;
    readonly content: Readonly<Record<string, { readonly schema: Json }>>;
  };
  readonly responses: Json;
}
export interface ApiDescription extends Json {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/**
 * The route table as an OpenAPI 3.1 document. Everything in it comes from the routes themselves, so that the
 * description cannot drift from what is served.
 */
export function describeApi(routes: readonly AnyRoute[], release: string): ApiDescription {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const anyRoute of routes) {
    const route = anyRoute as unknown as Route;
    (paths[route.path] ??= {})[route.method] = describeRoute(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "AURA",
      version: release,
      description: "Predictive maintenance: from raw sensor files to an approved, served and watched model.",
    },
    paths,
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
      schemas: { Problem: jsonSchema(problemSchema, "output") },
    },
  };
}

function describeRoute(route: Route): Operation {
  const parameters = [
    ...fieldsOf(route.params, "path"),
    ...fieldsOf(route.query, "query"),
    ...headersOf(route),
  ];
  const { public: isPublic, role, scope } = route.policy;
  const access =
    isPublic === true
      ? "Public."
      : `Needs the role ${role}${scope === "all-sites" ? ", for all sites" : ""}.`;
  return {
    summary: route.summary,
    tags: [route.tag],
    description: access,
    ...(isPublic === true ? { security: [] } : { security: [{ key: [] }, {}] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...describeBody(route),
    responses: {
      [String(route.status ?? 200)]: {
        description: "Success",
        ...(route.status === 204
          ? {}
          : { content: { "application/json": { schema: jsonSchema(route.reply, "output") } } }),
      },
      default: {
        description: "Refused or failed; `code` is stable.",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

function describeBody(route: Route): Pick<Operation, "requestBody"> {
  const { body } = route;
  if (body === undefined) return {};
  if (body.kind === "json") {
    return {
      requestBody: {
        required: true,
        content: { "application/json": { schema: jsonSchema(body.schema, "input") } },
      },
    };
  }
  const content = Object.fromEntries(body.types.map((type) => [type, { schema: {} }]));
  return { requestBody: { required: true, description: body.description, content } };
}

function headersOf(route: Route): NonNullable<Operation["parameters"]> {
  if (route.idempotent !== true) return [];
  const description = "A repeat with the same key and body gives the first reply.";
  const schema = { type: "string", maxLength: 255 };
  return [{ name: "Idempotency-Key", in: "header", required: false, description, schema }];
}

function fieldsOf(
  schema: z.ZodType | undefined,
  place: "path" | "query",
): NonNullable<Operation["parameters"]> {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, "input") as {
    properties?: Record<string, Json & { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...field }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: field,
  }));
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
