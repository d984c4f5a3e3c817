import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { startApi } from "../../api/start-api.ts";
import type { RunningApi } from "../../api/start-api.ts";
import type { StartedWorkflow, StartPromotionInput, WorkflowGateway } from "../../api/workflow-gateway.ts";
import { readSettings } from "../../config/settings.ts";
import type { RawFile } from "../../schemas/data/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type {
  ApprovalRow,
  AuditAnchor,
  AuditEntry,
  Database,
  KeyRow,
  NewKey,
  PredictionIndexRow,
  ThresholdEvent,
  VersionRow,
} from "../../stores/postgres/port.ts";
import { MemoryObjects } from "./memory-objects.ts";

/** What a test sets up and looks at behind the API. */
export interface ApiFixture {
  readonly api: RunningApi;
  readonly objects: MemoryObjects;
  readonly stateDir: string;
  readonly champions: Map<string, VersionRow>;
  readonly keys: Map<string, KeyRow>;
  readonly approvals: Map<string, ApprovalRow>;
  readonly indexed: Map<string, PredictionIndexRow>;
  readonly shipped: string[];
  readonly audit: AuditEntry[];
  readonly started: string[];
  readonly promotions: StartPromotionInput[];
  /** Ids of schedules. */
  readonly paused: Set<string>;
  readonly log: string[];
  /** The database refuses every call while set. */
  setDatabaseDown(isDown: boolean): void;
  setTemporalDown(isDown: boolean): void;
  /** As the registry does after a promotion. */
  notifyAlias(model: string): void;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Ends the API; with `keepState` another fixture may start on the same folder. */
  close(keepState?: boolean): Promise<void>;
}

export interface FixtureOptions {
  readonly environment?: Record<string, string>;
  readonly stateDir?: string;
  readonly objects?: MemoryObjects;
  readonly champions?: readonly VersionRow[];
  readonly isDatabaseDown?: boolean;
  readonly championPollMs?: number;
  /** A real database in the place of the one in memory; ends with the API. */
  readonly database?: Database;
}

