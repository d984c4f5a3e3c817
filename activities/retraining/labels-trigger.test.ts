import { MockActivityEnvironment } from "@temporalio/testing";
import { expect, it } from "vitest";
import type { VersionRow } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { createRetrainingActivities } from "./activities.ts";
import type { RetrainDue } from "./messages.ts";

const FILE = `
name: pump
sources: { readings: { files: r.csv, columns: [{ name: heat }, { name: fault, type: integer, use: label }] } }
label: { kind: column, column: fault, positive: 1 }
task: { kind: class }
`;
const AT = "2026-01-02T03:04:05.000Z";

/** Asks for a retrain by enough new labels, of which there are so many. */
async function due(newLabels: number, retraining: string) {
  const champion = { model: "pump", version: 3, digest: "d".repeat(64), runId: "r1" } as VersionRow;
  const asked: { readonly window: string }[] = [];
  const refused: unknown[] = [];
  const db = {
    registry: { champion: async () => champion },
    runs: {
      latestStanding: async () => ({ runId: "r2" }),
      inputOf: async (runId: string) => ({
        pipeline: `${FILE}${runId === "r2" ? retraining : ""}`,
        files: [],
      }),
    },
    retrains: {
      newLabels: async () => newLabels,
      open: async () => undefined,
      refuse: async (_: unknown, why: unknown) => void refused.push(why),
      ask: async (one: { readonly window: string }) => {
        asked.push(one);
        return { window: one.window };
      },
    },
  };
  const activities = createRetrainingActivities({ db } as unknown as ActivityDeps);
  const environment = new MockActivityEnvironment();
  const ask = { model: "pump", trigger: "labels", at: AT, detail: "5 new labels" } as const;
  const answer = await environment.run<[], RetrainDue, () => Promise<RetrainDue>>(() =>
    activities.retrainDue(ask),
  );
  return { answer, asked, refused };
}

it("is due once there are as many labels as the file says", async () => {
  const { answer, asked } = await due(5, "retraining: { newLabels: 5, coolDown: 1h }");
  expect(answer).toEqual({ isDue: true, window: "2026-01-02T03:00:00.000Z" });
  expect(asked).toMatchObject([
    { model: "pump", trigger: "labels", reason: "5 new labels", coolDownMs: 3_600_000 },
  ]);
});

it("waits for more, which is no refusal on record", async () => {
  const { answer, asked, refused } = await due(4, "retraining: { newLabels: 5 }");
  expect(answer).toMatchObject({
    isDue: false,
    refused: { code: "few_labels", message: "4 of 5 new labels of pump" },
  });
  expect([asked, refused]).toEqual([[], []]);
});

it("is off where the file counts no labels", async () => {
  const { answer, asked, refused } = await due(500, "");
  expect(answer).toMatchObject({ isDue: false, refused: { code: "off" } });
  expect(asked).toEqual([]);
  expect(refused).toHaveLength(1);
});
