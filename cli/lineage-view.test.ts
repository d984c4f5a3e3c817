import { expect, test } from "vitest";
import type { Lineage, LineageItem } from "../schemas/data/lineage.ts";
import { LINEAGE_CSV_HEADER, lineageCsv, showLineage } from "./lineage-view.ts";
import { Output } from "./output.ts";

const item = (given: Partial<LineageItem> & { readonly id: string }): LineageItem => ({
  at: "2026-01-02T03:04:05.678Z",
  name: null,
  model: null,
  version: null,
  digest: null,
  dataset: null,
  asset: null,
  value: null,
  state: null,
  detail: null,
  ...given,
});
const prediction = item({ id: "p-1", model: "pump", version: 2, asset: "=cmd()", value: 0.5 });

test("shows the lists that have something, with their numbers and how to see the rest", () => {
  let printed = "";
  const stream = { write: (text: string) => (printed += text) };
  const counts = { predictions: 40, runs: 1, files: 0 };
  const run = item({ id: "r-1", state: "failed", detail: "pipeline/pump/1" });
  const lineage = {
    kind: "file",
    id: "a",
    counts,
    lists: { predictions: [prediction], runs: [run], files: [] },
  };
  showLineage(new Output({ stdout: stream, stderr: stream, environment: {} }), lineage as unknown as Lineage);
  expect(printed).toBe(
    "runs 1\n  r-1  failed  2026-01-02 03:04:05Z  pipeline/pump/1\n\n" +
      "predictions 40\n  p-1  =cmd()  0.5  pump@2  2026-01-02 03:04:05Z\n" +
      "  and 39 more: --list predictions, or all of them with --out\n",
  );
});

test("writes every list in the same columns, and no cell that a spreadsheet would run", () => {
  expect(LINEAGE_CSV_HEADER + lineageCsv("predictions", [prediction])).toBe(
    "list,id,at,name,model,version,digest,dataset,asset,value,state,detail\n" +
      "predictions,p-1,2026-01-02T03:04:05.678Z,,pump,2,,,'=cmd(),0.5,,\n",
  );
});
