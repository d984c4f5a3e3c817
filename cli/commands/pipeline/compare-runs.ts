import type { Command } from "commander";
import { runViewSchema } from "../../../schemas/runs/run.ts";
import type { RunView } from "../../../schemas/runs/run.ts";
import { trialListSchema } from "../../../schemas/runs/trial.ts";
import type { TrialList } from "../../../schemas/runs/trial.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { runIdFrom, shortIds } from "../../run/run-id.ts";
import { numberText } from "../../run/evaluation-text.ts";
import { outcomeOf } from "../../run/run-document.ts";

interface Compared {
  readonly run: RunView;
  readonly trials: TrialList;
}

/** `aura runs compare`: what differs between runs, metrics and searched parameters among it. */
export function registerCompareCommand(runs: Command): void {
  runs
    .command("compare")
    .description("runs side by side: data, metrics, and the best trial of each search")
    .argument("<ids...>", "ids of two runs or more")
    .option("--json", "print them as JSON")
    .addHelpText("after", "\nExample:\n  $ aura runs compare 01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3 01a1fd2b-…")
    .action(async (ids: string[], options: { json?: boolean }, command: Command) =>
      compare(contextOf(command), ids, options),
    );
}

async function compare(
  context: CliContext,
  ids: readonly string[],
  { json }: { json?: boolean },
): Promise<void> {
  const compared = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const found: Compared[] = [];
    for (const given of ids) {
      const id = await runIdFrom(client, given);
      const run = await client.get(apiPath`/v1/runs/${id}`, runViewSchema);
      found.push({ run, trials: await client.get(apiPath`/v1/runs/${id}/trials`, trialListSchema) });
    }
    return found;
  });
  const facts = compared.map(factsOf);
  const names = [...new Set(facts.flatMap((one) => [...one.keys()]))];
  if (json === true) {
    context.output.json(
      compared.map(({ run }, i) => ({ run: run.runId, ...Object.fromEntries(facts[i] ?? []) })),
    );
    return;
  }
  context.output.table(
    ["", ...shortIds(compared.map(({ run }) => run.runId)), "same"],
    names.map((name) => {
      const values = facts.map((one) => one.get(name) ?? "-");
      return [name, ...values, new Set(values).size === 1 ? "=" : ""];
    }),
  );
}

function factsOf({ run, trials }: Compared): ReadonlyMap<string, string> {
  const facts = new Map<string, string>([
    ["pipeline", run.pipeline],
    ["outcome", outcomeOf(run) ?? run.status],
    ["dataset", run.dataset?.slice(0, 12) ?? "-"],
    ["version", run.version === undefined ? "-" : `${run.model}@${run.version}`],
    ["candidate", run.evaluation?.candidate ?? "-"],
  ]);
  for (const [on, metrics] of Object.entries(run.metrics ?? {})) {
    for (const [name, value] of Object.entries(metrics)) facts.set(`${name} (${on})`, numberText(value));
  }
  for (const { candidate, trials: nTrials, best } of trials.searches) {
    facts.set(`${candidate}: trials`, String(nTrials));
    const trial = trials.items.find((one) => one.candidate === candidate && one.number === best);
    if (trial === undefined) continue;
    facts.set(`${candidate}: best trial`, String(trial.number));
    for (const { metric, value } of trial.objectives) facts.set(`${candidate}: ${metric}`, numberText(value));
    for (const [name, value] of Object.entries(trial.parameters)) {
      facts.set(`${candidate}: ${name}`, typeof value === "number" ? numberText(value) : String(value));
    }
  }
  return facts;
}
