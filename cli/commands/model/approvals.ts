import type { Command } from "commander";
import { Option } from "commander";
import { z } from "zod";
import { evaluationSchema } from "../../../schemas/models/model-version.ts";
import type { Evaluation } from "../../../schemas/models/model-version.ts";
import { runViewSchema } from "../../../schemas/runs/run.ts";
import { apiPath } from "../../client.ts";
import type { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { safeText } from "../../output.ts";
import { itemsOf, parseLimit, showListAt, timeText } from "../../list-view.ts";
import {
  decide,
  decisionText,
  listedApprovalSchema,
  outdatedText,
  readApproval,
} from "../../run/approval.ts";
import type { Approval } from "../../run/approval.ts";
import { showApproval } from "../../run/approval-card.ts";
import { asOption, personOf } from "../../run/as-option.ts";
import type { AsOption } from "../../run/as-option.ts";
import { followRun } from "../../run/follow-run.ts";
import { reportCommand } from "../../run/version-view.ts";
import { StageProgress } from "../../run/stage-progress.ts";

interface ListOptions {
  readonly state: string;
  readonly limit: number;
  readonly json?: boolean;
}

interface DecideOptions extends AsOption {
  readonly reason?: string;
  readonly digest?: string;
  readonly json?: boolean;
}

const STATES = ["waiting", "approved", "rejected", "expired"];

/** `aura approvals`: what waits for a person, and the person's answer. */
export function registerApprovalsCommand(program: Command): void {
  const approvals = program.command("approvals").description("list, look at and decide approvals");
  approvals
    .command("list")
    .description("approvals, newest first")
    .addOption(new Option("--state <state>", "which").choices([...STATES, "all"]).default("waiting"))
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura approvals list --state all")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  approvals
    .command("show")
    .description("one approval: metrics beside baseline and champion, gates, the ways to decide")
    .argument("<id>", "id of the approval")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura approvals show turbofan.3.01a1fd2a")
    .action(async (id: string, options: { json?: boolean }, command: Command) =>
      show(contextOf(command), id, options),
    );
  for (const decision of ["approve", "reject"] as const) {
    approvals
      .command(decision)
      .description(`${decision} exactly one model version`)
      .argument("<id>", "id of the approval")
      .addOption(asOption("decides"))
      .option("--reason <text>", "why; recorded")
      .option("--digest <sha256>", "refuse unless the approval is about this version digest")
      .option("--json", "print the approval as JSON")
      .addHelpText(
        "after",
        `\nExample:\n  $ aura approvals ${decision} turbofan.3.01a1fd2a --as you@example.com --reason "looked at it"`,
      )
      .action(async (id: string, options: DecideOptions, command: Command) =>
        decideOne(contextOf(command), { id, decision, options }),
      );
  }
}

async function list(context: CliContext, { state, limit, json }: ListOptions): Promise<void> {
  const query = { limit, state: state === "all" ? undefined : state };
  await showListAt(context, {
    path: "/v1/approvals",
    row: listedApprovalSchema,
    query,
    json,
    empty: state === "waiting" ? "nothing waits for a decision" : "there are none",
    columns: [
      ["id", (row) => row.id],
      ["state", (row) => row.state],
      ["subject", (row) => subjectText(row)],
      ["asked by", (row) => row.requestedBy],
      ["until", (row) => timeText(row.deadline)],
      ["decided by", (row) => row.decisions.map((one) => one.by).join(", ") || "-"],
    ],
  });
}

/** A case of maintenance is known by the recommendation's id as well; either is taken. */
function subjectText({ subject, recommendationId }: Pick<Approval, "subject" | "recommendationId">): string {
  return recommendationId == null ? subject : `${subject}, recommendation ${recommendationId}`;
}

async function show(context: CliContext, id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { output } = context;
  await withApi(context, { start: "if-made" }, async ({ client, apiUrl, temporalUiUrl }) => {
    const approval = await readApproval(client, id);
    if (json === true) {
      output.json(approval);
      return;
    }
    const evaluation = await evaluationOf(client, approval);
    showApproval(output, approval, {
      to: "stdout",
      apiUrl,
      ...(temporalUiUrl === undefined ? {} : { temporalUiUrl }),
      ...(evaluation === undefined ? {} : { evaluation }),
    });
    output.line(safeText(`report ${reportCommand(approval.model, approval.version)}`));
    output.line(`${approval.id} is ${approval.state}`);
    for (const one of approval.decisions)
      output.line(safeText(`  ${decisionText(one)} at ${timeText(one.at)}: ${one.reason}`));
  });
}

const evaluatedSchema = z.looseObject({ evaluation: evaluationSchema });

/** Of the version asked about: holds the baseline. */
async function evaluationOf(
  client: ApiClient,
  { model, version }: Approval,
): Promise<Evaluation | undefined> {
  const found = await client.find(apiPath`/v1/models/${model}/versions/${version}`, evaluatedSchema);
  return found?.evaluation;
}

async function decideOne(
  context: CliContext,
  given: { readonly id: string; readonly decision: "approve" | "reject"; readonly options: DecideOptions },
): Promise<void> {
  const { output } = context;
  const { reason = "", digest, json } = given.options;
  await withApi(context, { start: "if-made" }, async (connection) => {
    const { client } = connection;
    const decided = await decide(client, await readApproval(client, given.id), {
      decision: given.decision,
      by: personOf(given.options),
      reason,
      ...(digest === undefined ? {} : { digest }),
    });
    if (json === true) output.json(decided);
    else output.line(`${decided.id} (${decided.subject}) is ${decided.state}${afterText(decided)}`);
    // With a platform that ends with this command, the decision would take effect at the next start only.
    if (connection.isOwn && decided.state !== "waiting") await finishRun(context, connection, decided);
  });
}

/** What comes of an approval, a moment later: the promotion is the run's, the order the recommendation's. */
function outcomeText(approval: Approval): string {
  const { kind, model } = approval;
  if (outdatedText(approval) !== undefined) return "";
  if (kind === "maintenance") return "; the work order follows: aura work-orders list";
  if (kind === "review") return "";
  const name = safeText(model);
  return `; the promotion follows, by stages where the pipeline declares a rollout: aura models show ${name}, aura rollout status ${name}`;
}

function afterText(approval: Approval): string {
  const { state, decisions, policy } = approval;
  const outdated = outdatedText(approval);
  const but = outdated === undefined ? "" : safeText(`; ${outdated}`);
  if (state === "approved") return `${outcomeText(approval)}${but}`;
  if (state !== "waiting") return "";
  const given = decisions.filter((one) => one.decision === "approve").length;
  return `: ${given} of ${policy.quorum} approvals given${but}`;
}

/** Waits for the end of the run that asked. */
async function finishRun(context: CliContext, connection: Connection, approval: Approval): Promise<void> {
  const { client, signal } = connection;
  const runs = await client.get("/v1/runs", itemsOf(runViewSchema), { model: approval.model });
  const run = runs.items.find((one) => one.approvalId === approval.id);
  if (run === undefined) return;
  const progress = new StageProgress(context.output);
  const end = await followRun(client, run.runId, { signal, onView: (view) => progress.update(view) });
  context.output.note(`run ${end.runId}: ${end.outcome ?? end.status}`);
}
