import { expect, it } from "vitest";
import { manifestOf, pipelineOf } from "../features/support/test-dataset.ts";
import { compileView } from "../features/view.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import type { LiveSource } from "../schemas/live/source.ts";
import { ModelFeeds } from "./model-feeds.ts";

const sources = {
  readings: { timeKind: "timestamp" as const, columns: [{ name: "x", type: "float" as const }], rows: [] },
};
const view = compileView(pipelineOf(sources, { features: [{ current: {} }] }), manifestOf(sources));
const version = { model: "wear", version: 2, digest: "d".repeat(64), view, fitted: {} };
const textOf = (live: string) => `name: wear
sources:
  readings:
    files: "*.csv"
    asset: id
    time: { column: t, kind: timestamp }
    columns: [{ name: x, type: float }]${live}
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
`;

it.each([
  ["a champion that is meant to be fed", "\n    live: pumps", true],
  ["none that nobody meant to feed", "", false],
])("tells once of %s and is not, and of its end", async (_, live, isTold) => {
  let document: LiveSource | undefined;
  const told: (string | undefined)[] = [];
  const feeds = new ModelFeeds({
    served: () => [version],
    online: { pipelineOf: async () => ({ pipeline: "wear", text: textOf(live) }) },
    sources: {
      get: async () =>
        document && {
          sourceKey: 1,
          document,
          version: 1,
          sha256: "s",
          actor: "a",
          createdAt: "",
          retiredAt: null,
        },
    },
    contexts: { open: async () => ({ id: "none", of: () => ({}) }) },
    onChange: (_version, problem) => void told.push(problem?.message),
  });
  await feeds.refresh();
  await feeds.refresh();
  expect(feeds.report()).toMatchObject([{ source: null, problem: { code: "features_unbound" } }]);
  document = liveSourceSchema.parse({ name: "pumps", owner: "t", columns: [{ name: "y" }] });
  await feeds.refresh();
  document = liveSourceSchema.parse({ name: "pumps", owner: "t", columns: [{ name: "x" }] });
  await feeds.refresh();
  expect(feeds.report()).toMatchObject([{ source: "pumps", problem: null, features: 1 }]);
  const problems = [
    expect.stringContaining("no such live source"),
    expect.stringContaining("x: expected"),
    undefined,
  ];
  expect(told).toEqual(isTold ? problems : [undefined]);
});
