import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ROUTES } from "../../api/routes/table.ts";
import { readSettings } from "../../config/settings.ts";
import { SETTINGS_TABLE } from "../../config/settings-table.ts";
import { SEARCH_ATTRIBUTES, SEARCH_ATTRIBUTE_TYPE, RETENTION_DAYS } from "../../temporal-config/constants.ts";
import { isSafeVersion } from "../../temporal-config/server-version.ts";

/**
 * docker-compose.yml against the Compose Specification's schema and against the code it starts.
 *
 * No container engine is at hand where this is built, so the file is never run here; what can disagree
 * with the code without one (images, entries, variables, ports, health checks) is held by these tests.
 */

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly restart?: string;
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = read("docker-compose.yml");
const compose: Compose = parse(text, { merge: true });
const services = Object.entries(compose.services);
const ownServices = services.filter(([, service]) => service.build !== undefined);

const exampleVariables = new Map(
  read(".env.example")
    .split("\n")
    .map((line) => /^([A-Z0-9_]+)=(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => [match[1] ?? "", match[2] ?? ""]),
);

/** `${NAME}`, `${NAME:-default}` and `${NAME:?message}` as compose reads them; `$$` is a dollar sign. */
function interpolate(value: string, variables: ReadonlyMap<string, string>): string {
  return value
    .replaceAll(
      /(?<!\$)\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}/g,
      (_all, name: string, kind?: string, rest?: string) => {
        const given = variables.get(name) ?? "";
        if (given !== "") return given;
        if (kind === "?") throw new Error(`${name}: ${rest}`);
        return rest ?? "";
      },
    )
    .replaceAll("$$", "$");
}

/** What a person has after filling in the empty values. */
const filledIn = new Map(
  [...exampleVariables].map(([name, value]) => [name, value === "" ? "s3cr3t".repeat(8) : value]),
);

test("the file matches the Compose Specification", () => {
  const schema: object = JSON.parse(read("tests/support/compose-spec/compose-spec.json"));
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { duration: true } });
  const isValid = ajv.validate(schema, compose);
  expect(ajv.errors ?? []).toEqual([]);
  expect(isValid).toBe(true);
});

test("the schema check notices a wrong key", () => {
  const schema: object = JSON.parse(read("tests/support/compose-spec/compose-spec.json"));
  const ajv = new Ajv2020({ strict: false, formats: { duration: true } });
  const broken = { ...compose, services: { api: { ...compose.services["api"], helthcheck: {} } } };
  expect(ajv.validate(schema, broken)).toBe(false);
});

