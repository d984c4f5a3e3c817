import { Readable } from "node:stream";
import { NativeConnection, Worker } from "@temporalio/worker";
import { z } from "zod";
import { ApiClient } from "../../cli/client.ts";
import { externalRequestSchema } from "../../schemas/runs/external-trainer.ts";
import type { ExternalRequest } from "../../schemas/runs/external-trainer.ts";
import { pipelineText } from "../faults/fixture/pumps.ts";
import { logisticOnnx } from "./tiny-onnx.ts";
import { silenceRuntime } from "./workflow-environment.ts";

export const EXTERNAL_QUEUE = "pump-trainer";

/** What the pumps' failures were made with (tests/faults/fixture/pumps.ts), as a graph with names of its own. */
export function pumpModel(): Uint8Array {
  return logisticOnnx([1 / 8, 1 / 2], -60 / 8 - 6 / 2 - 0.8);
}

/** The fixture's pipeline with a trainer elsewhere as its one candidate. */
export function externalPipeline(name: string): string {
  const candidate = `candidates:\n  - { kind: external, taskQueue: ${EXTERNAL_QUEUE} }\n\nmetrics`;
  return pipelineText()
    .replace("name: faults", `name: ${name}`)
    .replace(/candidates:[\s\S]*?\nmetrics/, candidate);
}

const storedSchema = z.looseObject({ object: z.looseObject({ sha256: z.string(), bytes: z.number() }) });

/** A graph as a trainer hands it in: uploaded, and named by its hash. */
export async function uploadedModel(apiUrl: string, onnx: Uint8Array) {
  const { object } = await new ApiClient({ baseUrl: apiUrl }).putStream("/v1/uploads", {
    bytes: Readable.from([onnx]),
    length: onnx.length,
    query: { name: "model.onnx" },
    reply: storedSchema,
  });
  const { sha256, bytes } = object;
  return { kind: "aura.external.result/1", onnx: { sha256, bytes } };
}

/** A worker such as users write, in TypeScript. */
export async function startTrainer(
  address: string,
  train: (request: ExternalRequest) => Promise<unknown>,
): Promise<{ readonly close: () => Promise<void> }> {
  silenceRuntime();
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue: EXTERNAL_QUEUE,
    activities: { trainModel: (request: unknown) => train(externalRequestSchema.parse(request)) },
  });
  const running = worker.run();
  return {
    async close() {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
