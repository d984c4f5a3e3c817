import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { createCli } from "../support/cli.ts";
import { describeWithServices, makeStateFolder, testEnvironment } from "../support/platform.ts";

/** A source behind a URL: pulled by the worker, kept as an original, and part of what the run is made of. */

const pipelineText = (url: string): string => `
name: pulled
sources:
  readings:
    url: ${url}
    columns:
      - { name: heat, unit: °C }
      - { name: load, unit: kW }
      - { name: failed, type: integer, use: label }
label: { kind: column, column: failed, positive: 1 }
task: { kind: class }
split: { folds: 2 }
candidates: [{ kind: linear }]
`;

/** 400 rows; the hotter, the likelier a failure. */
function table(): string {
  const generator = createGenerator("http-source");
  const rows = Array.from({ length: 400 }, () => {
    const heat = 60 + 10 * generator.normal();
    const failed = heat + 8 * generator.normal() > 72 ? 1 : 0;
    return [heat.toFixed(3), (5 + generator.next()).toFixed(3), failed].join(",");
  });
  return ["heat,load,failed", ...rows, ""].join("\n");
}

await describeWithServices("HTTP source", () => {
  const folder = makeStateFolder();
  const base = { AURA_STATE_DIR: join(folder, ".aura"), AURA_LOG_LEVEL: "warn" };
  const aura = createCli({
    cwd: folder,
    env: testEnvironment({ ...base, AURA_ALLOW_LOOPBACK_SOURCES: "true" }),
  });
  const strict = createCli({ cwd: folder, env: testEnvironment(base) });
  const server = createServer((_request, response) => response.end(table()));

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(folder, "pipeline.yaml"), pipelineText(`http://127.0.0.1:${port}/readings.csv`));
  });

  afterAll(async () => {
    await aura("down");
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }, 100_000);

  it("is refused where it points at this machine", async () => {
    const { code, stderr } = await strict(
      "run",
      "pipeline.yaml",
      "--data",
      ".",
      "--approve-as",
      "ann",
      "--json",
    );
    expect(code, stderr).toBe(2);
    expect(stderr).toContain("loopback");
  }, 100_000);

  it("trains on what the URL holds, and names it in the lineage", async () => {
    const { code, stdout, stderr } = await aura(
      "run",
      "pipeline.yaml",
      "--data",
      ".",
      "--approve-as",
      "ann",
      "--json",
    );
    expect(code, stderr).toBe(0);
    const run = JSON.parse(stdout) as { promoted: boolean; dataset: string };
    expect(run.promoted).toBe(true);
    const lineage = await aura("lineage", "dataset", run.dataset, "--json");
    expect(lineage.stdout).toContain("http/readings");
  }, 100_000);
});
