import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../config/package-root.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { pumpReadings } from "../faults/fixture/pumps.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { describeWithServices, testEnvironment } from "../support/platform.ts";

/** The Python trainer of the examples on a whole platform: LightGBM trained there, judged and served here. */

const HERE = join(packageRoot(), "examples/python-trainer");
const STORY_MS = 180_000;

/** A Python that has what the worker imports, or why there is none. */
function findPython(): { readonly python: string } | { readonly missing: string } {
  const own = join(HERE, ".venv/bin/python");
  const python = process.env["AURA_TEST_PYTHON"] ?? (existsSync(own) ? own : "python3");
  const needed = "import temporalio, lightgbm, onnx, pyarrow, numpy";
  const { status, stderr, error } = spawnSync(python, ["-c", needed], { encoding: "utf8" });
  if (status === 0) return { python };
  const why = error?.message ?? stderr.trim().split("\n").at(-1) ?? "";
  return { missing: `${python}: ${why} (bash examples/python-trainer/install.sh)` };
}

const found = findPython();
if ("missing" in found) {
  describe.skip("the Python trainer", () => it(`skipped: ${found.missing}`));
} else {
  await describeWithServices("the Python trainer", () => {
    let platform: FaultyPlatform;
    let worker: ChildProcess;

    beforeAll(async () => {
      platform = await FaultyPlatform.start();
      worker = spawn(found.python, ["worker.py"], {
        cwd: HERE,
        stdio: ["ignore", "pipe", "inherit"],
        env: testEnvironment({
          AURA_API_URL: platform.apiUrl,
          TEMPORAL_ADDRESS: platform.temporalAddress,
          PYTHONDONTWRITEBYTECODE: "1",
        }),
      });
      for await (const line of createInterface({ input: worker.stdout as NodeJS.ReadableStream }))
        if (line === "ready") break;
    }, STORY_MS);
    afterAll(async () => {
      worker.kill("SIGTERM");
      await platform.dispose();
    });

    it(
      "trains LightGBM whose graph is chosen, promoted and served",
      async () => {
        const person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
        const pipeline = readFileSync(join(HERE, "pipeline.yaml"), "utf8");
        const { runId } = await person.startRun({
          pipeline,
          files: { "pumps.csv": pumpReadings(11, 1_200) },
        });
        const view = await person.finishRun(runId);
        expect(view).toMatchObject({ status: "finished", outcome: "promoted", version: 1 });
        const { evaluation } = view;
        const lightgbm = evaluation?.candidates.find(({ name }) => name === "lightgbm");
        expect(lightgbm?.cv["rocAuc"]).toBeGreaterThan(0.9);
        expect(evaluation?.origin).toMatchObject({ kind: "external", trainer: "python-trainer" });
      },
      STORY_MS,
    );
  });
}
