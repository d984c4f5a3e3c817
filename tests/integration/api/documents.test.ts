import { afterAll, beforeAll, expect, it } from "vitest";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { startApiFixture } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";

await describeWithServices("documents", () => {
  let test: TestDatabase;
  let fixture: ApiFixture;
  beforeAll(async () => {
    test = await createTestDatabase("documents");
    fixture = await startApiFixture({ database: await createDatabase(test.url) });
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const add = async (body: unknown) =>
    fixture.request("/v1/documents", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const titles = async (query: string): Promise<unknown[]> => {
    const { items } = (await (await fixture.request(`/v1/documents?${query}`)).json()) as {
      items: { title: string }[];
    };
    return items.map(({ title }) => title);
  };

  it("are found by their words, by asset and by kind", async () => {
    await add({
      title: "Inspection",
      text: "Bearing noise at the drive end, grease added.",
      assets: ["p1"],
      at: "2026-01-01T00:00:00Z",
    });
    await add({
      title: "Bearing replaced",
      text: "New bearing, old one worn.",
      assets: ["p1", "p2"],
      at: "2026-02-01T00:00:00Z",
    });
    await add({ title: "shift.log", kind: "log", text: "nothing to say", assets: ["p2"] });
    expect(await titles("q=bearing")).toEqual(["Bearing replaced", "Inspection"]);
    expect(await titles("q=bearing+noise")).toEqual(["Inspection"]);
    expect(await titles("q=bearing+-noise")).toEqual(["Bearing replaced"]);
    expect(await titles("q=%22drive+end%22")).toEqual(["Inspection"]);
    expect(await titles("asset=p2")).toEqual(["shift.log", "Bearing replaced"]);
    expect(await titles("asset=p2&kind=report")).toEqual(["Bearing replaced"]);
    expect(await titles("q=%27%3B+drop+table+--")).toEqual([]);
    const found = (await (await fixture.request("/v1/documents?q=grease")).json()) as { items: object[] };
    expect(found.items[0]).toMatchObject({ assets: ["p1"], excerpt: expect.stringContaining("«grease»") });
  });

  it("may be files, which are given back as they came and never as a page", async () => {
    const upload = await fixture.request("/v1/uploads?name=report.html", {
      method: "PUT",
      headers: { "content-type": "application/octet-stream" },
      body: "<script>alert(1)</script> gearbox oil",
    });
    const file = (await upload.json()) as object;
    const made = await add({ title: "Gearbox", file, mediaType: "text/html" });
    const { id } = (await made.json()) as { id: number };
    expect(await titles("q=gearbox+oil")).toEqual(["Gearbox"]);
    const response = await fixture.request(`/v1/documents/${id}/file`);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(await response.text()).toContain("gearbox oil");
    expect((await fixture.request(`/v1/documents/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await fixture.request(`/v1/documents/${id}`)).status).toBe(404);
  });

  it.each([
    ["neither text nor file", { title: "x" }],
    ["no title", { text: "x" }],
    ["an id that is none", { title: "x", text: "x", assets: ["a\0"] }],
  ])("are refused with %s", async (_, body) => {
    expect((await add(body)).status).toBe(422);
  });

  it("hold what PostgreSQL cannot, marked", async () => {
    const made = await add({ title: "odd", text: "a\u0000b" });
    const { id } = (await made.json()) as { id: number };
    const { body } = (await (await fixture.request(`/v1/documents/${id}`)).json()) as { body: string };
    expect(body).toBe("a\uFFFDb");
  });
});
