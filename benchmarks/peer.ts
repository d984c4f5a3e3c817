import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { runChild } from "./child.ts";
import { peerPython } from "./peer-python.ts";
import type { SuiteContext } from "./suite.ts";

export const peerReportSchema = z.object({ version: z.string(), metrics: z.record(z.string(), z.number()) });
export type PeerReport = z.infer<typeof peerReportSchema>;

export interface PeerOptions {
  readonly timeoutMs?: number;
  /** Folder of its Python environment in benchmarks/peers, for a peer that others cannot live beside. */
  readonly environment?: string;
}

/** Runs a script of benchmarks/peers that prints one JSON report; undefined when it cannot be run. */
export async function measurePeer(
  context: SuiteContext,
  script: string,
  args: readonly string[],
  { timeoutMs = 300_000, environment }: PeerOptions = {},
): Promise<PeerReport | undefined> {
  const python = peerPython(context.root, environment);
  const path = join(context.root, "benchmarks", "peers", script);
  if (python === undefined || !existsSync(path)) {
    context.say(`peer absent: run npm run bench:peers for ${script}`);
    return undefined;
  }
  const result = await runChild({ command: python, args: [path, ...args] }, timeoutMs);
  if (result.code !== 0) {
    context.say(`peer failed: ${script} [exit code ${result.code}]: ${result.stderr.slice(-500)}`);
    return undefined;
  }
  return peerReportSchema.parse(JSON.parse(result.stdout));
}
