import pino from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { PlatformError } from "../schemas/platform-error.ts";
import type { AlertStore, NewAlert } from "../stores/postgres/port.ts";
import { Alarms } from "./alarms.ts";
import { Metrics } from "./metrics.ts";

const alert = (key: string): NewAlert => ({
  key,
  kind: "serving",
  severity: "critical",
  subject: key,
  message: key,
});

let alarms: Alarms;
afterEach(() => alarms.close());

/** Alarms over a database that takes what `take` lets through; told: what it took, in order. */
function start(take: (what: string) => void) {
  const told: string[] = [];
  const tell = async (what: string): Promise<void> => {
    take(what);
    told.push(what);
  };
  const store: Pick<AlertStore, "raise" | "resolve" | "countOpen"> = {
    raise: ({ key }) => tell(key),
    resolve: (kind, subject) => tell(`over ${kind} ${subject}`),
    countOpen: async () => ({ info: 0, warning: 0, critical: 0 }),
  };
  const logged: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void logged.push(line) });
  alarms = new Alarms({ alerts: () => store, metrics: new Metrics(), logger, intervalMs: 5 });
  return { told, logged };
}

describe("Alarms", () => {
  it("drops one that the database refuses, with a warning, and tells those behind it", async () => {
    let nTries = 0;
    const { told, logged } = start((what) => {
      if (what !== "bad") return;
      nTries += 1;
      throw new Error("value too long");
    });
    alarms.raise(alert("bad"));
    alarms.raise(alert("good"));
    await vi.waitFor(() => expect(logged.join("")).toContain("alert dropped"));
    expect(told).toEqual(["good"]);
    expect(nTries).toBe(3);
  });

  it("keeps all in order while the database is away", async () => {
    let isAway = true;
    const { told, logged } = start(() => {
      if (isAway) throw new PlatformError("database_unavailable", "away");
    });
    alarms.raise(alert("fault"));
    alarms.resolve("serving", "fault");
    alarms.raise(alert("fault"));
    isAway = false;
    await vi.waitFor(() => expect(told).toEqual(["over serving fault", "fault"]));
    expect(logged).toEqual([]);
  });
});
