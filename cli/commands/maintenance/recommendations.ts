import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { Argument } from "commander";
import { RECOMMENDATION_STATES, recommendationSchema } from "../../../schemas/maintenance/recommendation.ts";
import type { Recommendation } from "../../../schemas/maintenance/recommendation.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { showAt, timeText } from "../../list-view.ts";
import { asOption, personOf } from "../../run/as-option.ts";
import type { AsOption } from "../../run/as-option.ts";
import { answerText, showRecommendation } from "../../maintenance/recommendation-view.ts";
import { registerMaintenanceList } from "./maintenance-list.ts";

interface DecideOptions extends AsOption {
  readonly reason?: string;
  readonly json?: boolean;
}

/** `aura recommendations`: work that predicted failures call for. */
export function registerRecommendationsCommand(program: Command): void {
  const recommendations = program
    .command("recommendations")
    .description("maintenance that predicted failures call for: list, look at, decide");
  registerMaintenanceList(recommendations, {
    description: "recommendations, newest first",
    states: RECOMMENDATION_STATES,
    example: "aura recommendations list --state waiting",
    path: "/v1/recommendations",
    row: recommendationSchema,
    noneOpen:
      "no maintenance is called for: one is opened once as many of an asset's last answers say so as `when.repeat` asks for, 2 of 3 where the file says nothing. The same files scored again are no new answer; after one has ended (aura recommendations list --state all) another is opened once as many answers in a row did not say so, or `again` later",
    columns: [
      ["id", (row) => row.id],
      ["state", (row) => row.state],
      ["asset", (row) => row.asset],
      ["answer", (row) => answerText(row.latest)],
      ["begin by", (row) => dueOf(row)],
      ["critical", (row) => (row.assessment?.isCritical === true ? "yes" : "")],
      ["opened", (row) => timeText(row.openedAt)],
      ["decided by", (row) => row.decidedBy.join(", ") || "-"],
      ["approval", (row) => row.approvalId],
    ],
  });
  recommendations
    .command("show")
    .description("what is to be done, why, by when, at what cost, and what became of it")
    .argument("<id>", "id of the recommendation, or of its approval")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura recommendations show pumps.3fa9c1d2e4b5.1")
    .action(async (id: string, { json }: { json?: boolean }, command: Command) => {
      await showAt(contextOf(command), {
        path: apiPath`/v1/recommendations/${id}`,
        reply: recommendationSchema,
        json,
        show: showRecommendation,
      });
    });
  recommendations
    .command("decide")
    .description("decide, as one of its deciders, whether the work is done; recorded")
    .argument("<id>", "id of the recommendation, or of its approval")
    .addArgument(new Argument("<decision>", "what").choices(["approve", "reject"]))
    .addOption(asOption("decides"))
    .option("--reason <text>", "why; recorded")
    .option("--json", "print the recommendation as JSON")
    .addHelpText(
      "after",
      '\nExample:\n  $ aura recommendations decide pumps.3fa9c1d2e4b5.1 approve --as ann --reason "bearing is due"',
    )
    .action(async (id: string, decision: string, options: DecideOptions, command: Command) =>
      decide(contextOf(command), { id, decision, options }),
    );
}

function dueOf({ assessment }: Recommendation): string {
  const by = assessment?.due?.by;
  if (by === undefined) return "-";
  return typeof by === "number" ? `cycle ${by}` : timeText(by);
}

async function decide(
  context: CliContext,
  given: { readonly id: string; readonly decision: string; readonly options: DecideOptions },
): Promise<void> {
  const { output } = context;
  const { reason = "", json } = given.options;
  const decisionId = `cli-${randomUUID()}`;
  const row = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post(apiPath`/v1/recommendations/${given.id}/decision`, {
      reply: recommendationSchema,
      idempotencyKey: decisionId,
      body: { decisionId, decision: given.decision, by: personOf(given.options), reason, channel: "cli" },
    }),
  );
  if (json === true) output.json(row);
  else output.line(`${row.id}: ${given.decision} is recorded; ${nextText(row, given.decision)}`);
}

function nextText({ id, deciders, decidedBy }: Recommendation, decision: string): string {
  if (decision === "reject") return "no work order is made";
  const quorum = deciders?.quorum ?? 1;
  if (decidedBy.length < quorum) return `${decidedBy.length} of ${quorum} have approved`;
  return `the work order follows: aura recommendations show ${id}`;
}
