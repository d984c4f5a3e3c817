import { expect, it } from "vitest";
import { requireEndedLife } from "./transform-dataset.ts";

it("says what to do where no asset failed", () => {
  expect(() => requireEndedLife({ nLabelled: 0, nCensored: 812 })).toThrow(
    /got none: all 812 rows with a life are of assets that had not failed; check label.where .* or use the task anomaly/,
  );
  for (const counts of [{ nLabelled: 1, nCensored: 812 }, { nLabelled: 0 }, { nLabelled: 0, nCensored: 0 }])
    expect(() => requireEndedLife(counts)).not.toThrow();
});
