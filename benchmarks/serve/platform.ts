import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { auraCommand } from "../aura-command.ts";
import type { AuraCommand } from "../aura-command.ts";
import type { SuiteContext } from "../suite.ts";
import { N_TREES, SERVED_MODEL, writeFleetTable, writePipeline } from "./fleet-table.ts";

const upSchema = z.object({ api: z.url() });
const statusSchema = z.object({ parts: z.array(z.object({ name: z.string(), pid: z.int().nullable() })) });
const signatureSchema = z.object({ inputs: z.array(z.object({ name: z.string() })) });

/** The real platform, with two registered versions of one model, the second one serving. */
export interface ServingPlatform {
  readonly port: number;
  readonly aura: AuraCommand;
  readonly versions: readonly number[];
  /** ONNX file and column names of the serving version, for the peer. */
  readonly onnx: string;
  readonly columns: string;
  /** Process of the API; its inference children are below it. */
  apiPid(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts PostgreSQL, Temporal, worker and API in the scratch folder and trains both versions through the pipeline. */
export async function startPlatform({
  root,
  scratch: folder,
  quick,
}: SuiteContext): Promise<ServingPlatform> {
  const stateDir = join(folder, "state");
  const aura = auraCommand(root, stateDir);
  const up = await aura.run(["up", "--detach", "--json"], 300_000);
  if (up.code !== 0) throw new Error(`aura up [exit code ${up.code}]: ${up.stdout}${up.stderr}`);
  const stop = async (): Promise<void> => {
    await aura.run(["down"], 60_000);
  };
  try {
    const { api } = upSchema.parse(JSON.parse(up.stdout));
    const data = join(folder, "fleet");
    mkdirSync(data, { recursive: true });
    writeFleetTable(data, 1, quick);
    const runs = [];
    // Two champions, one after the other: the second learns more in as many trees.
    for (const trained of [
      { learningRate: 0.01, nTrees: quick ? N_TREES / 10 : N_TREES },
      { learningRate: 0.05, nTrees: N_TREES },
    ]) {
      const pipeline = writePipeline(join(folder, `pipeline-${trained.learningRate}.yaml`), trained);
      const run = await aura.train([pipeline, "--data", data, "--approve-as", "bench@example.com"], 300_000);
      if (run.outcome !== "promoted")
        throw new Error(`version ${run.version}: expected promoted, got ${run.outcome}`);
      runs.push(run);
    }
    const last = runs.at(-1);
    const files = join(stateDir, "objects", "models", SERVED_MODEL, last?.digest ?? "");
    const onnx = join(files, "model.onnx");
    if (!existsSync(onnx)) throw new Error(`served ONNX file [${onnx}]: expected a file, found none`);
    const columns = join(folder, "columns.json");
    const signature = signatureSchema.parse(JSON.parse(readFileSync(join(files, "signature.json"), "utf8")));
    writeFileSync(columns, JSON.stringify(signature.inputs.map((input) => input.name)));
    const versions = runs.map((run) => run.version ?? 0);
    return {
      port: Number(new URL(api).port),
      aura,
      versions,
      onnx,
      columns,
      apiPid: () => apiPid(aura),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function apiPid(aura: AuraCommand): Promise<number> {
  const { stdout } = await aura.run(["status", "--json"], 30_000);
  const part = statusSchema.parse(JSON.parse(stdout)).parts.find(({ name }) => name === "api");
  if (part?.pid == null) throw new Error(`process of the API: expected one, got ${stdout}`);
  return part.pid;
}
