import { approveWorkflowId } from "../../temporal-config/constants.ts";
import { PatientPerson } from "./drive-run.ts";
import { FaultyPlatform } from "./faulty-platform.ts";
import { checkInvariants } from "./outcome.ts";
import { inMs } from "./patience.ts";
import type { DeadlineMs } from "./patience.ts";

/** A run, and the minute until the approval looks by itself. */
const CASE_MS = 240_000;

/**
 * A decision while Temporal hangs: it is recorded and answered, and its wake-up dies with the server's process. The
 * approval then finds it by looking, at most 60 s later.
 *
 * @returns one sentence for each thing that is wrong
 */
export async function loseWakeUp(): Promise<readonly string[]> {
  const platform = await FaultyPlatform.start();
  const deadline = inMs(CASE_MS);
  try {
    return await decideUnheard(platform, deadline);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    await platform.dispose();
  }
}

async function decideUnheard(platform: FaultyPlatform, deadline: DeadlineMs): Promise<readonly string[]> {
  const person = new PatientPerson(platform.apiUrl, deadline);
  const { runId } = await person.startRun();
  const approval = await person.untilAsked(runId);
  if (approval === undefined) return ["the run asked nobody"];
  // It still takes connections and bytes, and reads none of them.
  await platform.signal("temporal", "SIGSTOP", deadline);
  await person.decide(approval);
  await platform.signal("temporal", "SIGKILL", deadline);
  const { outcome } = await person.untilOver(runId);
  const workflowId = approveWorkflowId("promotion", approval.id, approval.digest);
  const { events } = await platform.client.workflow.getHandle(workflowId).fetchHistory();
  const isWoken = events?.some((event) => event.workflowExecutionSignaledEventAttributes != null);
  return [
    ...(outcome === "promoted" ? [] : [`the run is ${outcome}, expected promoted`]),
    ...(isWoken === true ? ["the wake-up was not lost: the case shows nothing"] : []),
    ...(await checkInvariants(platform, deadline)),
  ];
}
