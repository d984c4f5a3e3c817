import type { RealizedCosts, SavingsReport, SavingsStrategy } from "../../schemas/maintenance/savings.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";

const amount = (value: number | null): string =>
  value === null ? "-" : Math.round(value).toLocaleString("en");
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** What maintenance would have cost, and what it did cost, for people. */
export function showSavings(output: Output, report: SavingsReport): void {
  const { modelled, runToFailure, fixedAge, lives, unit, currency } = report;
  const line = (text: string) => output.line(safeText(text));
  line(
    `${report.model}@${report.version}: ${lives.total} lives of ${lives.assets} assets, ${lives.failed} failures`,
  );
  const row = (name: string, { rate, cost, failures, works }: SavingsStrategy) => [
    name,
    amount(rate),
    amount(cost),
    String(failures),
    String(works),
  ];
  output.table(
    ["strategy", `${currency} per 1,000 ${unit}`, currency, "failures", "planned work"],
    [
      row("by the model", modelled),
      row("run to failure", runToFailure),
      row(`fixed age (${fixedAge.age === null ? "never" : `${Math.round(fixedAge.age)} ${unit}`})`, fixedAge),
    ],
  );
  line(
    `prevented ${modelled.prevented}, missed ${modelled.missed}, too late ${modelled.late}, false alarms ${modelled.falseAlarms}`,
  );
  line(`saves ${shareText(report.overRunToFailure)} of running to failure`);
  line(`saves ${shareText(report.overFixedAge)} of the best fixed age`);
  const { costs } = report;
  line(
    `declared: failure ${amount(costs.failure)}, planned work ${amount(costs.planned)}, work that finds nothing ${amount(costs.inspection)} ${currency}`,
  );
  if (report.realized !== null) showRealized(output, report.realized, currency);
  for (const note of report.notes) line(`note: ${note}`);
}

function shareText({ value, low, high }: SavingsReport["overFixedAge"]): string {
  if (value === null) return "nothing that can be told";
  return `${percent(value)}${low === null || high === null ? "" : ` (95 %: ${percent(low)} to ${percent(high)})`}`;
}

type OutcomeRow = RealizedCosts["byOutcome"][number];

/** What closed orders came to, beside what is declared of such. */
function showRealized(output: Output, realized: RealizedCosts, currency: string): void {
  const { byOutcome, reporting, reportedCost, declaredOfReporting } = realized;
  const row = (name: string, of: Omit<OutcomeRow, "result" | "declaredOfReporting">) => [
    name,
    String(of.orders),
    amount(of.declaredCost),
    amount(of.reportedCost),
    String(of.reporting),
  ];
  const orders = byOutcome.reduce((sum, one) => sum + one.orders, 0);
  output.line();
  output.table(
    ["closed orders", "number", `${currency} as declared`, `${currency} given`, "by orders"],
    [
      ...byOutcome.map((one) => row(one.result.replaceAll("_", " "), one)),
      row("all", { orders, declaredCost: realized.cost, reporting, reportedCost }),
    ],
  );
  output.line(
    reporting === 0
      ? "no order says what it came to: aura work-orders close … --cost N"
      : safeText(
          `${reporting} of ${orders} orders say what they came to: ${amount(reportedCost)} ${currency}; as declared these are ${amount(declaredOfReporting)} ${currency}`,
        ),
  );
  output.line(
    safeText(
      `had nothing been done all would have come to ${amount(realized.costIfNothingWasDone)} ${currency} at most`,
    ),
  );
}
