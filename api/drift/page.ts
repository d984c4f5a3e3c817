import { MAX_DRAWN_COLUMNS, worstFirst } from "../../numerics/drift/worst-columns.ts";
import { escapeHtml } from "../../schemas/text/html.ts";
import { BLUE, htmlPage, htmlTable, numberCell, percentCell, RED, section } from "../pages/page-parts.ts";
import type { DriftDocument, ReportedColumn } from "./report-document.ts";

export interface DriftPageInput {
  readonly model: string;
  readonly version: number;
  readonly windowStart: string;
  readonly windowEnd: string;
  /** Windows in a row found the same drift. */
  readonly confirmed: boolean;
  readonly report: DriftDocument;
}

/** Rows of the table; with names cut short the page stays below 1 MB whatever the data. */
const MAX_TABLE_ROWS = 400;
const MAX_NAME = 80;

/**
 * One self-contained page of a drift check: the verdict, every column with its checks, and for the worst ones what the
 * reference and the window look like. No scripts, no network; all text is escaped. The worst columns come first.
 */
export function renderDriftPage(input: DriftPageInput): string {
  const { report, model, version } = input;
  const title = `${model}@${version}: drift`;
  const features = worstFirst(report.features.filter(({ role }) => role === "feature"));
  const scores = report.features.filter(({ role }) => role === "score");
  const drawn = new Set(worstFirst(report.features).slice(0, MAX_DRAWN_COLUMNS));
  const plots = (list: readonly ReportedColumn[]): string =>
    list.flatMap((feature) => (drawn.has(feature) ? [plotOf(feature)] : [])).join("");
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="state ${report.state}">${escapeHtml(stateText(input))}</p>`,
    `<p>${escapeHtml(report.reason)}</p>`,
    `<p>Predictions of ${escapeHtml(input.windowStart)} to ${escapeHtml(input.windowEnd)}: ${report.nRows} rows, beside ${report.nReferenceRows} of training. A check says drift where q ≤ its limit and its effect is large; q is p adjusted over all checks on this page.</p>`,
    section("Answers", columnTable(scores) + plots(scores)),
    section("All inputs together", togetherTable(report)),
    section("Inputs", columnTable(features) + omitted(features.length, MAX_TABLE_ROWS)),
    section("Reference and window", legend() + plots(features) + omitted(features.length, MAX_DRAWN_COLUMNS)),
  ];
  return htmlPage(title, body);
}

/** Drift that was found once is only suspected. */
function stateText({ report: { state }, confirmed }: DriftPageInput): string {
  if (state === "drift") return confirmed ? "drift, confirmed" : "drift, suspected once";
  return state.replaceAll("_", " ");
}

function omitted(n: number, most: number): string {
  return n > most ? `<p>and ${n - most} more, which drift less; all are in the JSON report.</p>` : "";
}

function columnTable(features: readonly ReportedColumn[]): string {
  const head = [
    "column",
    "state",
    "by",
    "n",
    "effect",
    "p",
    "q",
    "PSI",
    "KS",
    "W₁/σ",
    "JS",
    "missing",
    "outside",
    "unseen",
  ];
  return htmlTable(
    head,
    features.slice(0, MAX_TABLE_ROWS).map((feature) => {
      const { statistics: found } = feature;
      return [
        shortName(feature.name),
        feature.state.replaceAll("_", " "),
        feature.check,
        ...[feature.n, feature.effect, feature.p, feature.q, feature.psiCorrected].map(numberCell),
        ...[found.ks ?? found.totalVariation, found.wasserstein, found.jensenShannon].map(numberCell),
        ...[found.missingShare, found.outsideShare, found.unseenShare].map(percentCell),
      ];
    }),
  );
}

function togetherTable({ reconstruction }: DriftDocument): string {
  const { unavailable, n, effect, p, q, meanError, meanErrorReference, nComponents } = reconstruction;
  if (reconstruction.state === "not_available")
    return `<p>Reconstruction error: not available: ${escapeHtml(unavailable ?? "no row")}.</p>`;
  return htmlTable(
    ["check", "state", "n", "effect", "p", "q", "error", "at training", "components"],
    [
      [
        "reconstruction",
        reconstruction.state.replaceAll("_", " "),
        ...[n, effect, p, q, meanError, meanErrorReference, nComponents].map(numberCell),
      ],
    ],
  );
}

function legend(): string {
  return `<p><span style="color:${BLUE}">■</span> training <span style="color:${RED}">■</span> window; shares of the rows, values beyond the ends in the outer bins.</p>`;
}

function plotOf(feature: ReportedColumn): string {
  const { shares } = feature;
  if (shares === null) return "";
  const caption = `${shortName(feature.name)}: ${feature.state.replaceAll("_", " ")}, ${feature.check} ${numberCell(feature.effect)}, q ${numberCell(feature.q)}`;
  return `<figure>${sharesPlot(shares)}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

const WIDTH = 320;
const HEIGHT = 120;
const BOTTOM = 104;

/** Training as an area, the window as a line over it; categories as pairs of bars. */
function sharesPlot({ low, high, labels, reference, window }: NonNullable<ReportedColumn["shares"]>): string {
  const before = sharesOf(reference);
  const now = sharesOf(window);
  const top = Math.max(...before, ...now, 1e-12);
  const y = (share: number): string => (BOTTOM - (share / top) * (BOTTOM - 6)).toFixed(1);
  const width = WIDTH / before.length;
  const steps = (list: readonly number[]): string =>
    list.map((share, i) => `${i === 0 ? "" : "H"}${(i * width).toFixed(1)}V${y(share)}`).join("");
  const path = (list: readonly number[], style: string): string =>
    `<path d="M0 ${BOTTOM}H${steps(list)}H${WIDTH}V${BOTTOM}" ${style}/>`;
  const ends =
    labels === null
      ? `<text x="0" y="117">${numberCell(low)}</text><text x="${WIDTH}" y="117" text-anchor="end">${numberCell(high)}</text>`
      : labels
          .map(
            (label, i) =>
              `<text x="${((i + 0.5) * width).toFixed(1)}" y="117" text-anchor="middle">${escapeHtml(label.slice(0, Math.max(1, Math.floor(width / 6))))}</text>`,
          )
          .join("");
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" font-size="10" font-family="system-ui,sans-serif" role="img">${path(before, `fill="${BLUE}" fill-opacity="0.35"`)}${path(now, `fill="none" stroke="${RED}"`)}${ends}</svg>`;
}

function sharesOf(counts: readonly number[]): number[] {
  const total = Math.max(
    1,
    counts.reduce((sum, count) => sum + count, 0),
  );
  return counts.map((count) => count / total);
}

function shortName(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}
