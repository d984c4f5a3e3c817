import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { generateFleet } from "../synthetic/fleet.ts";
import { guessFile } from "./guess.ts";
import { draftPipeline } from "./pipeline-text.ts";
import { sampleFile } from "./sample-file.ts";

const root = mkdtempSync(join(tmpdir(), "aura-profile-"));
afterAll(() => rmSync(root, { recursive: true }));

async function draft(
  files: Record<string, string>,
): Promise<{ pipeline: Pipeline; text: string; checks: readonly string[] }> {
  const guesses = [];
  for (const [name, body] of Object.entries(files)) {
    const localPath = join(root, name);
    writeFileSync(localPath, body);
    guesses.push(guessFile(await sampleFile({ name, localPath })));
  }
  const { text, checks } = draftPipeline("mine", guesses);
  return { pipeline: parsePipeline(text, "pipeline.yaml").pipeline, text, checks };
}

describe("aura init drafts a valid file from", () => {
  it("a plain table with a label, leaving out serial numbers and leaks", async () => {
    const rows = Array.from(
      { length: 200 },
      (_, i) =>
        `S${i},${(i * 37) % 100},${i % 3 === 0 ? "L" : "M"},${i % 20 === 0 ? 1 : 0},${i % 20 === 0 ? 1 : 0}`,
    );
    const { pipeline, checks } = await draft({
      "t.csv": `Serial No,Torque [Nm],Type,mode,Machine failure\n${rows.join("\n")}\n`,
    });
    expect(pipeline.label).toEqual({ kind: "column", column: "Machine failure", positive: 1 });
    const use = Object.fromEntries((pipeline.sources["readings"]?.columns ?? []).map((c) => [c.name, c.use]));
    expect(use).toMatchObject({ "Torque [Nm]": "feature", mode: "ignore", "Machine failure": "label" });
    expect(checks.join()).toContain("'mode' is left out");
  });

  it("whitespace without a header: asset and cycle by how they run", async () => {
    const rows = Array.from({ length: 5 }, (_unit, u) =>
      Array.from({ length: 30 }, (_cycle, t) => `${u + 1} ${t + 1} ${(t * 0.7).toFixed(2)} 5.0  `),
    ).flat();
    const { pipeline } = await draft({ "train.txt": `${rows.join("\n")}\n` });
    const source = pipeline.sources["readings"];
    expect(source).toMatchObject({
      asset: "c1",
      time: { column: "c2", kind: "cycle" },
      format: { delimiter: "whitespace", header: false },
    });
    expect(source?.columns[3]?.use).toBe("ignore");
    expect(pipeline.task.kind).toBe("rul");
  });

  it("columns without a single value, which are left out and said to be empty", async () => {
    const rows = Array.from({ length: 5 }, (_unit, u) =>
      Array.from({ length: 30 }, (_cycle, t) => `${u + 1},${t + 1},,${(t * 0.7).toFixed(2)},NaN`),
    ).flat();
    const { pipeline, text } = await draft({
      "holes.csv": `engine,cycle,spare,heat,oil\n${rows.join("\n")}\n`,
    });
    const use = Object.fromEntries((pipeline.sources["readings"]?.columns ?? []).map((c) => [c.name, c.use]));
    expect(use).toEqual({ spare: "ignore", heat: "feature", oil: "ignore" });
    expect(text).toContain("{ name: spare, use: ignore } # 100.0 % missing; empty in the rows looked at");
    expect(text).toContain("kind: forecast, column: heat");
  });

  it("semicolons, decimal commas and epochs", async () => {
    const rows = Array.from(
      { length: 20 },
      (_, i) => `p${i % 2};${1_700_000_000 + i};${i},5;${i % 5 === 0 ? "yes" : "no"}`,
    );
    const { pipeline } = await draft({ "x.csv": `pump_id;timestamp;pressure;failed\n${rows.join("\n")}\n` });
    expect(pipeline.sources["readings"]).toMatchObject({
      asset: "pump_id",
      time: { column: "timestamp", epochUnit: "s" },
      format: { delimiter: ";", decimal: "," },
    });
    expect(pipeline.label).toMatchObject({ column: "failed" });
  });

  const pumps = (when: (i: number) => string): Record<string, string> => ({
    "pumps.csv": `pump_no;when;vib mm/s;temp [°C];power (kW)\n${Array.from(
      { length: 200 },
      (_, i) => `P-${i % 4};${when(i)};${i === 100 ? "abc" : `${i},5`};5${i % 10},1;${i}`,
    ).join("\n")}\n`,
    "failures.csv": `pump_no;when;what\nP-1;${when(50)};seal\nP-2;${when(60)};bearing\n`,
  });
  const two = (n: number): string => String(n).padStart(2, "0");

  it("German times, one cell that is no number, and units in names", async () => {
    const { pipeline, text, checks } = await draft(
      pumps((i) => `${two(1 + Math.floor(i / 24))}.03.2025 ${two(i % 24)}:00`),
    );
    for (const name of ["readings", "events"])
      expect(pipeline.sources[name]?.time).toMatchObject({ column: "when", format: "%d.%m.%Y %H:%M" });
    expect(pipeline.label).toEqual({ kind: "events", source: "events" });
    expect(pipeline.task.kind).toBe("failure_within");
    expect(pipeline.sources["readings"]?.columns).toMatchObject([
      { name: "vib mm/s", type: "float", unit: "mm/s", use: "feature" },
      { name: "temp [°C]", type: "float", unit: "°C" },
      { name: "power (kW)", type: "integer", unit: "kW" },
    ]);
    expect(checks).toContain("pumps.csv: 'vib mm/s': 1 value is no number: line 102 ('abc')");
    expect(text).toContain("timezone: Europe/Berlin");
  });

  it.each([
    ["day first", (i: number) => `${two(1 + (i % 28))}/03/2025`, "%d/%m/%Y", false],
    [
      "month first",
      (i: number) => `03/${two(1 + (i % 28))}/2025 ${two(i % 24)}:00:00`,
      "%m/%d/%Y %H:%M:%S",
      false,
    ],
    ["either", (i: number) => `${two(1 + (i % 12))}/03/2025`, "%d/%m/%Y", true],
    ["year first", (i: number) => `2025/03/${two(1 + (i % 28))} 10:00`, "%Y/%m/%d %H:%M", false],
  ])("times with slashes: %s", async (_name, when, format, isAmbiguous) => {
    const { pipeline, checks } = await draft(pumps(when));
    expect(pipeline.sources["readings"]?.time?.format).toBe(format);
    expect(checks.join().includes("cannot be told apart")).toBe(isAmbiguous);
  });

  const hours = (n: number): string => `2025-03-${two(1 + Math.floor(n / 24))} ${two(n % 24)}:00:00`;
  const readingsOf = (key: string, ids: readonly string[]): string =>
    `zeit,${key},druck,modus\n${Array.from({ length: 120 }, (_, i) =>
      ids
        .map((id, k) => `${hours(i)},${id},${(i * (k + 1)) % 7}.5,${i % 3 === 0 ? "auto" : "hand"}`)
        .join("\n"),
    ).join("\n")}\n`;
  const stops = (key: string): string =>
    `wann,${key},teil\n${hours(50)},K1,Dichtung\n${hours(70)},K2,Lager\n${hours(90)},K1,Lager\n`;

  it.each(["compressor", "Kompressor", "Linie 7"])(
    "a fleet whose machine column is called %s",
    async (key) => {
      const { pipeline } = await draft({
        "messwerte.csv": readingsOf(key, ["K1", "K2", "K3"]),
        "stillstand.csv": stops(key),
        "stamm.csv": `${key},baujahr\nK1,2001\nK2,2005\nK3,2009\n`,
      });
      expect(Object.values(pipeline.sources).map((s) => [s.role, s.asset])).toEqual(
        expect.arrayContaining([
          ["readings", key],
          ["events", key],
          ["attributes", key],
        ]),
      );
      expect(pipeline.label).toEqual({ kind: "events", source: "events" });
      expect(pipeline.task.kind).toBe("failure_within");
    },
  );

  it("a file per machine, whose id is constant in each", async () => {
    const { pipeline } = await draft({
      "k1.csv": readingsOf("agg", ["K1"]),
      "k2.csv": readingsOf("agg", ["K2"]),
      "ausfaelle.csv": stops("agg"),
    });
    expect(pipeline.sources["readings"]).toMatchObject({
      asset: "agg",
      files: [{ path: "k1.csv" }, { path: "k2.csv" }],
    });
    expect(pipeline.sources["events"]).toMatchObject({ role: "events", asset: "agg" });
    const alone = await draft({ "k1.csv": readingsOf("agg", ["K1"]), "k2.csv": readingsOf("agg", ["K2"]) });
    expect(alone.pipeline.sources["readings"]?.asset).toBe("agg");
  });

  it("a site beside the machine in every table", async () => {
    const withSite = (csv: string): string =>
      csv.replaceAll(/^(.*)$/gm, (line) =>
        line === "" ? "" : `${/^(?:zeit|wann)/.test(line) ? "werk" : /K3/.test(line) ? "W2" : "W1"},${line}`,
      );
    const { pipeline } = await draft({
      "m.csv": withSite(readingsOf("agg", ["K1", "K2", "K3"])),
      "stopps.csv": withSite(stops("agg").replace("K2", "K3")),
    });
    expect(pipeline.sources["readings"]?.asset).toBe("agg");
    expect(pipeline.label.kind).toBe("events");
  });

  it("one file in which a text tells the rows of a time apart", async () => {
    const { pipeline } = await draft({ "alle.csv": readingsOf("agg", ["K1", "K2"]) });
    expect(pipeline.sources["readings"]?.asset).toBe("agg");
    expect(pipeline.label.kind).toBe("end_of_life");
  });

  it("readings that do not name the machine of the events: no column is taken for a class", async () => {
    const files = {
      "m.csv": readingsOf("x", ["1"]).replace("zeit,x", "zeit,druck2"),
      "failures.csv": stops("machine"),
    };
    await expect(draft(files)).rejects.toMatchObject({ code: "bad_file", message: /names the machine/ });
  });

  it("JSON lines", async () => {
    const rows = Array.from({ length: 20 }, (_, i) => JSON.stringify({ load: i / 3, fault: i % 2 }));
    const { pipeline } = await draft({ "x.jsonl": rows.join("\n") });
    expect(pipeline.sources["readings"]?.format.type).toBe("jsonl");
  });

  it("column names that need quotes", async () => {
    const { pipeline } = await draft({
      "x.csv": `"a: {b}, #c",yes,"it's ""q""",fail\n${"1.5,2,3,0\n2.5,1,3.5,1\n".repeat(5)}`,
    });
    expect(pipeline.sources["readings"]?.columns.map((c) => c.name)).toEqual([
      "a: {b}, #c",
      "yes",
      `it's "q"`,
      "fail",
    ]);
  });

  it("a fleet with events and attributes", async () => {
    const { files } = await generateFleet({ assets: 20, days: 20 }, join(root, "fleet"));
    const guesses = [];
    for (const [name, localPath] of Object.entries(files))
      guesses.push(guessFile(await sampleFile({ name: `${name}.csv`, localPath })));
    const { pipeline } = parsePipeline(draftPipeline("fleet", guesses).text, "p.yaml");
    expect(pipeline.label).toMatchObject({ kind: "events", where: { type: "failure" } });
    expect(
      Object.values(pipeline.sources)
        .map((s) => s.role)
        .sort(),
    ).toEqual(["attributes", "events", "readings"]);
  });
});

describe("aura init refuses", () => {
  it.each([
    ["nothing to learn", "note\nhello\nworld\n"],
    ["a header only", "a,b\n"],
  ])("%s", async (_name, body) => {
    await expect(draft({ "x.csv": body })).rejects.toMatchObject({ code: "bad_file" });
  });
});
