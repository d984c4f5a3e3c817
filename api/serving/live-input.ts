import type { OnlineRow } from "../../schemas/live/online-features.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ServedVersion } from "./served-version.ts";

/** Names beyond these are counted. */
const SHOWN = 5;

/**
 * The input row of an asset's live features, by the policy of the pipeline: features that are stale or unfit are refused,
 * taken for missing, or told of. Without a value of any feature only the policy `flag` lets the model answer.
 *
 * @throws {PlatformError} not_found: the asset has no reading; features_unfit by the policy `reject`, or `impute` with nothing left
 */
export function liveInput(
  { signature }: Pick<ServedVersion, "signature">,
  { asset, status, row, policy, unfit, warnings }: OnlineRow,
): { readonly row: Float64Array; readonly warnings: string[] } {
  if (status === "not_found")
    throw new PlatformError("not_found", `predict [asset ${asset}]: it has no live reading`);
  const values = Float64Array.from(row, (value) => value ?? NaN);
  const namesOf = (indices: readonly number[]): string => {
    const names = indices.slice(0, SHOWN).map((index) => signature.inputs[index]?.name ?? "");
    const nMore = indices.length - names.length;
    return `${names.join(", ")}${nMore === 0 ? "" : ` and ${nMore} more`}`;
  };
  const refuse = (told: string): never => {
    throw new PlatformError("features_unfit", `predict [asset ${asset}]: ${told}`);
  };
  const told = [...warnings];
  const nulls = [...values.keys()].filter((index) => Number.isNaN(values[index]));
  if (nulls.length > 0)
    told.push(`features: ${nulls.length} of ${values.length} have no value: ${namesOf(nulls)}`);
  const [first] = unfit;
  if (first !== undefined) {
    const which = namesOf(unfit.map(({ index }) => index));
    const unfitness = `features: ${which} ${unfit.length === 1 ? "is" : "are"} ${first.status}: ${first.reason}`;
    if (policy === "reject") refuse(unfitness);
    if (policy === "impute") for (const { index } of unfit) values[index] = NaN;
    told.push(policy === "impute" ? `${unfitness}; they are taken for missing` : unfitness);
  }
  if (values.some((value) => !Number.isNaN(value))) return { row: values, warnings: told };
  if (policy !== "flag") refuse(["no feature has a value to predict by", ...told].join("; "));
  return {
    row: values,
    warnings: ["no value of any feature: this is the model's answer to nothing", ...told],
  };
}
