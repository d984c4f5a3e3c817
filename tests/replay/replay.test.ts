import { DeterminismViolationError } from "@temporalio/workflow";
import { Worker } from "@temporalio/worker";
import { beforeAll, describe, expect, it } from "vitest";
import * as workflows from "../../workflows/index.ts";
import { silenceRuntime, workflowsAsWritten } from "../support/workflow-environment.ts";
import { readHistory, recordedNames } from "./history-file.ts";

/**
 * Complete histories of real runs against the workflows as they are now. Complete ones, because a replay sees a
 * difference only before events that were recorded: a history that ends where a new step is put in replays well.
 *
 * One that fails means that runs open at the next release would be stuck: the change belongs behind `patched()`.
 */

beforeAll(silenceRuntime);

async function replay(history: ReturnType<typeof readHistory>): Promise<void> {
  const { code } = await workflowsAsWritten();
  await Worker.runReplayHistory({ workflowBundle: { code } }, history);
}

function typeOf(name: string): string {
  const started = readHistory(name).events?.[0]?.workflowExecutionStartedEventAttributes;
  return started?.workflowType?.name ?? "";
}

describe("replay of recorded histories", () => {
  it.each(recordedNames())("%s", (name) => replay(readHistory(name)));

  it("has a complete history of every workflow", () => {
    const types = new Set(recordedNames().map(typeOf));
    expect([...types].toSorted()).toEqual(Object.keys(workflows).toSorted());
    for (const name of recordedNames()) {
      expect(String(readHistory(name).events?.at(-1)?.eventType), name).toMatch(/^(2|3|21|28)$/);
    }
  });

  it("holds nothing of the machine it was recorded on", () => {
    for (const name of recordedNames()) {
      const text = JSON.stringify(readHistory(name));
      expect(text, name).not.toMatch(/"identity":"[^"]|"stackTrace":"[^"]|"name":"\d+@/);
    }
  });

  it("finds a workflow that does something else", async () => {
    const history = readHistory("pipeline-promoted");
    const event = history.events?.find(
      (one) => one.activityTaskScheduledEventAttributes?.activityType?.name === "evaluateModel",
    );
    const type = event?.activityTaskScheduledEventAttributes?.activityType;
    if (type == null) throw new Error("the recorded run evaluates no model");
    type.name = "evaluateOtherwise";
    await expect(replay(history)).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});
