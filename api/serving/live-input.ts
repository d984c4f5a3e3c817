import type { OnlineRow } from "../../schemas/live/online-features.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ServedVersion } from "./served-version.ts";

/** Names beyond these are counted. */
const SHOWN = 5;

/**
 * The input row of an asset's live features, by the policy of the pipeline: features that are stale or unfit are refused,
 * taken for missing, or told of.
 *
 * @throws {PlatformError} not_found: the asset has no reading; features_unfit by the policy `reject`
 */
export function liveInput(
  { signature }: Pick<ServedVersion, "signature">,
  { asset, status, row, policy, unfit, warnings }: OnlineRow,
): { readonly row: Float64Array; readonly warnings: string[] } {
  if (status === "not_found")
    throw new PlatformError("not_found", `predict [asset ${asset}]: it has no live reading`);
  const values = Float64Array.from(row, (value) => value ?? NaN);
  const [first] = unfit;
  if (first === undefined) return { row: values, warnings: [...warnings] };
  const names = unfit.slice(0, SHOWN).map(({ index }) => signature.inputs[index]?.name ?? "");
  const nMore = unfit.length - names.length;
  const which = `${names.join(", ")}${nMore === 0 ? "" : ` and ${nMore} more`}`;
  const told = `features: ${which} ${unfit.length === 1 ? "is" : "are"} ${first.status}: ${first.reason}`;
  if (policy === "reject") throw new PlatformError("features_unfit", `predict [asset ${asset}]: ${told}`);
  if (policy === "impute") for (const { index } of unfit) values[index] = NaN;
  const end = policy === "impute" ? "; they are taken for missing" : "";
  return { row: values, warnings: [...warnings, `${told}${end}`] };
}
