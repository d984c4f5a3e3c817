import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { Evaluation } from "../../schemas/models/model-version.ts";
import { compareFile, compareStages } from "./compare-versions.ts";

const side = (text: string) => {
  const bytes = new TextEncoder().encode(text);
  return { sha256: sha256Hex(bytes), bytes };
};

const evaluation = {
  candidate: "gbdt",
  candidates: [
    { name: "gbdt", kind: "gbdt", cv: { rmse: 1 } },
    { name: "linear", kind: "linear", cv: { rmse: 2 } },
  ],
  metrics: { test: { rmse: 1 }, cv: { rmse: 1 } },
} as unknown as Evaluation;

describe("compareFile", () => {
  it.each<[string, string | null, string | null, boolean, number | null]>([
    ["equal bytes", "abc", "abc", true, null],
    ["another first byte", "abc", "xbc", false, 0],
    ["another last byte", "abc", "abd", false, 2],
    ["a longer file with the same beginning", "abc", "abcd", false, 3],
    ["an empty file", "", "a", false, 0],
    ["a file that was not recorded", null, "abc", false, null],
    ["a file that was not made", "abc", null, false, null],
  ])("%s", (_name, recorded, reproduced, equal, firstDifference) => {
    const pair = {
      role: "onnx",
      recorded: recorded === null ? null : side(recorded),
      reproduced: reproduced === null ? null : side(reproduced),
    };
    expect(compareFile(pair)).toMatchObject({
      name: "model.onnx",
      stage: "train",
      equal,
      firstDifference,
    });
  });

  it("trusts the bytes and not the hashes", () => {
    const recorded = side("abc");
    const reproduced = { ...side("abd"), sha256: recorded.sha256 };
    expect(compareFile({ role: "view", recorded, reproduced }).equal).toBe(false);
  });
});

describe("compareStages", () => {
  const pair = (role: string, again = "a") =>
    compareFile({ role, recorded: side("a"), reproduced: side(again) });
  const detailOf = (files: ReturnType<typeof pair>[], reproduced = evaluation) =>
    compareStages(files, { recorded: evaluation, reproduced }).map(({ stage, equal, detail }) =>
      equal ? stage : `${stage}: ${detail}`,
    );

  it("finds all equal", () => {
    expect(detailOf([pair("view"), pair("onnx"), pair("card")])).toEqual(["transform", "train", "evaluate"]);
  });

  it("names the stage whose file differs", () => {
    expect(detailOf([pair("view"), pair("onnx", "b"), pair("card")])).toEqual([
      "transform",
      "train: model.onnx differs from byte 0",
      "evaluate",
    ]);
  });

  it("says where training went another way though the files agree", () => {
    const other = {
      ...evaluation,
      candidate: "linear",
      candidates: [{ name: "gbdt", kind: "gbdt", cv: { rmse: 3 } }, evaluation.candidates[1]],
      metrics: { test: { rmse: 9 }, cv: { rmse: 1 } },
    } as unknown as Evaluation;
    expect(detailOf([pair("onnx")], other)).toEqual([
      "transform",
      "train: linear was chosen instead of gbdt; the cross-validation of gbdt differs",
      "evaluate: the evaluation's metrics differ",
    ]);
  });
});
