/**
 * Sums over windows, each about values of the window itself, in SQL.
 *
 *   readings   ─ ─ ┬───────────────┬───────────────┬ ─ ─     blocks as long as the window
 *   window                │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│                    = end of one block + beginning of the next
 *                          before   present
 *
 * A window aggregate adds up terms of rows, and those cannot know which window they are in; they know their block. A window
 * always is the end of one block and the beginning of the next, and so the last value of the one and the first value of the
 * other are in it, wherever any value is. Each row has two terms, one about the first value of its block, for windows that end in it,
 * and one about the last, for windows that end in the next. The sums of both parts are put together as moments of groups are.
 *
 * Costs six sums where `stddev_samp` about a fixed value is one.
 */
import { onlyWhen } from "./sql-text.ts";
import type { SqlPlan } from "./sql-plan.ts";
import type { WindowSpan } from "./windows/window-span.ts";

/** The moments of a group as SQL; NULL or 0 where it has none. */
interface Part {
  readonly n: string;
  readonly sumX: string;
  readonly sumY: string;
}

export class SplitWindow {
  readonly #plan: SqlPlan;
  readonly #present: string;
  readonly #before: string;
  /** From a row to the end of its block. */
  readonly #rest: string;

  constructor(plan: SqlPlan, span: WindowSpan) {
    this.#plan = plan;
    const { place, ahead, back } = blocks(plan, span);
    this.#present = `ROWS BETWEEN ${place} PRECEDING AND CURRENT ROW`;
    this.#rest = `ROWS BETWEEN CURRENT ROW AND ${ahead} FOLLOWING`;
    this.#before = `ROWS BETWEEN ${back} PRECEDING AND ${place} + 1 PRECEDING`;
  }

  /** Sample standard deviation of a column; NULL below two values. */
  std(x: string): string {
    const { n, xx } = this.#moments(x, x);
    return onlyWhen(`${n} >= 2`, `sqrt(greatest(${xx}, 0e0) / (${n} - 1))`);
  }

  /** Least-squares slope; NULL where x does not vary. Both are NULL in the same rows. */
  slope(x: string, y: string): string {
    const { xx, xy } = this.#moments(x, y);
    return onlyWhen(`${xx} > 0`, `${xy} / ${xx}`);
  }

  /** Pearson correlation; NULL where one does not vary. Both are NULL in the same rows. */
  correlation(x: string, y: string): string {
    const { xx, xy } = this.#moments(x, y);
    const { xx: yy } = this.#moments(y, x);
    return onlyWhen(
      `${xx} > 0 AND ${yy} > 0`,
      `greatest(-1e0, least(1e0, ${xy} / (sqrt(${xx}) * sqrt(${yy}))))`,
    );
  }

  /** Rows with values, Σ (x − mean)², Σ (x − mean)(y − mean). */
  #moments(x: string, y: string): { readonly n: string; readonly xx: string; readonly xy: string } {
    const [ofX, ofY] = [this.#centred(x), this.#centred(y)];
    const present = this.#part(ofX.present, ofY.present, this.#present);
    const before = this.#part(ofX.before, ofY.before, this.#before);
    const n = this.#plan.fold(`(${present.n} + ${before.n})`);
    const share = `(CAST(${present.n} AS DOUBLE) * ${before.n} / (${present.n} + ${before.n}))`;
    const gapX = gap(ofX.gap, present.n, before.n, [present.sumX, before.sumX]);
    const gapY = gap(ofY.gap, present.n, before.n, [present.sumY, before.sumY]);
    const about = (products: (part: "present" | "before") => string, gaps: string) =>
      this.#plan.fold(
        `coalesce(${products("present")}, 0e0) + coalesce(${products("before")}, 0e0) + coalesce(${gaps} * ${share}, 0e0)`,
      );
    const ofPart = { present, before };
    const frameOf = { present: this.#present, before: this.#before };
    const product = (part: "present" | "before", other: string, sumOther: string) =>
      `${this.#plan.window(`sum(${ofX[part]} * ${other})`, frameOf[part])} - ${ofPart[part].sumX} * ${sumOther} / ${ofPart[part].n}`;
    return {
      n,
      xx: about((part) => product(part, ofX[part], ofPart[part].sumX), `${gapX} * ${gapX}`),
      xy: about((part) => product(part, ofY[part], ofPart[part].sumY), `${gapX} * ${gapY}`),
    };
  }

  /** The column about the first value of the block and about its last; by how much the last one before is above the first one now. */
  #centred(x: string): { readonly present: string; readonly before: string; readonly gap: string } {
    const first = this.#plan.anchor(`first_value(${x} IGNORE NULLS)`, this.#present);
    const last = this.#plan.anchor(`last_value(${x} IGNORE NULLS)`, this.#rest);
    return {
      present: this.#plan.term(`CAST(${x} - ${first} AS DOUBLE)`),
      before: this.#plan.term(`CAST(${x} - ${last} AS DOUBLE)`),
      gap: `CAST(${this.#plan.window(`first_value(${last})`, this.#before)} - ${first} AS DOUBLE)`,
    };
  }

  #part(x: string, y: string, frame: string): Part {
    return {
      n: this.#plan.window(`count(${x})`, frame),
      sumX: this.#plan.window(`sum(${x})`, frame),
      sumY: this.#plan.window(`sum(${y})`, frame),
    };
  }
}

/** Mean of the part before minus mean of the present one; NULL where one has no value. */
function gap(
  anchors: string,
  nPresent: string,
  nBefore: string,
  [present, before]: readonly [string, string],
): string {
  return `(${anchors} + ${before} / ${nBefore} - ${present} / ${nPresent})`;
}

/** Place of a row in its block, rows that follow in it, and rows of the window before the row. */
function blocks(plan: SqlPlan, span: WindowSpan): Record<"place" | "ahead" | "back", string> {
  const index = plan.index();
  if ("rows" in span) {
    const place = `${index} % ${span.rows}`;
    return {
      place: plan.located(place),
      ahead: plan.located(`${span.rows - 1} - ${place}`),
      back: `${span.rows - 1}`,
    };
  }
  const since = `((__t % ${span.us}) + ${span.us}) % ${span.us}`;
  const begin = plan.countUntil(`${since} + 1 PRECEDING`);
  const end = plan.countUntil(`${span.us - 1} - ${since} FOLLOWING`);
  return {
    place: plan.located(`${index} - ${begin}`),
    ahead: plan.located(`${end} - 1 - ${index}`),
    back: plan.located(`${index} - ${plan.countUntil(`${span.us} PRECEDING`)}`),
  };
}
