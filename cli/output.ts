import { styleText } from "node:util";
import { ERROR_CODES } from "../schemas/error-codes.ts";
import { isPlatformError } from "../schemas/platform-error.ts";
import type { ErrorLocation, PlatformError } from "../schemas/platform-error.ts";

/**
 * The one place that writes to the terminal. Results go to stdout; progress, warnings and errors to
 * stderr, so that `--json` leaves exactly one document on stdout.
 *
 * Colours and the rewritten progress line appear on a terminal only; NO_COLOR turns colours off.
 */

/** The part of a stream that is used; `process.stdout` is one. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds from any start that never go back; default: the process's clock. */
  readonly now?: () => number;
}

/** Without a terminal, the same words with other numbers follow each other no sooner. */
const REPEAT_MS = 15_000;

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Control characters of untrusted text would move the cursor or forge lines; tab stays. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

export class Output {
  readonly #options: OutputOptions;
  #hasProgressLine = false;
  #hasJson = false;
  /** Last progress written without a terminal: its words, and when. */
  #written = { words: "", atMs: 0 };

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Whether a person sees stdout: then lines may be coloured and questions asked. */
  get isTerminal(): boolean {
    return this.#options.stdout.isTTY === true;
  }

  /** Whether progress is one rewritten line; elsewhere every call is a line of its own. */
  get hasLiveLine(): boolean {
    return this.#options.stderr.isTTY === true;
  }

  /** One line of the result. */
  line(text = ""): void {
    this.#clearProgress();
    this.#options.stdout.write(`${text}\n`);
  }

  /** The result as one JSON document. */
  json(value: unknown): void {
    this.#hasJson = true;
    this.line(JSON.stringify(value, null, 2));
  }

  /** Whether the document was printed: there is one. */
  get hasJson(): boolean {
    return this.#hasJson;
  }

  /** Columns padded to their widest cell, two spaces apart. Cells are made safe. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void {
    const cells = [header, ...rows].map((row) => row.map(safeText));
    const widths = header.map((_title, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
    const lines = cells.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
    lines.forEach((text, index) => this.line(index === 0 ? this.style("bold", text) : text));
  }

  /** What happens now: one line that is rewritten on a terminal; elsewhere a line each, of mere counters now and then. */
  progress(text: string): void {
    const { stderr } = this.#options;
    if (stderr.isTTY !== true) {
      if (!this.#isRepeat(text)) stderr.write(`${safeText(text)}\n`);
      return;
    }
    const width = Math.max(20, (stderr.columns ?? 80) - 1);
    stderr.write(`\r\u001B[2K${safeText(text).slice(0, width)}`);
    this.#hasProgressLine = true;
  }

  #isRepeat(text: string): boolean {
    const { now = () => performance.now() } = this.#options;
    const words = text.replaceAll(/\d+/g, "");
    const { words: before, atMs } = this.#written;
    if (words === before && now() - atMs < REPEAT_MS) return true;
    this.#written = { words, atMs: now() };
    return false;
  }

  /** A line about what has happened, kept on the screen; on stderr. */
  note(text: string): void {
    this.#clearProgress();
    this.#options.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`${this.style("yellow", "warning", "stderr")}: ${safeText(text)}`);
  }

  /** An error as people read it: what, where, what to do. The stack is shown for defects only. */
  error(error: unknown): void {
    const label = this.style("red", "error", "stderr");
    if (!isPlatformError(error)) {
      this.note(`${label}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return;
    }
    this.note(`${label} ${error.code}: ${safeText(error.message)}`);
    for (const location of locationsToShow(error)) this.note(`  ${locationText(location)}`);
    this.note(`  ${remedyOf(error)}`);
  }

  style(style: Style, text: string, stream: "stdout" | "stderr" = "stdout"): string {
    const isColoured =
      this.#options[stream].isTTY === true && (this.#options.environment["NO_COLOR"] ?? "") === "";
    // Decided above, for this stream; styleText would ask process.stdout.
    return isColoured ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Takes the rewritten line away. */
  endProgress(): void {
    this.#clearProgress();
  }

  #clearProgress(): void {
    if (!this.#hasProgressLine) return;
    this.#options.stderr.write("\r\u001B[2K");
    this.#hasProgressLine = false;
  }
}

/** What to do next, where the command line has other means than the API. */
function remedyOf({ code, locations }: PlatformError): string {
  const option = locations.find(({ field }) => field?.startsWith("--"))?.field;
  if (code === "config_invalid" && option !== undefined)
    return `Give or correct the option \`${safeText(option)}\`.`;
  if (code === "unauthenticated")
    return "Set AURA_API_KEY to the secret of a valid key: here keys were made, and from the first one on every request needs one.";
  return ERROR_CODES[code].remedy;
}

/** Without those of which the message says all. */
export function locationsToShow({
  message,
  locations,
}: Pick<PlatformError, "message" | "locations">): readonly ErrorLocation[] {
  const [only] = locations;
  const isSaid = (part: string | undefined) => part === undefined || message.includes(part);
  if (locations.length !== 1) return locations.filter((one) => !isSentenceOf(message, one));
  if (only !== undefined && isWholeOf(message, only)) return [];
  // An option that was not given: the last line names it.
  if (only?.field !== undefined) {
    const isOption = only.field.startsWith("--") && only.found === undefined;
    return isOption || isSentenceOf(message, only) ? [] : locations;
  }
  return [only?.file, only?.expected, only?.found].every(isSaid) ? [] : locations;
}

/** Whether the message is this location in words, whatever the spaces between its parts. */
function isWholeOf(message: string, only: ErrorLocation): boolean {
  const { file, line, field, expected, found } = only;
  if ([file, line, field, expected, found].includes(undefined)) return false;
  const bare = (text: string): string => text.replaceAll(/\s+/g, "");
  return bare(message) === bare(locationText(only));
}

/** Whether the message holds this very sentence: of several, the parts alone may be another one's. */
function isSentenceOf(message: string, { file, line, field, expected, found }: ErrorLocation): boolean {
  if (expected === undefined || found === undefined || (line !== undefined && field !== undefined))
    return false;
  const where = line === undefined ? (file ?? field ?? "") : `${file ?? ""}:${line}`;
  return message.includes(`${where}: expected ${expected}, found ${found}`);
}

/** File, line and field, what was expected there and what stands there: one safe line. */
export function locationText({ file, line, field, expected, found }: ErrorLocation): string {
  const where = [file, line, field].filter((part) => part !== undefined).join(":");
  // Of a schema with words of its own the API sends those, which may begin with it.
  const what = [expected && `expected ${expected.replace(/^expected /, "")}`, found && `found ${found}`]
    .filter(Boolean)
    .join(", ");
  return safeText(`${where}${what === "" ? "" : `: ${what}`}`);
}

/** Text from elsewhere on one line, without control characters. */
export function safeText(text: string): string {
  return text.replaceAll(/\r?\n/g, " ").replaceAll(CONTROL_CHARACTERS, "\uFFFD");
}
