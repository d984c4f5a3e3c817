import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import { getCheckpoint, putCheckpoint } from "./checkpoint.ts";

const OWNER = { plan: "a".repeat(64), number: 3, place: 1 };
const TREE = {
  output: 0,
  width: 1,
  feature: [0, -1, -1],
  threshold: [0.1 + 0.2, 0, 0],
  missingLeft: [1, 0, 0],
  left: [1, -1, -1],
  right: [2, -1, -1],
  value: [0, -1e-300, 5],
  gain: [1, 0, 0],
  count: [2, 1, 1],
};

let folder: string;
let objects: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aura-checkpoint-"));
  objects = createObjectStore({
    objects: `file://${folder}/objects`,
    cacheDir: join(folder, "cache"),
    cacheMaxBytes: 1e6,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("comes back as it was, with the figures that are undefined", async () => {
  const checkpoint = { iteration: 1, trees: [TREE], history: [Number.NaN] };
  const ref = await putCheckpoint(objects, OWNER, checkpoint);
  expect(await getCheckpoint(objects, ref, OWNER)).toEqual(checkpoint);
});

it("is refused by another training, which is told of both", async () => {
  const ref = await putCheckpoint(objects, OWNER, { iteration: 0, trees: [], history: [] });
  const other = { ...OWNER, plan: "b".repeat(64) };
  await expect(getCheckpoint(objects, ref, other)).rejects.toMatchObject({
    code: "integrity",
    message: expect.stringMatching(/expected fold 1 of trial 3 of plan bbb.*, got .* plan aaa/) as string,
  });
});

it("is refused when it is something else, and taken for lost when it is gone", async () => {
  const bytes = new TextEncoder().encode('{"kind":"aura.card/1"}');
  const ref = await objects.put(`processed/json/${sha256Hex(bytes)}.json`, bytes);
  await expect(getCheckpoint(objects, ref, OWNER)).rejects.toMatchObject({ code: "integrity" });
  await objects.delete(ref.key);
  expect(await getCheckpoint(objects, ref, OWNER)).toBeUndefined();
});
