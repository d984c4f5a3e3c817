import { MockActivityEnvironment } from "@temporalio/testing";
import { expect, it } from "vitest";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { Fit } from "../training/fit-candidate.ts";
import { TrialProgress } from "./trial-progress.ts";

/** A disk that fills while a trial trains: the training goes on, and a crash goes on from the last checkpoint that fitted. */

const OWNER = { subject: "trial 0", place: 0, version: 1 };
const FIT: Fit = {
  model: {
    kind: "constant",
    taskKind: "regression",
    nFeatures: 1,
    nOutputs: 1,
    postTransform: "identity",
    base: [1],
  },
  bestIteration: null,
};
const begun = (iteration: number) => ({ iteration, trees: [], history: [] });

/** Turns of the event loop in which a write ends. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("keeps the last checkpoint that could be stored, and says which could not", async () => {
  let isFull = false;
  const stored: string[] = [];
  const bodies = new Map<string, string>();
  const warnings: string[] = [];
  const reported: unknown[] = [];
  const objects = {
    put: async (key: string, bytes: Uint8Array) => {
      if (isFull) throw new PlatformError("objects_unavailable", "store object: no space left on device");
      stored.push(key);
      bodies.set(key, new TextDecoder().decode(bytes));
      return { key, sha256: "b".repeat(64), bytes: bytes.length };
    },
    delete: async (key: string) => void stored.splice(stored.indexOf(key), 1),
  } as unknown as ObjectStore;
  const log = { warn: (_: unknown, text: string) => void warnings.push(text) };

  await new MockActivityEnvironment().run(async () => {
    const beat = {
      signal: new AbortController().signal,
      report: (details: unknown) => void reported.push(details),
      stop: () => undefined,
    };
    const progress = new TrialProgress({ objects, log } as never, beat);
    progress.keep(OWNER, { ended: [], begun: begun(5) });
    await settled();
    const newest = () => (reported.at(-1) as { checkpoint?: ObjectRef }).checkpoint;
    const last = newest();
    expect(last).toBeDefined();

    isFull = true;
    progress.keep(OWNER, { ended: [FIT], begun: begun(10) });
    await settled();
    expect(newest()).toEqual(last);
    expect(warnings).toEqual([
      "a checkpoint could not be stored: a crash now costs the rounds since the last",
    ]);

    isFull = false;
    progress.keep(OWNER, { ended: [], begun: begun(15) });
    // Left out, for the one before it is being written; what ended goes with the next.
    progress.keep(OWNER, { ended: [FIT, FIT], begun: begun(20) });
    await settled();
    expect(newest()).not.toEqual(last);
    progress.keep(OWNER, { ended: [], begun: begun(25) });
    await settled();
    const document = (key = "") => JSON.parse(bodies.get(key) ?? "{}") as Record<string, unknown[]>;
    const parts = document(newest()?.key)["parts"] as ObjectRef[];
    expect(parts.map(({ key }) => document(key)["ended"]?.length)).toEqual([1, 2]);
    // Of the next fold: the parts stay for as long as a checkpoint names them.
    progress.endFold({ repeat: 0, fold: 0, value: 1, rounds: null, rows: parts[0]! });
    for (let round = 1; round <= 3; round++) {
      expect(stored).toContain(parts[0]?.key);
      progress.keep({ ...OWNER, place: 1 }, { ended: [], begun: begun(round) });
      await settled();
    }
    expect(stored).not.toContain(parts[0]?.key);
    await progress.removeCheckpoints();
    expect(stored).toEqual([]);
  });
});
