import { LINEAGE_LISTS } from "../schemas/data/lineage.ts";
import type { Lineage, LineageItem, LineageList } from "../schemas/data/lineage.ts";
import { csvText } from "../schemas/text/csv.ts";
import { timeText } from "./list-view.ts";
import type { ListColumn } from "./list-view.ts";
import { safeText } from "./output.ts";
import type { Output } from "./output.ts";
import { numberText } from "./run/evaluation-text.ts";

const model = ({ model: name, version }: LineageItem) => (version === null ? name : `${name}@${version}`);
const at: ListColumn<LineageItem> = ["at", (item) => timeText(item.at)];
const state: ListColumn<LineageItem> = ["state", (item) => item.state];

/** What people see of each list. */
export const LINEAGE_COLUMNS: Readonly<Record<LineageList, readonly ListColumn<LineageItem>[]>> = {
  files: [
    ["file", (item) => item.name],
    ["sha256", (item) => item.id],
  ],
  datasets: [["dataset", (item) => item.id], ["pipeline", (item) => item.name], state, at],
  runs: [["run", (item) => item.id], ["model", model], state, at, ["workflow", (item) => item.detail]],
  versions: [["model", (item) => item.id], ["digest", (item) => item.digest], state, at],
  approvals: [["approval", (item) => item.id], state, ["by", (item) => item.detail], at],
  predictions: [
    ["prediction", (item) => item.id],
    ["asset", (item) => item.asset],
    ["value", (item) => numberText(item.value ?? undefined)],
    ["model", model],
    at,
  ],
  scores: [["fleet score", (item) => item.id], ["model", model], ["through", (item) => item.state], at],
  drift: [["drift report", (item) => item.id], ["model", model], state, at],
  maintenance: [
    ["what", (item) => item.name],
    ["id", (item) => item.id],
    ["asset", (item) => item.asset],
    state,
    ["by, or outcome", (item) => item.detail],
    at,
  ],
};

/** Prints where something came from and what came of it: each list with its number and its newest lines. */
export function showLineage(output: Output, { counts, lists }: Lineage): void {
  const shown = LINEAGE_LISTS.filter((list) => (counts[list] ?? 0) > 0);
  for (const [i, list] of shown.entries()) {
    const items = lists[list] ?? [];
    const columns = LINEAGE_COLUMNS[list];
    if (i > 0) output.line();
    output.line(output.style("bold", `${list} ${counts[list]}`));
    for (const item of items) {
      const cells = columns.map(([, cell]) => cell(item)).filter((cell) => cell !== null && cell !== "");
      output.line(`  ${cells.map((cell) => safeText(String(cell))).join("  ")}`);
    }
    const rest = (counts[list] ?? 0) - items.length;
    if (rest > 0) output.line(`  and ${rest} more: --list ${list}, or all of them with --out`);
  }
}

const CSV_COLUMNS = [
  "id",
  "at",
  "name",
  "model",
  "version",
  "digest",
  "dataset",
  "asset",
  "value",
  "state",
  "detail",
] as const satisfies readonly (keyof LineageItem)[];

/** First line of the CSV of any lists. */
export const LINEAGE_CSV_HEADER = csvText([["list", ...CSV_COLUMNS]]);

/** Lines of a list as CSV; what is not known is empty. */
export function lineageCsv(list: LineageList, items: readonly LineageItem[]): string {
  return csvText(items.map((item) => [list, ...CSV_COLUMNS.map((column) => item[column] ?? "")]));
}
