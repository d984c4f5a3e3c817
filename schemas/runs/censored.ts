import { z } from "zod";

const countSchema = z.strictObject({
  /** Rows whose remaining life is only known to exceed a bound. */
  rows: z.int(),
  /** Rows whose bound reaches the cap, so that their label is known to be the cap. */
  atCap: z.int(),
  /** Assets that either belong to: they had not failed, or not again, when they were last seen. */
  assets: z.int(),
});

/** Task rul: what was known of assets that had not failed, and which candidates learnt from it. */
export const censoredSchema = z.strictObject({
  train: countSchema,
  test: countSchema,
  /** Names of candidates that learn from lower bounds, and of those that leave such rows out. */
  usedBy: z.array(z.string()),
  leftOutBy: z.array(z.string()),
});
export type Censored = z.infer<typeof censoredSchema>;

/** One sentence for people. */
export function censoredText({ train, test, usedBy, leftOutBy }: Censored): string {
  const of = (names: readonly string[]) => names.join(", ");
  const used =
    usedBy.length === 0
      ? "left out by every candidate"
      : `used as lower bounds by ${of(usedBy)}${leftOutBy.length === 0 ? "" : `, left out by ${of(leftOutBy)}`}`;
  const atCap = train.atCap + test.atCap;
  const known = atCap === 0 ? "" : `; ${atCap} more rows are known to be at the cap`;
  return `${train.assets + test.assets} assets had not failed: ${train.rows} training rows ${used}, ${test.rows} holdout rows count in concordance, lifeLoss and rmseIpcw${known}`;
}
