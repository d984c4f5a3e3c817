import { MockActivityEnvironment } from "@temporalio/testing";
import { expect, it } from "vitest";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import { TrialProgress } from "./trial-progress.ts";

/** A disk that fills while a trial trains: the training goes on, and a crash goes on from the last checkpoint that fitted. */

const OWNER = { plan: "a".repeat(64), number: 0, place: 0, version: 1 };
const seeds = (iteration: number) => [{ iteration, trees: [], history: [] }];

/** Turns of the event loop in which a write ends. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("keeps the last checkpoint that could be stored, and says which could not", async () => {
  let isFull = false;
  const stored: string[] = [];
  const warnings: string[] = [];
  const reported: unknown[] = [];
  const objects = {
    put: async (key: string, bytes: Uint8Array) => {
      if (isFull) throw new PlatformError("objects_unavailable", "store object: no space left on device");
      stored.push(key);
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
    progress.keep(OWNER, seeds(5));
    await settled();
    const last = progress.checkpoint;
    expect(last).toBeDefined();

    isFull = true;
    progress.keep(OWNER, seeds(10));
    await settled();
    expect(progress.checkpoint).toEqual(last);
    expect(reported.at(-1)).toMatchObject({ checkpoint: last });
    expect(warnings).toEqual([
      "a checkpoint could not be stored: a crash now costs the rounds since the last",
    ]);

    isFull = false;
    progress.keep(OWNER, seeds(15));
    await settled();
    expect(progress.checkpoint).not.toEqual(last);
    await progress.removeCheckpoints();
    expect(stored).toEqual([]);
  });
});
