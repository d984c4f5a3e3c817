import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { z } from "zod";
import { createCli } from "../support/cli.ts";
import { describeWithServices, makeStateFolder, testEnvironment } from "../support/platform.ts";

/**
 * Drift → retrain on the synthetic fleet, as docs/drift-demo.md shows it: a champion, a shift in what it is asked, a
 * confirmed check, one retrain that stops at its approval while the old champion goes on.
 */

const approvalsSchema = z.array(z.object({ subject: z.string(), state: z.string(), model: z.string() }));
const runsSchema = z.array(z.object({ model: z.string(), status: z.string(), requestedBy: z.string() }));
const reportsSchema = z.array(z.object({ state: z.string(), confirmed: z.boolean(), rows: z.number() }));

await describeWithServices("the demo of drift and retraining", () => {
  const folder = makeStateFolder();
  const env = testEnvironment({ AURA_STATE_DIR: join(folder, ".aura"), AURA_LOG_LEVEL: "warn" });
  const aura = createCli({ cwd: folder, env, timeoutMs: 280_000 });

  afterAll(async () => {
    await aura("down");
    rmSync(folder, { recursive: true, force: true });
  }, 100_000);

  it("confirms an injected shift and retrains once, up to the approval", async () => {
    const demo = await aura("demo", "--shift", "--json");
    expect(demo.code, demo.stderr).toBe(0);
    const checks = demo.stderr.split("\n").filter((line) => line.includes("drift check:"));
    expect(checks.some((line) => /: drift \(\d+ rows\)/.test(line))).toBe(true);
    expect(checks.at(-1)).toContain("drift, confirmed");
  }, 300_000);

  it("leaves one waiting approval, one retrain and the old champion", async () => {
    expect((await aura("up", "--detach")).code).toBe(0);
    const approvals = approvalsSchema.parse(JSON.parse((await aura("approvals", "list", "--json")).stdout));
    expect(approvals).toEqual([{ subject: "substation@2", state: "waiting", model: "substation" }]);
    const runs = runsSchema.parse(JSON.parse((await aura("runs", "list", "--json")).stdout));
    expect(runs.filter((run) => run.requestedBy === "aura")).toEqual([
      { model: "substation", status: "waiting", requestedBy: "aura" },
    ]);
    const reports = reportsSchema.parse(
      JSON.parse((await aura("drift", "history", "substation", "--json")).stdout),
    );
    expect(reports.some((report) => report.confirmed && report.rows >= 500)).toBe(true);
    // Too few answers are no verdict.
    expect(reports.every((report) => report.rows >= 500 || report.state === "insufficient_data")).toBe(true);
    const models = (await aura("models", "list", "--json")).stdout;
    expect(JSON.parse(models)).toMatchObject([{ model: "substation", champion: 1 }]);
  }, 100_000);
});
