import type { SavingsReport, SavingsStrategy } from "../../schemas/maintenance/savings.ts";
import { escapeHtml } from "../../schemas/text/html.ts";

/**
 * One self-contained page of simulated savings: the three strategies, what each life came to, and what closed orders came to. No
 * scripts, no network; all text is escaped.
 */
export function renderSavingsPage(report: SavingsReport): string {
  const title = `${report.model}@${report.version}: savings`;
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="state">${escapeHtml(headlineOf(report))}</p>`,
    `<p>Simulated on ${report.lives.total} lives of ${report.lives.assets} held-out assets, ${report.lives.failed} of which ended with a failure.</p>`,
    section("Strategies", strategyTable(report)),
    section("What the alarms came to", outcomeTable(report)),
    section("Lives", timelinePlot(report)),
    section("What closed work orders came to", realizedTable(report)),
    section("Costs and rules", ruleTable(report)),
    `<ul>${report.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>`,
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>${body.join("\n")}</body></html>\n`;
}

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1c2430}" +
  "table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #d8dee6;text-align:right}" +
  "td:first-child,th:first-child{text-align:left}h2{margin-top:2rem}.state{font-size:1.3rem;font-weight:bold}svg{max-width:100%}";

/** One sentence; the command line prints it as well. */
function headlineOf({ overRunToFailure: { value, low, high } }: SavingsReport): string {
  if (value === null) return "no cost rate can be given";
  const range = low === null || high === null ? "" : ` (95 %: ${percent(low)} to ${percent(high)})`;
  const word = value >= 0 ? "saves" : "costs";
  return `the model ${word} ${percent(Math.abs(value))} of the cost of running to failure${range}`;
}

const section = (title: string, content: string): string =>
  content === "" ? "" : `<h2>${title}</h2>\n${content}`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const money = (amount: number | null, currency: string): string =>
  amount === null ? "–" : `${amount.toLocaleString("en", { maximumFractionDigits: 0 })} ${currency}`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${cells("th", head)}${rows.map((row) => cells("td", row)).join("")}</table>`;
}

function strategyTable({
  modelled,
  runToFailure,
  fixedAge,
  overRunToFailure,
  overFixedAge,
  currency,
  unit,
}: SavingsReport): string {
  const row = (name: string, { rate, cost, lived, failures, works }: SavingsStrategy, saved: string) => [
    name,
    money(rate, currency),
    money(cost, currency),
    `${Math.round(lived)} ${unit}`,
    String(failures),
    String(works),
    saved,
  ];
  const shareText = ({ value, low, high }: SavingsReport["overFixedAge"]) =>
    value === null
      ? "–"
      : `${percent(value)}${low === null || high === null ? "" : ` (${percent(low)} to ${percent(high)})`}`;
  const age = fixedAge.age === null ? "never" : `${Math.round(fixedAge.age)} ${unit}`;
  return table(
    ["", `cost per 1,000 ${unit}`, "cost", "in operation", "failures", "planned work", "the model saves"],
    [
      row("by the model", modelled, ""),
      row("run to failure", runToFailure, shareText(overRunToFailure)),
      row(`replaced at a fixed age (best: ${age})`, fixedAge, shareText(overFixedAge)),
    ],
  );
}

function outcomeTable({ modelled, unit }: SavingsReport): string {
  const { prevented, missed, late, falseAlarms, replacedUnfailed, medianWarning } = modelled;
  return table(
    [
      "failures prevented",
      "missed",
      "alarm too late",
      "false alarms",
      "replaced, had not failed",
      "median warning",
    ],
    [
      [
        ...[prevented, missed, late, falseAlarms, replacedUnfailed].map(String),
        medianWarning === null ? "–" : `${Math.round(medianWarning)} ${unit}`,
      ],
    ],
  );
}

const WIDTH = 900;
const ROW = 12;
const LEFT = 130;
const MAX_NAME = 18;

/** A line per life: grey as it was, blue up to the work, red where it failed, triangles for alarms. */
function timelinePlot({ timeline, unit }: SavingsReport): string {
  const longest = timeline.reduce((most, { end }) => Math.max(most, end), 0);
  if (longest <= 0) return "";
  const x = (at: number): string => (LEFT + ((WIDTH - LEFT - 20) * Math.max(0, at)) / longest).toFixed(1);
  const lives = timeline.map(({ asset, entry, end, hasFailed, alarms, workAt }, i) => {
    const y = ROW * i + 10;
    const until = workAt ?? end;
    const failure =
      hasFailed && workAt === null ? `<circle cx="${x(end)}" cy="${y}" r="3.5" fill="#c53030"/>` : "";
    const marks = alarms
      .filter((alarm) => alarm <= until)
      .map((alarm) => `<path d="M${x(alarm)} ${y - 5}l4 7h-8z" fill="#dd6b20"/>`);
    return (
      `<text x="4" y="${y + 4}" font-size="10">${escapeHtml(asset.slice(0, MAX_NAME))}</text>` +
      `<line x1="${x(entry)}" x2="${x(end)}" y1="${y}" y2="${y}" stroke="#cbd5e0" stroke-width="3"/>` +
      `<line x1="${x(entry)}" x2="${x(until)}" y1="${y}" y2="${y}" stroke="#2b6cb0" stroke-width="3"/>${failure}${marks.join("")}`
    );
  });
  const height = ROW * timeline.length + 30;
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="lives">${lives.join("")}<text x="${LEFT}" y="${height - 6}" font-size="11">0 to ${Math.round(longest)} ${escapeHtml(unit)}: blue in operation, triangle an alarm, red a failure, grey what work came before</text></svg>`;
}

function realizedTable({ realized, currency }: SavingsReport): string {
  if (realized === null) return "<p>There are none yet.</p>";
  const { byOutcome, precision, medianHours, cost, costIfNothingWasDone } = realized;
  const { reporting, reportedCost, declaredOfReporting } = realized;
  const orders = byOutcome.reduce((sum, one) => sum + one.orders, 0);
  const all = { result: "all", orders, declaredCost: cost, reporting, reportedCost, declaredOfReporting };
  const costs = table(
    [
      "outcome",
      "orders",
      "cost, as declared",
      "orders that say a cost",
      "what they say",
      "declared of these",
    ],
    [...byOutcome, all].map((one) => [
      one.result.replaceAll("_", " "),
      String(one.orders),
      money(one.declaredCost, currency),
      String(one.reporting),
      money(one.reportedCost, currency),
      money(one.declaredOfReporting, currency),
    ]),
  );
  const rest = table(
    ["", ""],
    [
      ["something was found", precision === null ? "–" : percent(precision)],
      ["median hours to the end", medianHours === null ? "–" : medianHours.toFixed(1)],
      ["cost had nothing been done, at most", money(costIfNothingWasDone, currency)],
    ],
  );
  return `${costs}\n${rest}`;
}

function ruleTable({ costs, policy, currency, unit }: SavingsReport): string {
  const { lead, horizon, hits, of, threshold } = policy;
  return table(
    ["", ""],
    [
      ["failure, with downtime", money(costs.failure, currency)],
      ["planned work, with downtime", money(costs.planned, currency)],
      ["work that finds nothing", money(costs.inspection, currency)],
      [`unused life, per ${unit}`, money(costs.unusedLife, currency)],
      ["alarm", `${hits} of ${of} answers ${horizon === null ? "at most" : "at least"} ${threshold}`],
      ["from alarm to work", `${lead} ${unit}`],
      ["horizon", horizon === null ? "none" : `${horizon} ${unit}`],
    ],
  );
}
