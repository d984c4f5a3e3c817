import type { LiveSource } from "../schemas/live/source.ts";
import { isPlatformError } from "../schemas/platform-error.ts";
import type { AlertRuleStore } from "../stores/postgres/port/alert-rules.ts";
import type { AlertEvaluationStore, KnownAsset } from "../stores/postgres/port/alerting.ts";
import type { LiveSourceStore } from "../stores/postgres/port/live.ts";
import { compileRule } from "./compiled-rule.ts";
import type { CompiledRule } from "./compiled-rule.ts";
import { grouped } from "./grouped.ts";

export interface ScopeStores {
  readonly evaluation: Pick<AlertEvaluationStore, "assets">;
  readonly rules: Pick<AlertRuleStore, "list">;
  readonly sources: Pick<LiveSourceStore, "get">;
  readonly onFailure: (what: string, error: unknown) => void;
}

/** Rules with everything that their evaluation needs of the outside. */
export interface Scope {
  readonly revision: number;
  /** -Infinity: an asset was heard of that it does not know. */
  readAt: number;
  readonly rules: readonly CompiledRule[];
  /** By the key of their source. */
  readonly sources: ReadonlyMap<number, { readonly name: string; readonly rules: readonly CompiledRule[] }>;
  /** By source. */
  readonly assets: ReadonlyMap<string, readonly KnownAsset[]>;
  /** By source and asset, with a line feed between. */
  readonly classes: ReadonlyMap<string, string | null>;
}

/** Rules, their sources and assets as they are now. */
export async function readScope(
  { evaluation, rules, sources, onFailure }: ScopeStores,
  revision: number,
): Promise<Scope> {
  const readAt = performance.now();
  const compiled: CompiledRule[] = [];
  const byKey = new Map<number, { readonly name: string; readonly rules: CompiledRule[] }>();
  const found = new Map<string, { readonly key: number; readonly document: LiveSource } | undefined>();
  for (const { document, changedAt } of await rules.list()) {
    const { source: name } = document;
    if (name !== undefined && !found.has(name)) {
      const row = await sources.get(name);
      found.set(name, row && { key: row.sourceKey, document: row.document });
    }
    const source = name === undefined ? undefined : found.get(name);
    try {
      const rule = compileRule(document, source?.document, Date.parse(changedAt));
      compiled.push(rule);
      if (name === undefined || source === undefined) continue;
      const entry = byKey.get(source.key) ?? { name, rules: [] };
      entry.rules.push(rule);
      byKey.set(source.key, entry);
    } catch (error) {
      // A source of another form since: the rule rests, and the others go on.
      if (!isPlatformError(error) || error.isRetryable) throw error;
      onFailure(`read rule ${document.name}`, error);
    }
  }
  const assets = await evaluation.assets([...byKey.values()].map(({ name }) => name));
  return {
    revision,
    readAt,
    rules: compiled,
    sources: byKey,
    assets: grouped(assets, ({ source }) => source),
    classes: new Map(assets.map(({ source, asset, assetClass }) => [`${source}\n${asset}`, assetClass])),
  };
}
