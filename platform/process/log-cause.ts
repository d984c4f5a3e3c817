/**
 * What a process that did not start died of, read from the end of its log. The logs are our own JSON lines, the text of
 * PostgreSQL and of Temporal's server, or what Node.js prints for an error that nobody caught.
 */

/** pino's level of `error`. */
const ERROR_LEVEL = 50;
/** Characters of a cause: it stands in one line of an error. */
const MAX_CAUSE = 300;
/** A line that says that something is wrong; the frames of a stack, which follow it, do not match. */
const ERROR_LINE = /^\S*(Error|Exception)\b.*:|\b(FATAL|PANIC|ERROR|fatal|panic|error)\b/;
const FRAME = /^\s+at /;
const PORT_TAKEN = /EADDRINUSE|address already in use/i;

/**
 * One line: the last error in the log, else its last line; empty for an empty log.
 *
 * @param text  what the process wrote; the first line may be the end of one
 */
export function causeInLog(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !FRAME.test(line));
  const found = lines.map(errorIn).findLast((cause) => cause !== undefined) ?? lines.at(-1) ?? "";
  const [first = ""] = found.trim().split("\n", 1);
  return first.length > MAX_CAUSE ? `${first.slice(0, MAX_CAUSE)}…` : first;
}

/** Whether the process found a port taken that it was given. */
export function saysPortTaken(text: string): boolean {
  return PORT_TAKEN.test(text);
}

/** undefined: the line tells of no error */
function errorIn(line: string): string | undefined {
  const entry = entryOf(line);
  if (entry === undefined) return ERROR_LINE.test(line) ? line : undefined;
  const { level, msg, err } = entry;
  if (typeof level !== "number" || level < ERROR_LEVEL) return undefined;
  const { message, code } = isRecord(err) ? err : {};
  if (typeof message !== "string") return typeof msg === "string" ? msg : undefined;
  return typeof code === "string" && !message.includes(code) ? `${code}: ${message}` : message;
}

function entryOf(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    return isRecord(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
