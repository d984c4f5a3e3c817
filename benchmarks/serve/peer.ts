import { join } from "node:path";
import { freePort, runChild, startChild } from "../child.ts";
import type { RunningChild } from "../child.ts";

/** FastAPI and onnxruntime from benchmarks/peers/.venv, running. */
export interface RunningPeer {
  readonly port: number;
  readonly process: RunningChild;
}

/** How the handler is written; benchmarks/peers/fastapi_server.py explains them. The rows compare with `typed`. */
export type PeerStyle = "typed" | "threaded" | "bare";

/** Versions of what the peer is made of, for the rows. */
export async function fastApiVersion(python: string): Promise<string> {
  const names = ["fastapi", "uvicorn", "onnxruntime"];
  const code = `from importlib.metadata import version\nprint(" ".join(f"{n} {version(n)}" for n in ${JSON.stringify(names)}))`;
  const { stdout } = await runChild({ command: python, args: ["-c", code] }, 30_000);
  return stdout.trim();
}

/** Starts the peer with `workers` processes and waits until every one of them accepts requests. */
export async function startFastApi(
  python: string,
  root: string,
  served: {
    readonly model: string;
    readonly columns: string;
    readonly workers: number;
    readonly style: PeerStyle;
  },
): Promise<RunningPeer> {
  const port = await freePort();
  const script = join(root, "benchmarks", "peers", "fastapi_server.py");
  const process = await startChild(
    {
      command: python,
      args: [script, served.model, served.columns, String(port), String(served.workers), served.style],
    },
    async (printed) => printed.split("ready").length - 1 >= served.workers && (await isListening(port)),
    60_000,
  );
  return { port, process };
}

/** uvicorn says that the application is ready a moment before it listens. */
async function isListening(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}
