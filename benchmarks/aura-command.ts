import { join } from "node:path";
import { z } from "zod";
import { metricSetSchema } from "../schemas/models/model-version.ts";
import { runOutcomeSchema } from "../schemas/runs/run.ts";
import { runChild } from "./child.ts";
import type { ChildResult, WatchedChild } from "./child.ts";

/** What `aura run --json` prints at its end, as far as the benchmarks read it. */
const runReportSchema = z.object({
  runId: z.string(),
  model: z.string(),
  version: z.int().nullish(),
  digest: z.string().nullish(),
  outcome: runOutcomeSchema,
  metrics: z.object({ test: metricSetSchema, cv: metricSetSchema }),
  timingsMs: z.record(z.string(), z.number()),
});
export type RunReport = z.infer<typeof runReportSchema>;

/** The built `aura` command with a state folder of its own and no settings of the machine's. */
export interface AuraCommand {
  run(
    args: readonly string[],
    timeoutMs: number,
    watch?: (child: WatchedChild) => void,
  ): Promise<ChildResult>;
  /**
   * `aura run … --json`. A model that a gate refused has been measured all the same.
   *
   * @throws {Error} with what the command printed, when it ends without metrics
   */
  train(args: readonly string[], timeoutMs: number): Promise<RunReport & { readonly wallMs: number }>;
}

/** Exit code of `aura run` for a version that did not pass its gates. */
const GATE_REFUSED = 3;

/** Variables that would point the command at something else than its own embedded platform. */
const FOREIGN = [
  "DATABASE_URL",
  "TEMPORAL_ADDRESS",
  "AURA_OBJECTS",
  "AURA_API_URL",
  "AURA_API_KEY",
  "AURA_API_PORT",
];

/** @param settings variables beyond those that every benchmark has */
export function auraCommand(
  root: string,
  stateDir: string,
  settings: Readonly<Record<string, string>> = {},
): AuraCommand {
  const env: Record<string, string | undefined> = {
    ...Object.fromEntries(FOREIGN.map((name) => [name, undefined])),
    AURA_STATE_DIR: stateDir,
    AURA_LOG_LEVEL: "warn",
    ...settings,
  };
  const run: AuraCommand["run"] = (args, timeoutMs, watch) =>
    runChild(
      { command: process.execPath, args: [join(root, "dist", "cli", "main.js"), ...args], cwd: root, env },
      timeoutMs,
      watch,
    );
  return {
    run,
    async train(args, timeoutMs) {
      const result = await run(["run", ...args, "--json"], timeoutMs);
      const report = runReportSchema.safeParse(lastJson(result.stdout));
      const isMeasured = report.success && Object.keys(report.data.metrics.test).length > 0;
      if (!isMeasured || ![0, GATE_REFUSED].includes(result.code)) {
        const printed = `${result.stdout.slice(-1_500)}\n${result.stderr.slice(-1_500)}`;
        throw new Error(`aura run ${args.join(" ")} [exit code ${result.code}]: ${printed}`);
      }
      return { ...report.data, wallMs: result.wallMs };
    },
  };
}

/** The JSON document at the end of what a command printed; undefined when there is none. */
function lastJson(printed: string): unknown {
  const start = printed.startsWith("{") ? 0 : printed.lastIndexOf("\n{") + 1;
  try {
    return JSON.parse(printed.slice(start));
  } catch {
    return undefined;
  }
}
