/** What the command line asked for. */
export interface BenchOptions {
  readonly suites: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  /** Factor that makes ours worse before it is judged: the proof that a regression is seen. */
  readonly slowdown: number;
}

export const USAGE = `usage: npm run bench -- <suite>… [--quick] [--json] [--slowdown <factor>]

  --quick     under 50 s a suite, smaller data; docs/benchmarks.md is left alone
  --json      one JSON object a line; docs/benchmarks.md is left alone
  --slowdown  make ours this many times worse before it is judged (self-test; also AURA_BENCH_SLOWDOWN)

Suites: `;

/**
 * Reads the arguments.
 *
 * @throws {RangeError} naming the argument that is not understood
 */
export function readOptions(
  args: readonly string[],
  known: readonly string[],
  slowdownVariable: string | undefined,
): BenchOptions {
  const suites: string[] = [];
  let quick = false;
  let json = false;
  let slowdown = factorOf(slowdownVariable ?? "1");
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--quick") quick = true;
    else if (arg === "--json") json = true;
    else if (arg === "--slowdown") slowdown = factorOf(rest.shift() ?? "");
    else if (known.includes(arg)) suites.push(arg);
    else if (arg === "all") suites.push(...known);
    else throw new RangeError(`argument: expected ${known.join(", ")}, all or an option, got ${arg}`);
  }
  if (suites.length === 0) throw new RangeError(`suite: expected one of ${known.join(", ")}, got none`);
  return { suites: [...new Set(suites)], quick, json, slowdown };
}

function factorOf(text: string): number {
  const factor = Number(text);
  if (Number.isFinite(factor) && factor > 0) return factor;
  throw new RangeError(`slowdown: expected a positive number, got ${text || "nothing"}`);
}
