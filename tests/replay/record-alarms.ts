import { randomUUID } from "node:crypto";
import { alertChannelSchema } from "../../schemas/alerts/alert-channel.ts";
import { alertRuleSchema } from "../../schemas/alerts/alert-rule.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import type { AlarmEvent } from "../../stores/postgres/port/alerting.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";

const WAIT_MS = 60_000;
const RULE = "recorded";
const ASSET = "p1";
const actor = { id: "ana", role: "operator", authenticated: true } as const;

/** An alarm as the scorer would raise it, reminded, escalated, acknowledged and over. */
export interface RecordedAlarm {
  /** Key of its workflow. */
  readonly key: string;
  happen(change: AlarmEvent["change"]): Promise<void>;
  /** Waits until channels were told of it so. */
  told(event: string): Promise<void>;
  /** @returns id of the delivery that tells it once more */
  replay(): Promise<number>;
  close(): Promise<void>;
}

export async function recordedAlarm(databaseUrl: string): Promise<RecordedAlarm> {
  const db = await createDatabase(databaseUrl);
  const to = { kind: "slack", url: "http://127.0.0.1:9/nobody" };
  for (const name of ["ops", "boss"])
    await db.alertChannels.put(alertChannelSchema.parse({ name, rules: [`${name}*`], to }), actor);
  await db.alertRules.put(
    alertRuleSchema.parse({
      name: RULE,
      source: "pumps",
      when: { kind: "threshold", column: "heat", above: 90, for: "1s" },
      notify: { channels: ["ops"], again: "1s", escalate: { after: "1s", channels: ["boss"] } },
    }),
    actor,
  );
  const owner = randomUUID();
  const happen = (change: AlarmEvent["change"]) => write(db, owner, change);
  await happen("pending");
  const [first] = (await db.alertEvents.since(0, 100)).filter(({ rule }) => rule === RULE);
  return {
    key: first?.alarmKey ?? "",
    happen,
    told: (event) =>
      untilAnswered(`a delivery of ${event}`, inMs(WAIT_MS), async () => {
        const rows = await db.alertDeliveries.list({ limit: 100 });
        return rows.some((row) => row.event === event && row.state !== "waiting") || undefined;
      }).then(() => undefined),
    async replay() {
      const [delivery] = await db.alertDeliveries.list({ limit: 1 });
      const entry = { actor, action: "alert.replay", subject: RULE, outcome: "ok" } as const;
      return (await db.alertDeliveries.replay(delivery?.id ?? 0, entry))?.id ?? 0;
    },
    close: () => db.close(),
  };
}

async function write(db: Database, owner: string, change: AlarmEvent["change"]): Promise<void> {
  const lease = await db.alertEvaluation.claim(owner, { ttlMs: WAIT_MS, pauseMs: WAIT_MS });
  if (lease === undefined) throw new Error("somebody else evaluates");
  const { tx, batch } = lease.position;
  await db.alertEvaluation.commit({
    owner,
    ttlMs: WAIT_MS,
    from: lease,
    position: { tx, batch: batch + 1 },
    places: [],
    states: [],
    scans: [],
    events: [
      {
        change,
        rule: RULE,
        asset: ASSET,
        severity: "critical",
        labels: {},
        message: "p1: heat",
        details: {},
      },
    ],
  });
}
