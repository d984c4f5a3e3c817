import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256Hex } from "../../../schemas/canonical-json.ts";
import type { ObjectRef } from "../../../schemas/object-ref.ts";
import { ObjectAnchors } from "../../../stores/postgres/audit/object-anchors.ts";
import { startApiFixture } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";

let fixture: ApiFixture;
beforeAll(async () => {
  fixture = await startApiFixture();
});
afterAll(() => fixture.close());

const upload = (text: string): Promise<ObjectRef> => {
  const bytes = Buffer.from(text);
  return fixture.objects.put(`raw/sha256/${sha256Hex(bytes)}`, bytes);
};

const post = (path: string, body: unknown) =>
  fixture.request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

test("files are added to a pipeline between runs, and a later one of the same name replaces", async () => {
  const first = { name: "june.csv", object: await upload("a,b") };
  const second = { name: "june.csv", object: await upload("a,b,c") };
  const other = { name: "july.csv", object: await upload("d") };
  const path = "/v1/pipelines/pump/files";
  expect(await (await fixture.request(path)).json()).toEqual({ items: [] });
  expect(await (await post(path, { files: [first] })).json()).toEqual({ items: [first] });
  expect(await (await post(path, { files: [second, other] })).json()).toEqual({ items: [second, other] });
  expect(await (await fixture.request(path)).json()).toEqual({ items: [second, other] });
  expect(fixture.audit.at(-1)).toMatchObject({ action: "pipeline.files.add", subject: "pipeline/pump" });
});

test.each([
  ["a path of the server", { key: "../../etc/passwd", sha256: "a".repeat(64), bytes: 1 }, 422],
  ["another object", { key: `models/x/${"a".repeat(64)}`, sha256: "a".repeat(64), bytes: 1 }, 422],
  [
    "an upload that is not there",
    { key: `raw/sha256/${"a".repeat(64)}`, sha256: "a".repeat(64), bytes: 1 },
    404,
  ],
])("a file that is %s is refused", async (_name, object, status) => {
  const response = await post("/v1/pipelines/pump/files", { files: [{ name: "x.csv", object }] });
  expect(response.status).toBe(status);
});

test("verifying the audit holds the chain against the newest anchor in the object store", async () => {
  await new ObjectAnchors(fixture.objects).keep({ position: 42, head: "b".repeat(64) });
  // The store in memory tells the position that it was given.
  expect(await (await fixture.request("/v1/audit/verify")).json()).toMatchObject({ ok: true, rows: 42 });
});
