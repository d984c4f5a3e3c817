import { expect, it } from "vitest";
import { liveSourceSchema } from "../../schemas/live/source.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { LiveSourceRow } from "../../stores/postgres/port/live.ts";
import { withRegisteredPersonal } from "./registered-personal.ts";

const pipelineOf = (more = "") =>
  parsePipeline(
    `name: trucks
sources:
  readings:
    files: r.csv
    asset: truck
    time: { column: t, kind: cycle }
    columns: [{ name: load }, { name: age }, { name: driver, type: text }]
    pii: [driver]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
${more}`,
    "p.yaml",
  ).pipeline;

function registryOf(pii: readonly string[]) {
  const document = liveSourceSchema.parse({
    name: "trucks",
    owner: "tests",
    columns: [{ name: "load" }, { name: "age" }, { name: "pulse" }],
    pii,
  });
  return {
    versions: async (name: string) => (name === "trucks" ? [{ document } as LiveSourceRow] : []),
  };
}

it("adds what the registry declares of columns that the files have", async () => {
  const found = await withRegisteredPersonal(registryOf(["age", "pulse"]), pipelineOf());
  expect(found.sources["readings"]?.pii).toEqual(["driver", "age"]);
});

it("leaves a pipeline alone of which the registry says nothing", async () => {
  const pipeline = pipelineOf();
  expect(await withRegisteredPersonal(registryOf(["pulse"]), pipeline)).toBe(pipeline);
  const other = { ...pipeline, name: "cars" };
  expect(await withRegisteredPersonal(registryOf(["age"]), other)).toBe(other);
});

it("refuses a pipeline that makes something of such a column", async () => {
  const pipeline = pipelineOf("features: [{ lag: { columns: [age], steps: [1] } }]");
  await expect(withRegisteredPersonal(registryOf(["age"]), pipeline)).rejects.toMatchObject({
    code: "invalid_pipeline",
    message: expect.stringContaining("the live source trucks declares age as personal") as string,
    locations: [{ field: "features.0.lag.columns.0", found: "'age', which is personal (pii)" }],
  });
});
