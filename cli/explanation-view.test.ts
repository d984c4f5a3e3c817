import { expect, it } from "vitest";
import { showExplanation } from "./explanation-view.ts";
import { Output } from "./output.ts";

it("shows the way from the expected score to the answer", () => {
  let shown = "";
  const stream = { write: (text: string) => (shown += text) };
  showExplanation(new Output({ stdout: stream, stderr: stream, environment: {} }), {
    predictionId: "p",
    value: 0.81,
    explanation: {
      unit: "log_odds",
      before: ["sigmoid", "isotonic_calibration"],
      expected: -2.5,
      rawScore: 1.25,
      contributions: [
        { feature: "heat", value: 71.5, unit: "°C", contribution: 4 },
        { feature: "site", value: "south", contribution: -0.5 },
        { feature: "speed", value: null, contribution: 0.125 },
      ],
      others: 0.125,
    },
  });
  expect(shown.split("\n").map((line) => line.trim().replaceAll(/ +/g, " "))).toEqual([
    "",
    "why [log_odds]",
    "expected -2.5",
    "heat 71.5 °C +4",
    "site south −0.5",
    "speed missing +0.125",
    "all others +0.125",
    "raw score 1.25",
    "the answer 0.81 follows from the raw score by: sigmoid, isotonic calibration",
    "",
  ]);
});