/** The API on a free port over stores in memory: just what its own tests need of them. */
export async function startApiFixture(options: FixtureOptions = {}): Promise<ApiFixture> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), "aura-api-")));
  const objects = options.objects ?? new MemoryObjects();
  const backend = createMemoryBackend(options);
  const log: string[] = [];
  const settings = readSettings(
    { AURA_STATE_DIR: stateDir, AURA_INFERENCE_CHILDREN: "1", ...options.environment },
    stateDir,
  );
  const api = await startApi(settings, {
    connectDatabase: async () => options.database ?? backend.connect(),
    objects,
    workflows: backend.workflows,
    logger: pino({ level: "debug" }, { write: (line: string) => void log.push(line) }),
    release: "test",
    championPollMs: options.championPollMs ?? 60_000,
  }).catch(async (error: unknown) => {
    await rm(stateDir, { recursive: true, force: true });
    throw error;
  });
  return {
    ...backend.state,
    api,
    objects,
    stateDir,
    log,
    setDatabaseDown: backend.setDatabaseDown,
    setTemporalDown: backend.setTemporalDown,
    notifyAlias: backend.notifyAlias,
    request: (path, init) => fetch(`${api.url}${path}`, init),
    async close(keepState = false) {
      await api.close();
      if (!keepState) await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Waits until `check` holds; fails after five seconds. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 250; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not reached: ${check.toString()}`);
}

function createMemoryBackend(options: FixtureOptions) {
  let isDatabaseDown = options.isDatabaseDown ?? false;
  let isTemporalDown = false;
  const listeners = new Set<(model: string) => void>();
  const thresholds: ThresholdEvent[] = [];
  const state = {
    champions: new Map((options.champions ?? []).map((row) => [row.model, row])),
    keys: new Map<string, KeyRow>(),
    approvals: new Map<string, ApprovalRow>(),
    indexed: new Map<string, PredictionIndexRow>(),
    shipped: [] as string[],
    audit: [] as AuditEntry[],
    started: [] as string[],
    promotions: [] as StartPromotionInput[],
    paused: new Set<string>(),
  };
  const pipelineFiles = new Map<string, readonly RawFile[]>();
  const replies = new Map<string, { bodyHash: string; reply: unknown }>();
  const up = (): void => {
    if (isDatabaseDown) throw new PlatformError("database_unavailable", "memory database is down");
  };
  const guarded = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") throw new Error(`not faked: ${String(name)}`);
        return async (...args: unknown[]) => (up(), member.apply(target, args) as unknown);
      },
    });
  const database = {
    registry: guarded({
      champions: () => [...state.champions.values()],
      champion: (model: string) => state.champions.get(model),
      version: (model: string, version: number) =>
        [...state.champions.values()].find((v) => v.model === model && v.version === version),
      versions: (model: string) => [...state.champions.values()].filter((v) => v.model === model),
      history: () => [],
      models: () =>
        [...state.champions.values()].map((v) => ({ model: v.model, versions: 1, champion: v.version })),
      setThreshold: (change: Parameters<Database["registry"]["setThreshold"]>[0], entry: AuditEntry) => {
        const row = state.champions.get(change.model);
        if (row === undefined) throw new PlatformError("not_found", "no version");
        state.champions.set(change.model, { ...row, threshold: change.threshold });
        const event = { ...change, at: "2026-01-01T00:00:00.000Z", actor: entry.actor.id };
        thresholds.unshift(event);
        state.audit.push(entry);
        for (const listener of listeners) listener(change.model);
        return event;
      },
      thresholdEvents: () => thresholds,
      onAliasChange: (listener: (model: string) => void) => {
        listeners.add(listener);
        return async () => void listeners.delete(listener);
      },
    }),
    keys: guarded({
      isEnabled: () => state.keys.size > 0,
      create: (k: NewKey) => {
        const secret = k.secret ?? `secret-${state.keys.size}-${k.role}`;
        const key: KeyRow = {
          id: `key_${state.keys.size}`,
          name: k.name,
          owner: k.owner ?? k.name,
          role: k.role,
          sites: k.sites ?? null,
          createdAt: "2026-01-01T00:00:00Z",
          expiresAt: null,
          revokedAt: null,
        };
        if (!state.keys.has(secret)) state.keys.set(secret, key);
        return { key: state.keys.get(secret), secret };
      },
      verify: (secret: string) => state.keys.get(secret),
      list: () => [...state.keys.values()],
      revoke: (id: string) => {
        for (const [secret, key] of state.keys) {
          if (key.id === id) state.keys.set(secret, { ...key, revokedAt: "2026-01-02T00:00:00Z" });
        }
      },
    }),
    approvals: guarded({
      get: (id: string) => state.approvals.get(id),
      list: () => [...state.approvals.values()].map(({ evidence: _evidence, ...listed }) => listed),
      decide: (id: string) => {
        const row = state.approvals.get(id);
        if (row === undefined) throw new PlatformError("not_found", "no approval");
        return row;
      },
    }),
    predictions: guarded({
      index: (rows: PredictionIndexRow[]) => rows.forEach((row) => state.indexed.set(row.predictionId, row)),
      shipped: (segment: string) => void state.shipped.push(segment),
      list: () => [...state.indexed.values()],
    }),
    audit: guarded({
      append: (entry: AuditEntry) => void state.audit.push(entry),
      list: () => [],
      verify: (expected?: AuditAnchor) => ({
        ok: true,
        rows: expected?.position ?? 0,
        unsealed: 0,
        head: "",
      }),
    }),
    retention: guarded({ useObjects: () => undefined }),
    runs: guarded({ list: () => [], get: () => undefined }),
    datasets: guarded({
      list: () => [],
      get: () => undefined,
      addPipelineFiles: (pipeline: string, files: readonly RawFile[], entry: AuditEntry) => {
        const byName = new Map((pipelineFiles.get(pipeline) ?? []).map((file) => [file.name, file]));
        for (const file of files) byName.set(file.name, file);
        pipelineFiles.set(pipeline, [...byName.values()]);
        state.audit.push(entry);
      },
      pipelineFiles: (pipeline: string) => pipelineFiles.get(pipeline) ?? [],
    }),
    alerts: guarded({
      raise: () => undefined,
      resolve: () => undefined,
      list: () => [],
      acknowledge: () => undefined,
      countOpen: () => ({ info: 0, warning: 0, critical: 0 }),
    }),
    rollouts: guarded({ list: () => [], serving: () => [] }),
    assets: guarded({ list: () => [] }),
    performance: guarded({ list: () => [], verdicts: () => [], newest: () => [] }),
    drift: guarded({ list: () => [], verdicts: () => [], newest: () => [] }),
    scores: guarded({ get: () => undefined, writtenAt: () => undefined }),
    lineage: guarded({ of: () => undefined, page: () => undefined }),
    idempotency: guarded({
      once: async (
        k: { actor: string; route: string; key: string; bodyHash: string },
        work: () => Promise<object>,
      ) => {
        const id = `${k.actor} ${k.route} ${k.key}`;
        const known = replies.get(id);
        if (known === undefined) {
          const reply = await work();
          replies.set(id, { bodyHash: k.bodyHash, reply });
          return { ...reply, replayed: false };
        }
        if (known.bodyHash !== k.bodyHash) throw new PlatformError("idempotency_mismatch", "another body");
        return { ...(known.reply as object), replayed: true };
      },
    }),
    probe: async () => up(),
    close: async () => undefined,
  } as unknown as Database;
  const start = async (what: string): Promise<StartedWorkflow> => {
    if (isTemporalDown) throw new PlatformError("temporal_unavailable", "memory Temporal is down");
    state.started.push(what);
    return { workflowId: `wf-${state.started.length}`, runId: `run-${state.started.length}`, isNew: true };
  };
  const workflows: WorkflowGateway = {
    startPipeline: ({ inputHash }) => start(`pipeline ${inputHash}`),
    cancelRun: async () => undefined,
    pendingFailure: async () => undefined,
    wakeApproval: async (workflowId) => void (await start(`wake ${workflowId}`)),
    wakeRecommendation: async (id) => void (await start(`wake ${id}`)),
    startPromotion: (asked) => {
      state.promotions.push(asked);
      return start(`promote ${asked.model}@${asked.version}`);
    },
    startReview: ({ approvalId }) => start(`review ${approvalId}`),
    startRollout: ({ rolloutId }) => start(`rollout ${rolloutId}`),
    startScore: ({ jobId }) => start(`score ${jobId}`),
    requireScoreAlive: () => Promise.resolve(),
    startReplay: ({ input, hash }) => start(`replay ${input.pipeline} ${hash}`),
    startReproduction: ({ model, version }) => start(`reproduce ${model}@${version}`),
    startSavings: ({ model, version }) => start(`savings ${model}@${version}`),
    startDataComparison: ({ a, b }) => start(`compare ${a} ${b}`),
    outcomeOf: async () => ({ runId: "run-1", status: "running" }),
    triggerDriftCheck: (model) => start(`drift ${model}`),
    triggerPerformanceCheck: (model) => start(`performance ${model}`),
    askRetrain: async ({ model }) => {
      await start(`retrain ${model}`);
      return { window: "2026-11-21T00:00:00.000Z" };
    },
    schedules: async () => [],
    startReadingsUpload: (id) => start(`upload ${id}`),
    startFeaturesRefresh: (hash, { model = "all" }) => start(`features ${model} ${hash}`),
    testChannel: async ({ channel }) => ({ channel, outcome: "delivered", status: 200, reason: null }),
    schedule: async (id) => ({
      id,
      isPaused: state.paused.has(id),
      note: null,
      everySeconds: 900,
      nextAt: null,
      lastAt: null,
    }),
    pauseSchedule: async (id, { isPaused }) =>
      void (isPaused ? state.paused.add(id) : state.paused.delete(id)),
    startHousekeeping: ({ removeDatasets }) => start(`housekeeping ${removeDatasets}`),
    probe: async () => {
      if (isTemporalDown) throw new PlatformError("temporal_unavailable", "memory Temporal is down");
    },
    close: async () => undefined,
  };
  return {
    state,
    workflows,
    connect: (): Database => {
      up();
      return database;
    },
    setDatabaseDown: (isDown: boolean) => void (isDatabaseDown = isDown),
    setTemporalDown: (isDown: boolean) => void (isTemporalDown = isDown),
    notifyAlias: (model: string) => listeners.forEach((listener) => listener(model)),
  };
}
