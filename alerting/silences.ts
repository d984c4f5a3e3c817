import type { AlertSilence } from "../schemas/alerts/alert-silence.ts";
import type { AlertRow } from "../stores/postgres/port/alerts.ts";
import { isOfPattern } from "./text-pattern.ts";

/**
 * The silence under which nobody is told of an alert; undefined: there is none.
 *
 * @param now ms since 1970
 */
export function silenceOf(
  { rule, kind, asset }: Pick<AlertRow, "rule" | "kind" | "asset">,
  silences: readonly AlertSilence[],
  now: number,
): AlertSilence | undefined {
  return silences.find(
    ({ rules, assets, from, until }) =>
      (from === undefined || Date.parse(from) <= now) &&
      now < Date.parse(until) &&
      rules.some((pattern) => isOfPattern(rule ?? kind, pattern)) &&
      assets.some((pattern) => isOfPattern(asset ?? "", pattern)),
  );
}
