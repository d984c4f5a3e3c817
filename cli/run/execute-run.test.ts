import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunView, StageState } from "../../schemas/runs/run.ts";
import { ApiClient } from "../client.ts";
import type { CliContext } from "../context.ts";
import { problem, startFakeApi } from "../fake-api.ts";
import type { FakeApi, FakeRoutes } from "../fake-api.ts";
import { Output } from "../output.ts";
import { executeRun } from "./execute-run.ts";
import { hashFiles, openDataFolder } from "./local-files.ts";
import { runDocument, runExitCode } from "./run-document.ts";

const DIGEST = "d".repeat(64);
const STARTED = { runId: "r1", workflowId: "pipeline/p/1", isNew: true, pipeline: "p", model: "p" };

let folder: string;
let api: FakeApi;
let printed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-cli-"));
  writeFileSync(join(folder, "a.csv"), BYTES);
  printed = "";
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await api.close();
});

function view(patch: Partial<RunView>): RunView {
  const { runId, workflowId } = STARTED;
  const fixed = { pipeline: "p", model: "p", requestedBy: "local", startedAt: "2026-01-01T00:00:00Z" };
  return { runId, workflowId, ...fixed, status: "running", stages: [], ...patch };
}

function stage(name: StageState["stage"], state: StageState["state"], ms?: number): StageState {
  return { stage: name, state, ...(ms === undefined ? {} : { ms, detail: "10 rows" }) };
}

const WAITING = view({ status: "waiting", approvalId: "p.1.r1", version: 1, digest: DIGEST });
const PROMOTED = view({
  status: "finished",
  outcome: "promoted",
  version: 1,
  digest: DIGEST,
  stages: [stage("ingest", "reused", 5), stage("train", "done", 1_500)],
  metrics: { test: { rmse: 11.5 }, cv: { rmse: 12 } },
});

function approval(state: string, decisions: readonly unknown[] = []): unknown {
  return {
    id: "p.1.r1",
    kind: "promotion",
    subject: "p@1",
    digest: DIGEST,
    model: "p",
    version: 1,
    workflowId: "approve/promotion/p.1.r1/d",
    requestedBy: "local",
    policy: { quorum: 1 },
    evidence: {
      metrics: { test: { rmse: 11.5 }, cv: { rmse: 12 } },
      primaryMetric: "rmse",
      champion: null,
      gates: [],
    },
    state,
    deadline: "2026-01-02T00:00:00Z",
    decisions,
  };
}

async function run(
  answers: FakeRoutes,
  options: { approveAs?: string; wait?: boolean; signal?: AbortSignal } = {},
): Promise<RunView> {
  api = await startFakeApi(answers);
  const stream = { write: (text: string) => (printed += text) };
  const output = new Output({ stdout: stream, stderr: stream, environment: {} });
  const context: CliContext = {
    output,
    cwd: folder,
    isInteractive: false,
    settings: () => {
      throw new Error("not needed");
    },
    exitWith: () => undefined,
  };
  const connection = {
    client: new ApiClient({ baseUrl: api.url }),
    apiUrl: api.url,
    temporalUiUrl: "http://127.0.0.1:8233",
    isOwn: false,
    platformStartMs: 0,
    signal: options.signal ?? new AbortController().signal,
  };
  const files = await hashFiles(openDataFolder(folder, folder), ["a.csv"]);
  return executeRun(context, connection, { text: "name: p", files, wait: true, ...options });
}

function asked(): readonly string[] {
  return api.requests.map(({ method, path }) => `${method} ${path}`);
}

const BYTES = "a,b\n1,2\n";
const SHA256 = createHash("sha256").update(BYTES).digest("hex");

/** The routes of a run that ends promoted once its approval has been decided. */
function routes(stored: string): FakeRoutes {
  let isUploaded = false;
  let isDecided = false;
  return {
    "POST /v1/runs": () => (isUploaded ? { status: 202, body: STARTED } : problem("not_found", 404)),
    "PUT /v1/uploads": () => {
      isUploaded = true;
      const object = { key: `raw/sha256/${stored}`, sha256: stored, bytes: BYTES.length };
      return { body: { name: "a.csv", object } };
    },
    "GET /v1/runs/r1": (_request, n) => {
      if (n === 0) return problem("not_found", 404);
      return { body: isDecided ? PROMOTED : WAITING };
    },
    "GET /v1/approvals/p.1.r1": (_request, n) =>
      n === 0 ? problem("not_found", 404) : { body: approval("waiting") },
    "POST /v1/approvals/p.1.r1/decisions": ({ body }) => {
      isDecided = true;
      const { decisionId, decision, by, reason, channel } = JSON.parse(body) as Record<string, string>;
      const at = "2026-01-01T00:00:00Z";
      const one = { decisionId, decision, by, reason, channel, at, authenticated: false };
      return { body: approval("approved", [one]) };
    },
  };
}

