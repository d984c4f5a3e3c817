import type { Logger, LogLevel, LogMetadata } from "@temporalio/worker";
import type { Logger as Pino } from "pino";

const LEVELS = { TRACE: "trace", DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error" } as const;

/** The SDK's logger over pino: one JSON line each, with workflow id, run id, activity and attempt as fields. */
export function temporalLogger(pino: Pino): Logger {
  const write = (level: LogLevel, message: string, meta?: LogMetadata) => {
    const { error, ...rest } = meta ?? {};
    pino[LEVELS[level]]({ ...rest, ...(error === undefined ? {} : { err: error as Error }) }, message);
  };
  return {
    log: write,
    trace: (message, meta) => write("TRACE", message, meta),
    debug: (message, meta) => write("DEBUG", message, meta),
    info: (message, meta) => write("INFO", message, meta),
    warn: (message, meta) => write("WARN", message, meta),
    error: (message, meta) => write("ERROR", message, meta),
  };
}