test("every variable is in .env.example, and every line there is used", () => {
  const used = new Set([...text.matchAll(/\$\{([A-Z0-9_]+)/g)].map((match) => match[1] ?? ""));
  expect([...used].sort()).toEqual([...exampleVariables.keys()].sort());
});

test.each(["POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_HOST", "POSTGRES_PORT"])(
  ".env.example has %s",
  (name) => expect(exampleVariables.has(name)).toBe(true),
);
test.each(["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_ENDPOINT", "S3_BUCKET"])(
  ".env.example has %s",
  (name) => expect(exampleVariables.has(name)).toBe(true),
);

test("no secret has a default: an empty one stops the start", () => {
  const secrets = [...exampleVariables].filter(([, value]) => value === "").map(([name]) => name);
  expect(secrets.sort()).toEqual([
    "AURA_BOOTSTRAP_ADMIN_KEY",
    "MINIO_ROOT_PASSWORD",
    "POSTGRES_PASSWORD",
    "TEMPORAL_DB_PASSWORD",
  ]);
  for (const name of secrets) {
    expect(text).toContain(`\${${name}:?`);
    expect(text).not.toContain(`\${${name}:-`);
    expect(text).not.toContain(`\${${name}}`);
  }
});

test.each(ownServices)("%s: the settings it is given are known, and read as meant", (_name, service) => {
  const given = Object.entries(service.environment ?? {});
  const known = new Set([...Object.keys(SETTINGS_TABLE), "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
  expect(given.map(([name]) => name).filter((name) => !known.has(name))).toEqual([]);

  const environment = Object.fromEntries(given.map(([name, value]) => [name, interpolate(value, filledIn)]));
  const settings = readSettings(environment, "/nowhere");
  expect(settings.stateDir).toBe("/var/lib/aura");
  expect(settings.temporal.address).toBe("temporal:7233");
  expect(settings.objects).toMatchObject({
    kind: "s3",
    bucket: exampleVariables.get("S3_BUCKET"),
    endpoint: `http://${exampleVariables.get("MINIO_ENDPOINT")}`,
    forcePathStyle: true,
  });
  const database = new URL(settings.databaseUrl ?? "");
  expect(database.hostname).toBe("postgres");
  expect(database.pathname).toBe(`/${exampleVariables.get("POSTGRES_DB")}`);
});

test.each(ownServices)("%s: image, entry and health check exist", (_name, service) => {
  const dockerfile = service.build?.dockerfile ?? "";
  expect(existsSync(new URL(dockerfile, ROOT))).toBe(true);
  const entry = service.command?.[0] ?? "";
  expect(existsSync(new URL(entry.replace("dist/", "").replace(".js", ".ts"), ROOT)), entry).toBe(true);
  const [kind, node, script, url] = service.healthcheck?.test ?? [];
  expect([kind, node]).toEqual(["CMD", "node"]);
  const inRepository = script?.replace("/app/", "") ?? "";
  expect(existsSync(new URL(inRepository, ROOT))).toBe(true);
  expect(read(dockerfile)).toContain(`COPY ${inRepository} `);
  const { pathname } = new URL(url ?? "");
  const asked = ROUTES.find(({ path }) => path === pathname);
  // The API's own probe needs no key; a worker's metrics come from the native core, not from a route.
  if (service.ports !== undefined) expect(asked?.policy.public, pathname).toBe(true);
  else expect(pathname).toBe("/metrics");
});

test("the port of the API is the one it listens on, publishes and is asked at", () => {
  const { environment, ports, healthcheck } = compose.services["api"] ?? {};
  expect(environment?.["AURA_API_PORT"]).toBe("8080");
  expect(SETTINGS_TABLE.AURA_API_PORT.whenUnset).toContain("8080");
  expect(ports?.map((port) => interpolate(port, filledIn))).toEqual(["127.0.0.1:8080:8080"]);
  expect(healthcheck?.test[3]).toBe("http://127.0.0.1:8080/readyz");
});

test.each(ownServices.filter(([name]) => name.startsWith("worker")))(
  "%s: its metrics port is asked",
  (_name, service) => {
    const port = service.environment?.["AURA_METRICS_PORT"];
    expect(service.healthcheck?.test[3]).toBe(`http://127.0.0.1:${port}/metrics`);
  },
);

test("the ingestor's ports are the ones it listens on, publishes and is asked at", () => {
  const { environment, ports, healthcheck } = compose.services["ingestor"] ?? {};
  expect(ports?.map((port) => interpolate(port, filledIn))).toEqual([
    `127.0.0.1:1883:${environment?.["AURA_MQTT_PORT"]}`,
  ]);
  expect(healthcheck?.test[3]).toBe(`http://127.0.0.1:${environment?.["AURA_METRICS_PORT"]}/livez`);
});

test("the scorer listens for the API at the port it is asked at", () => {
  const { environment, healthcheck } = compose.services["scorer"] ?? {};
  expect(environment?.["AURA_SCORER_HOST"]).toBe("0.0.0.0");
  expect(healthcheck?.test[3]).toBe(`http://127.0.0.1:${environment?.["AURA_SCORER_PORT"]}/metrics`);
});

test("the workers together serve every task queue once", () => {
  const queues = ownServices.flatMap(
    ([, { environment }]) => environment?.["AURA_WORKER_QUEUES"]?.split(",") ?? [],
  );
  expect(queues.sort()).toEqual(["control", "data", "train"]);
});

test.each(services)("%s: published ports are bound to loopback only", (_name, service) => {
  for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test.each(services)(
  "%s: is pinned or ours, restarts, has a memory limit and an end or a health check",
  (_name, service) => {
    expect(service.image).toMatch(/^aura:|:v?\d/);
    expect(service.restart).toMatch(/^(unless-stopped|on-failure:\d+)$/);
    expect(service.deploy?.resources?.limits?.memory).toMatch(/^\d+[mg]$/);
    const isOneShot = service.restart?.startsWith("on-failure") === true;
    // The UI's image has no program to ask it with; nothing waits for it.
    const isAsked = service.healthcheck !== undefined || service.image?.startsWith("temporalio/ui:") === true;
    expect(isOneShot !== isAsked).toBe(true);
  },
);

test.each(services)("%s: what it waits for can happen", (_name, service) => {
  for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
    const other = compose.services[needed];
    expect(other, needed).toBeDefined();
    if (condition === "service_healthy") expect(other?.healthcheck, needed).toBeDefined();
    else expect(other?.restart, needed).toMatch(/^on-failure/);
  }
});

test.each(services)("%s: its volumes are declared, and its mounted files exist", (_name, service) => {
  for (const volume of service.volumes ?? []) {
    const [source = ""] = volume.split(":");
    if (source.startsWith("./")) expect(existsSync(new URL(source, ROOT)), source).toBe(true);
    else expect(Object.keys(compose.volumes)).toContain(source);
  }
});

test("the Temporal server is not below the version floor", () => {
  const version = compose.services["temporal"]?.image?.split(":")[1] ?? "";
  expect(isSafeVersion(version)).toBe(true);
  expect(compose.services["temporal-schema"]?.image?.split(":")[1]).toBe(version);
  expect(compose.services["temporal-namespace"]?.image?.split(":")[1]).toBe(version);
});

test("the namespace script registers the attributes and retention of the code", () => {
  const script = read("deploy/temporal/prepare-namespace.sh");
  const listed = /for name in ([^;]+);/.exec(script)?.[1]?.split(" ") ?? [];
  expect(listed.sort()).toEqual(Object.values(SEARCH_ATTRIBUTES).sort());
  expect(script).toContain(`--type ${SEARCH_ATTRIBUTE_TYPE}`);
  expect(script).toContain(`--retention ${RETENTION_DAYS}d`);
});

test("the object server gets the key, the bucket and the address that AURA is told", () => {
  const objects = compose.services["objects"];
  const api = compose.services["api"]?.environment;
  expect(objects?.environment?.["ROOT_ACCESS_KEY"]).toBe(api?.["AWS_ACCESS_KEY_ID"]);
  expect(objects?.environment?.["ROOT_SECRET_KEY"]).toBe(api?.["AWS_SECRET_ACCESS_KEY"]);
  expect(objects?.environment?.["VGW_REGION"]).toBe(api?.["AWS_REGION"]);
  const port = objects?.environment?.["VGW_PORT"];
  expect(exampleVariables.get("MINIO_ENDPOINT")).toBe(`minio${port}`);
  expect(objects?.healthcheck?.test.at(-1)).toBe(
    `http://127.0.0.1${port}${objects?.environment?.["VGW_HEALTH"]}`,
  );
  expect(compose.services["objects-bucket"]?.environment?.["S3_BUCKET"]).toContain("S3_BUCKET");
});

test("the image copies what the entries need at run time", () => {
  const dockerfile = read("deploy/Dockerfile");
  for (const folder of ["dist", "stores", "node_modules"]) {
    expect(dockerfile).toContain(`/app/${folder} ./${folder}`);
  }
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(existsSync(fileURLToPath(new URL("deploy/Dockerfile.dockerignore", ROOT)))).toBe(true);
});
