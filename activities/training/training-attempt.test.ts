import { MockActivityEnvironment } from "@temporalio/testing";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { ResumableJob } from "./checkpoint-sender.ts";
import type { Fit } from "./fit-candidate.ts";
import { TrainingAttempt } from "./training-attempt.ts";

const OWNER = { subject: `fold of inputs ${"a".repeat(64)}`, place: 0, version: 1 };
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
const BEGUN = { iteration: 5, trees: [], history: [0.5] };

let folder: string;
let objects: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aura-attempt-"));
  objects = createObjectStore({
    objects: `file://${folder}/objects`,
    cacheDir: join(folder, "cache"),
    cacheMaxBytes: 1e6,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An attempt after one that left these heartbeat details. */
async function attempt<T>(
  heartbeatDetails: unknown,
  work: (one: TrainingAttempt, beats: readonly unknown[]) => Promise<T>,
) {
  const beats: unknown[] = [];
  const warnings: string[] = [];
  const log = { warn: (_: unknown, text: string) => void warnings.push(text) };
  const beat = {
    signal: new AbortController().signal,
    report: (details: unknown) => void beats.push(details),
    stop: () => undefined,
  };
  const environment = new MockActivityEnvironment({ heartbeatDetails });
  const result = await environment.run<[], T, () => Promise<T>>(() =>
    work(new TrainingAttempt({ objects, log } as never, beat, OWNER), beats),
  );
  return { result, beats, warnings };
}

/** What an attempt leaves that is killed after a checkpoint. */
async function killed(): Promise<unknown> {
  const { beats } = await attempt(undefined, async (one, seen) => {
    expect(await one.resume()).not.toHaveProperty("resumeFrom");
    one.callbacks.onProgress?.({ iteration: 5, of: 20 });
    one.callbacks.onCheckpoint?.({ ended: [FIT], begun: BEGUN });
    await vi.waitFor(() => expect(seen).toHaveLength(2));
  });
  expect(beats[0]).toEqual({ iteration: 5, of: 20 });
  return beats.at(-1);
}

it("goes on from the checkpoint of the attempt before it, and removes all in the end", async () => {
  const details = await killed();
  expect(details).toMatchObject({
    iteration: 5,
    of: 20,
    checkpoint: { bytes: expect.any(Number) as number },
  });
  const { result, warnings } = await attempt(details, async (one, beats) => {
    const resumed = await one.resume();
    one.callbacks.onProgress?.({ iteration: 6, of: 20 });
    // Killed before it had a checkpoint of its own, it leaves that of the one before.
    expect(beats.at(-1)).toEqual({ ...(details as object), iteration: 6 });
    await one.end();
    return resumed;
  });
  expect(result.resumeFrom).toEqual({ ended: [FIT], begun: BEGUN });
  expect(warnings).toEqual([]);
  const files = await readdir(join(folder, "objects"), { recursive: true });
  expect(files.filter((name) => name.endsWith(".json"))).toEqual([]);
});

it.each([
  ["of another training", (details: object) => details, { subject: "fold of inputs b" }],
  ["of other code", (details: object) => details, { version: 2 }],
  ["of something else", () => ({ checkpoint: "there" }), {}],
  ["not there", () => ({ iteration: 3, of: 9 }), {}],
])("starts anew where what was left is %s", async (_name, change, other) => {
  const details = change((await killed()) as object);
  const owner = { ...OWNER, ...other };
  const log = { warn: vi.fn() };
  const beat = { signal: new AbortController().signal, report: () => undefined, stop: () => undefined };
  const resumed = await new MockActivityEnvironment({ heartbeatDetails: details }).run<
    [],
    ResumableJob,
    () => Promise<ResumableJob>
  >(() => new TrainingAttempt({ objects, log } as never, beat, owner).resume());
  expect(resumed).toEqual({ checkpointMs: 3_000 });
  expect(log.warn).toHaveBeenCalledTimes(Object.keys(other).length);
});
