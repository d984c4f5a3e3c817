import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { Fit } from "./fit-candidate.ts";
import { getCheckpoint, putCheckpoint, putPart } from "./checkpoint.ts";

const OWNER = { subject: `trial 3 of plan ${"a".repeat(64)}`, place: 1, version: 2 };
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

const SHAPE = { taskKind: "regression", nFeatures: 1, nOutputs: 1, postTransform: "identity" } as const;
const FIT: Fit = {
  model: { kind: "tree_ensemble", ...SHAPE, base: [0.1], scale: 1, trees: [TREE] },
  bestIteration: 1,
  history: [0.5, Number.NaN],
};
const LINEAR: Fit = {
  model: { kind: "linear", ...SHAPE, means: [0], scales: [1], coefficients: [1e-300], intercepts: [2] },
  bestIteration: null,
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

it("comes back as it was, with categories and the figures that are undefined", async () => {
  const begun = {
    iteration: 1,
    trees: [TREE, { ...TREE, leftCodes: { 0: [2, 5] } }],
    history: [Number.NaN, 1],
  };
  const ref = await putCheckpoint(objects, OWNER, { parts: [], begun });
  expect(await read(ref)).toEqual({ found: { parts: [], ended: [], begun }, refused: [] });
});

it("comes back with the models that ended, in order, whatever part they lie in", async () => {
  const parts = [await putPart(objects, OWNER, [FIT, LINEAR]), await putPart(objects, OWNER, [FIT])];
  const ref = await putCheckpoint(objects, OWNER, { parts });
  expect(await read(ref)).toEqual({ found: { parts, ended: [FIT, LINEAR, FIT] }, refused: [] });
});

it("is not used where a part of it is gone, of another fold or something else", async () => {
  const gone = await putPart(objects, OWNER, [FIT]);
  await objects.delete(gone.key);
  const other = await putPart(objects, { ...OWNER, place: 0 }, [LINEAR]);
  const whole = await putCheckpoint(objects, OWNER, { parts: [] });
  for (const [part, why] of [
    [gone, /not in the store/],
    [other, /expected training 1 of trial 3 .*, got training 0/],
    [whole, /aura\.trained-models/],
  ] as const) {
    const { found, refused } = await read(await putCheckpoint(objects, OWNER, { parts: [part] }));
    expect(found).toBeUndefined();
    expect(refused.join()).toMatch(why);
  }
});

it.each([
  [
    "plan",
    { subject: `trial 3 of plan ${"b".repeat(64)}` },
    /expected training 1 of trial 3 of plan bbb.*, got .* plan aaa/,
  ],
  [
    "trial",
    { subject: OWNER.subject.replace("3", "4") },
    /expected training 1 of trial 4 .*, got training 1 of trial 3/,
  ],
  ["fold", { place: 0 }, /expected training 0 of trial 3 .*, got training 1/],
  ["version of the code", { version: 3 }, /version 3, got .* version 2/],
])("is not used by another %s, which is told of both", async (_name, other, why) => {
  const ref = await putCheckpoint(objects, OWNER, { parts: [] });
  const { found, refused } = await read(ref, { ...OWNER, ...other });
  expect(found).toBeUndefined();
  expect(refused.join()).toMatch(why);
});

it.each([
  ["something else", '{"kind":"aura.card/1"}'],
  ["an older form", '{"kind":"aura.gbdt-checkpoint/2"}'],
  ["no JSON", "…"],
])("is not used when it is %s", async (_name, text) => {
  const bytes = new TextEncoder().encode(text);
  const ref = await objects.put(`processed/json/${sha256Hex(bytes)}.json`, bytes);
  const { found, refused } = await read(ref);
  expect(found).toBeUndefined();
  expect(refused).toHaveLength(1);
});

it("is not used when it is gone or damaged", async () => {
  const ref = await putCheckpoint(objects, OWNER, {
    parts: [],
    begun: { iteration: 0, trees: [], history: [] },
  });
  await writeFile(join(folder, "objects", ref.key), "short");
  expect((await read(ref)).found).toBeUndefined();
  await objects.delete(ref.key);
  expect((await read(ref)).found).toBeUndefined();
});
