import { expect, test } from "vitest";
import type { FeatureView } from "../../features/feature-view.ts";
import type { LiveValue } from "../../features/online.ts";
import { createAssetFeatures } from "./online-features.ts";
import type { ServedVersion } from "./served-version.ts";

const attribute = (column: string, isText: boolean) => ({
  name: column,
  physical: column,
  kind: isText ? ("category" as const) : ("number" as const),
  operator: "attribute" as const,
  args: { source: "plates", column, physical: column, isText },
});

const MODE = {
  name: "mode",
  physical: "mode",
  kind: "category" as const,
  operator: "category" as const,
  args: { column: "mode" },
};

function versionOf(features: FeatureView["features"]): ServedVersion {
  const view: Partial<FeatureView> = {
    source: "readings",
    timeKind: "cycle",
    columns: [{ name: "mode", physical: "mode", type: "text" }],
    derived: [],
    features,
  };
  const categories = { model: ["A", "B"], mode: ["on", "off"] };
  return { view, fitted: { categories }, encoder: { nFeatures: 3 } } as unknown as ServedVersion;
}

const version = versionOf([attribute("model", true), attribute("age_years", false), MODE]);

function ask(attributes?: Record<string, LiveValue>, mode: LiveValue = "on") {
  const readings = [
    { t: 1, mode: "strange, but not scored" },
    { t: 2, mode },
  ];
  const request = { asset: "a", readings, ...(attributes === undefined ? {} : { attributes }) };
  return createAssetFeatures().lastRow(version, request);
}

test("attributes that features use are taken, others may stand beside them", () => {
  const reply = ask({ model: "B", age_years: 7, site: "north" });
  expect(reply).toMatchObject({ row: Float64Array.of(1, 7, 0), warnings: [] });
  expect(ask({ model: null, age_years: null }).warnings).toEqual([]);
});

test("a name that no feature uses is a mistake where one that is used is absent", () => {
  expect(() => ask({ modle: "B", age_years: 7 })).toThrow(
    expect.objectContaining({
      code: "invalid_signature_input",
      locations: [
        {
          field: "attributes.modle",
          expected: "an attribute that features use, null where it is not known: model, age_years",
          found: "another name",
        },
      ],
    }),
  );
  expect(() => ask({ constructor: 1, age_years: 7 })).toThrow(/attributes\.constructor/);
  expect(() => ask({ model: "B", age_years: "7" })).toThrow(/attributes\.age_years.*finite number.*a text/);
});

test("attributes that are absent are named in a warning", () => {
  const warning = (names: string) =>
    `attributes: features use ${names}, got nothing; their values count as missing`;
  expect(ask().warnings).toEqual([warning("model, age_years")]);
  expect(ask({ model: "A" }).warnings).toEqual([warning("age_years")]);
});

test("a text that training has not seen is told, of attributes and of the scored reading", () => {
  const reply = ask({ model: "C", age_years: 7 }, "of");
  expect(reply.row).toEqual(Float64Array.of(NaN, 7, NaN));
  expect(reply.warnings).toEqual([
    "attributes.model: 'C' was not seen in training; it counts as missing",
    "readings.1.mode: 'of' was not seen in training; it counts as missing",
  ]);
});