describe("executeRun", () => {
  it("uploads what is missing, approves as asked, and follows to the end", async () => {
    const end = await run(routes(SHA256), { approveAs: "ann" });
    expect(end.outcome).toBe("promoted");
    expect(asked().slice(0, 3)).toEqual(["POST /v1/runs", "PUT /v1/uploads?name=a.csv", "POST /v1/runs"]);
    const decision = api.requests.find(({ path }) => path.endsWith("/decisions"));
    expect(JSON.parse(decision?.body ?? "")).toMatchObject({
      decision: "approve",
      digest: DIGEST,
      by: "ann",
      channel: "cli",
    });
    expect(printed).toContain("rmse *");
    expect(printed).toContain("aura approvals approve p.1.r1");
    expect(printed).toContain("workflows/approve%2Fpromotion%2Fp.1.r1%2Fd");
    expect(printed).toMatch(/= ingest +reused +10 rows/);
    expect(printed).toMatch(/✓ train +1\.5 s +10 rows/);
  });

  it("starts nothing on a file that changed while it was read", async () => {
    await expect(run(routes("0".repeat(64)))).rejects.toMatchObject({ code: "bad_file" });
    expect(asked()).toEqual(["POST /v1/runs", "PUT /v1/uploads?name=a.csv"]);
  });

  it("leaves the approval waiting where nobody can be asked", async () => {
    const end = await run(routes(SHA256));
    expect(runExitCode(end)).toBe(5);
    expect(asked().some((line) => line.endsWith("/decisions"))).toBe(false);
  });

  it("waits out an API that is being restarted, and sends nothing that is stored", async () => {
    const end = await run({
      "POST /v1/runs": () => ({ status: 202, body: { ...STARTED, isNew: false } }),
      "GET /v1/runs/r1": (_request, n) => (n < 2 ? problem("database_unavailable", 503) : { body: PROMOTED }),
    });
    expect(end.outcome).toBe("promoted");
    expect(asked()).not.toContain("PUT /v1/uploads?name=a.csv");
    expect(printed).toContain("was started before");
  });

  it("says that an interrupted run goes on", async () => {
    const asking = new AbortController();
    const interrupted = run(
      {
        "POST /v1/runs": () => ({ status: 202, body: STARTED }),
        "GET /v1/runs/r1": () => {
          asking.abort();
          return { body: view({}) };
        },
      },
      { signal: asking.signal },
    );
    await expect(interrupted).rejects.toThrow();
    expect(printed).toContain("not ended and goes on; `aura runs cancel r1` ends it");
  });

  it("returns at once where it need not wait", async () => {
    const end = await run(
      {
        "POST /v1/runs": () => ({ status: 202, body: STARTED }),
        "GET /v1/runs/r1": () => ({ body: view({}) }),
      },
      { wait: false },
    );
    expect([end.status, runExitCode(end)]).toEqual(["running", 0]);
  });

  it("takes a decision that was made meanwhile", async () => {
    const end = await run(
      {
        ...routes(SHA256),
        "GET /v1/runs/r1": (_request, n) => ({ body: n === 0 ? WAITING : PROMOTED }),
        "POST /v1/approvals/p.1.r1/decisions": () => problem("already_decided", 409),
      },
      { approveAs: "ann" },
    );
    expect(end.outcome).toBe("promoted");
    expect(printed).toContain("detail of already_decided");
  });
});

describe("outcomes", () => {
  beforeEach(async () => {
    api = await startFakeApi({});
  });

  it.each([
    ["promoted", view({ status: "finished", outcome: "promoted" }), 0],
    ["unchanged", view({ status: "finished", outcome: "unchanged" }), 0],
    ["refused", view({ status: "finished", outcome: "refused" }), 3],
    ["rejected", view({ status: "finished", outcome: "rejected" }), 4],
    ["expired", view({ status: "finished", outcome: "expired" }), 4],
    ["waiting", WAITING, 5],
    ["bad data", view({ status: "failed", error: { code: "quality_gate", message: "40 % bad" } }), 2],
    ["a leak", view({ status: "failed", error: { code: "leakage", message: "copy" } }), 2],
    ["a defect", view({ status: "failed", error: { code: "internal", message: "?" } }), 1],
    ["a person's cancel", view({ status: "cancelled", error: { code: "cancelled", message: "-" } }), 1],
  ])("%s", (_name, given, code) => {
    expect(runExitCode(given)).toBe(code);
  });

  it("documents a promoted run", () => {
    expect(runDocument(PROMOTED, { totalMs: 2_000.4, platformStartMs: 0 })).toMatchObject({
      outcome: "promoted",
      promoted: true,
      version: 1,
      dataset: null,
      metrics: { test: { rmse: 11.5 }, cv: { rmse: 12 } },
      timingsMs: { ingest: 5, train: 1_500, platformStart: 0, total: 2_000 },
    });
  });
});
