import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import { getCheckpoint, putCheckpoint } from "./checkpoint.ts";

const OWNER = { plan: "a".repeat(64), number: 3, place: 1, version: 2 };
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

/** What is read, and why it was refused. */
async function read(ref: ObjectRef, owner = OWNER) {
  const refused: string[] = [];
  const found = await getCheckpoint(objects, ref, { owner, onRefused: (why) => void refused.push(why) });
  return { found, refused };
}

it("comes back as it was, seed by seed, with categories and the figures that are undefined", async () => {
  const seeds = [
    { iteration: 1, trees: [TREE], history: [Number.NaN] },
    { iteration: 1, trees: [{ ...TREE, leftCodes: { 0: [2, 5] } }], history: [0.5] },
  ];
  const ref = await putCheckpoint(objects, OWNER, seeds);
  expect(await read(ref)).toEqual({ found: seeds, refused: [] });
});

it.each([
  ["plan", { plan: "b".repeat(64) }, /expected fold 1 of trial 3 of plan bbb.*, got .* plan aaa/],
  ["trial", { number: 4 }, /expected fold 1 of trial 4 .*, got fold 1 of trial 3/],
  ["fold", { place: 0 }, /expected fold 0 of trial 3 .*, got fold 1/],
  ["version of the code", { version: 3 }, /version 3, got .* version 2/],
])("is not used by another %s, which is told of both", async (_name, other, why) => {
  const ref = await putCheckpoint(objects, OWNER, [{ iteration: 0, trees: [], history: [] }]);
  const { found, refused } = await read(ref, { ...OWNER, ...other });
  expect(found).toBeUndefined();
  expect(refused.join()).toMatch(why);
});

it.each([
  ["something else", '{"kind":"aura.card/1"}'],
  ["an older form", '{"kind":"aura.gbdt-checkpoint/1"}'],
  ["no JSON", "…"],
])("is not used when it is %s", async (_name, text) => {
  const bytes = new TextEncoder().encode(text);
  const ref = await objects.put(`processed/json/${sha256Hex(bytes)}.json`, bytes);
  const { found, refused } = await read(ref);
  expect(found).toBeUndefined();
  expect(refused).toHaveLength(1);
});

it("is not used when it is gone or damaged", async () => {
  const ref = await putCheckpoint(objects, OWNER, [{ iteration: 0, trees: [], history: [0.25] }]);
  await writeFile(join(folder, "objects", ref.key), "short");
  expect((await read(ref)).found).toBeUndefined();
  await objects.delete(ref.key);
  expect((await read(ref)).found).toBeUndefined();
});
