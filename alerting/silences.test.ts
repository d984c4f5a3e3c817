import { expect, it } from "vitest";
import { alertSilenceSchema } from "../schemas/alerts/alert-silence.ts";
import { silenceOf } from "./silences.ts";

const NOW = Date.UTC(2026, 3, 5, 10);
const iso = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();
const HOT = { rule: "hot-bearing", kind: "rule", asset: "pump-4" };
const DRIFT = { rule: null, kind: "drift", asset: null };

it.each([
  ["everything", HOT, { until: iso(1) }, true],
  ["the platform's own as well", DRIFT, { until: iso(1) }, true],
  ["nothing at its end", HOT, { until: iso(0) }, false],
  ["nothing before its beginning", HOT, { from: iso(1), until: iso(2) }, false],
  ["what is at its beginning", HOT, { from: iso(0), until: iso(2) }, true],
  ["its rules", HOT, { until: iso(1), rules: ["cold", "hot-*"] }, true],
  ["no others", HOT, { until: iso(1), rules: ["cold"] }, false],
  ["its assets", HOT, { until: iso(1), assets: ["pump-4"] }, true],
  ["no other assets", HOT, { until: iso(1), assets: ["pump-5"] }, false],
  ["nothing of no asset, where it names some", DRIFT, { until: iso(1), assets: ["pump-*"] }, false],
  ["kinds", DRIFT, { until: iso(1), rules: ["drift"] }, true],
])("covers %s", (_, alert, more, isSilent) => {
  const silence = alertSilenceSchema.parse({ name: "works", comment: "overhaul", ...more });
  expect(silenceOf(alert, [silence], NOW)).toBe(isSilent ? silence : undefined);
});

it("ends after it begins", () => {
  const of = (from: string, until: string) =>
    alertSilenceSchema.safeParse({ name: "works", comment: "overhaul", from, until }).success;
  expect([of(iso(0), iso(1)), of(iso(1), iso(1)), of("today", iso(1))]).toEqual([true, false, false]);
});
