import { isPlatformError } from "../../schemas/platform-error.ts";
import { readLabel, sentLabelSchema } from "../../schemas/serving/observed-label.ts";
import type { LabelProblem, LabelsReply, NewLabel } from "../../schemas/serving/observed-label.ts";
import type { AuditEntry, LabelOutcome, LabelStore } from "../../stores/postgres/port.ts";
import { labelProblem } from "./label-problem.ts";

/** Labels in one transaction; between two the thread does something else. */
const BATCH = 1_000;
/** Of ids and of problems in a reply. */
const MOST_TOLD = 1_000;
const MOST_UNKNOWN = 100;

/** What is said of all labels of a request that do not say it themselves. */
export interface LabelDefaults {
  readonly source: string;
  readonly kind?: string | undefined;
}

type Outcome = LabelOutcome | (Omit<LabelProblem, "index" | "outcome"> & { readonly outcome: "refused" });

/** Adds labels one batch after the other, and tells of those that were not simply added. */
export class LabelIntake {
  readonly #labels: Pick<LabelStore, "add" | "unknownAssets">;
  readonly #defaults: LabelDefaults;
  readonly #audit: AuditEntry;
  readonly #counts = { received: 0, added: 0, known: 0, conflicting: 0, refused: 0 };
  readonly #ids: (string | null)[] = [];
  readonly #problems: LabelProblem[] = [];
  readonly #unknown = new Set<string>();

  constructor(labels: Pick<LabelStore, "add" | "unknownAssets">, defaults: LabelDefaults, audit: AuditEntry) {
    this.#labels = labels;
    this.#defaults = defaults;
    this.#audit = audit;
  }

  async add(sent: readonly unknown[]): Promise<void> {
    for (let start = 0; start < sent.length; start += BATCH) {
      const read = sent.slice(start, start + BATCH).map((one) => this.#read(one));
      const labels = read.flatMap((one) => ("label" in one ? [one.label] : []));
      const stored = labels.length === 0 ? [] : await this.#labels.add(labels, this.#audit);
      await this.#tellUnknown(labels, stored);
      let next = 0;
      for (const one of read) this.#tell("label" in one ? (stored[next++] as LabelOutcome) : one);
    }
  }

  reply(): LabelsReply {
    return {
      ...this.#counts,
      ids: this.#ids,
      problems: this.#problems,
      unknownAssets: [...this.#unknown].slice(0, MOST_UNKNOWN),
    };
  }

  /** A label may be there before its machine is: it is taken, and said. */
  async #tellUnknown(labels: readonly NewLabel[], stored: readonly LabelOutcome[]): Promise<void> {
    if (this.#unknown.size >= MOST_UNKNOWN) return;
    const kept = labels.filter((_, i) => stored[i]?.outcome !== "refused");
    const assets = [...new Set(kept.flatMap(({ asset }) => asset ?? []))];
    if (assets.length === 0) return;
    for (const asset of await this.#labels.unknownAssets(assets)) this.#unknown.add(asset);
  }

  #read(sent: unknown): { readonly label: NewLabel } | Extract<Outcome, { outcome: "refused" }> {
    const { source, kind } = this.#defaults;
    const isObject = typeof sent === "object" && sent !== null && !Array.isArray(sent);
    const whole = isObject && kind !== undefined ? { kind, ...sent } : sent;
    const parsed = sentLabelSchema.safeParse(whole);
    try {
      if (!parsed.success) throw labelProblem(whole, parsed.error);
      return { label: readLabel(parsed.data, source, Date.now()) };
    } catch (error) {
      if (!isPlatformError(error)) throw error;
      return { outcome: "refused", code: error.code, reason: error.message };
    }
  }

  #tell(outcome: Outcome): void {
    const index = this.#counts.received++;
    this.#counts[outcome.outcome]++;
    if (this.#ids.length < MOST_TOLD)
      this.#ids.push(outcome.outcome === "refused" ? null : (outcome.id ?? null));
    if (this.#problems.length >= MOST_TOLD) return;
    if (outcome.outcome === "refused") this.#problems.push({ index, ...outcome });
    if (outcome.outcome !== "conflicting") return;
    const reason = `${outcome.standing} says otherwise of the same, and counts`;
    this.#problems.push({ index, ...outcome, code: "conflict", reason });
  }
}
