import { describe, expect, it } from "vitest";
import { freezeReference } from "../../numerics/drift/reference.ts";
import type { DriftColumn } from "../../numerics/drift/reference.ts";
import { compareWithReference } from "../../numerics/drift/verdict.ts";
import { withoutMinorBins } from "../../numerics/drift/worst-columns.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { renderDriftPage } from "./page.ts";
import { driftDocumentSchema } from "./report-document.ts";

const generator = createGenerator(3);
const draw = (n: number, shift: number): Float64Array =>
  Float64Array.from({ length: n }, () => shift + generator.normal());

function pageOf(columns: readonly DriftColumn[], live: readonly DriftColumn[]): string {
  const report = withoutMinorBins(compareWithReference(freezeReference(columns), live));
  return renderDriftPage({
    model: "pump",
    version: 3,
    windowStart: "2026-01-01T00:00:00.000Z",
    windowEnd: "2026-01-02T00:00:00.000Z",
    confirmed: false,
    report: driftDocumentSchema.parse(JSON.parse(JSON.stringify(report))),
  });
}

describe("renderDriftPage", () => {
  it("shows the worst columns first, escaped, with plots, without scripts or links", () => {
    const hostile = `<script>alert("1")</script>&`;
    const columns = (shift: number): DriftColumn[] => [
      { name: "a", kind: "numeric", values: draw(800, 0) },
      { name: hostile, kind: "numeric", values: draw(800, shift) },
      { name: "kind", kind: "categorical", values: Array.from({ length: 800 }, (_, i) => `<b>${i % 3}`) },
      { name: "\u2192 score", role: "score", kind: "numeric", values: draw(800, shift) },
    ];
    const page = pageOf(columns(0), columns(2));
    expect(page).toContain("drift, suspected once");
    expect(page).not.toMatch(/<script|<b>|https?:|href|src=/);
    expect(page.match(/<svg/g)).toHaveLength(4);
    const inputs = page.slice(page.indexOf("<h2>Inputs</h2>"));
    expect(inputs.indexOf("&lt;script")).toBeLessThan(inputs.indexOf("<td>a</td>"));
  });
  it("stays below 1 MB for hundreds of columns with endless names, and when nothing can be said", () => {
    const wide = (shift: number): DriftColumn[] => {
      const texts = Array.from({ length: 500 }, (_, row) => `${"&<>".repeat(50)}${(row * (1 + shift)) % 40}`);
      return Array.from({ length: 700 }, (_, i) => {
        const name = `${"&".repeat(400)}${i}`;
        return { name, kind: "categorical" as const, values: texts };
      });
    };
    expect(pageOf(wide(0), wide(1)).length).toBeLessThan(1_000_000);
    expect(
      pageOf([{ name: "a", kind: "numeric", values: [] }], [{ name: "a", kind: "numeric", values: [] }]),
    ).toContain("insufficient data");
  });
});
