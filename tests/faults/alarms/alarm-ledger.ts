import { observe, QUIET } from "../../../alerting/alarm-state.ts";
import type { AlarmState } from "../../../alerting/alarm-state.ts";
import { compileRule, verdictOf } from "../../../alerting/compiled-rule.ts";
import { alertRuleSchema } from "../../../schemas/alerts/alert-rule.ts";
import type { AlertRule } from "../../../schemas/alerts/alert-rule.ts";
import { liveSourceSchema } from "../../../schemas/live/source.ts";

export const SOURCE = liveSourceSchema.parse({ name: "ledger", owner: "tests", columns: [{ name: "heat" }] });

/** Times between readings are never further apart than an hour, however long parts were away. */
export const RULES: readonly AlertRule[] = [
  { name: "hot", when: { kind: "threshold", column: "heat", above: 90, clear: 80 } },
  { name: "held", when: { kind: "threshold", column: "heat", above: 85, for: "2s", gap: "1h" } },
  { name: "often", when: { kind: "threshold", column: "heat", above: 85, repeat: { hits: 3, of: 5 } } },
].map((rule) => alertRuleSchema.parse({ ...rule, source: SOURCE.name, severity: "critical" }));

/** What must have become of the readings that were acknowledged, whoever was killed. */
export class AlarmLedger {
  readonly #states = new Map<string, AlarmState>();
  readonly #expected = new Map<string, string[]>();
  readonly #rules = RULES.map((rule) => compileRule(rule, SOURCE));

  /** Readings of an asset in the order of their times, each once. */
  acknowledged(asset: string, at: number, heat: number): void {
    for (const { rule, condition } of this.#rules) {
      if (rule.when.kind !== "threshold") continue;
      const key = `${rule.name} ${asset}`;
      const step = observe(this.#states.get(key) ?? QUIET, condition, {
        at,
        verdict: verdictOf(rule.when, heat),
      });
      this.#states.set(key, step.state);
      if (step.change === "raised" || step.change === "cleared")
        this.#expected.set(key, [...(this.#expected.get(key) ?? []), step.change]);
    }
  }

  get nExpected(): number {
    return [...this.#expected.values()].reduce((sum, changes) => sum + changes.length, 0);
  }

  /** @param found changes in their order, by rule and asset @returns what is wrong, one line each */
  judge(found: ReadonlyMap<string, readonly string[]>): string[] {
    const keys = new Set([...this.#expected.keys(), ...found.keys()]);
    return [...keys].sort().flatMap((key) => {
      const [expected, got] = [this.#expected.get(key) ?? [], found.get(key) ?? []];
      return expected.join() === got.join()
        ? []
        : [
            `${key}: expected ${expected.length} changes [${expected.join()}], found ${got.length} [${got.join()}]`,
          ];
    });
  }
}
