import { RUN_STAGES } from "../../schemas/runs/run.ts";
import type { PlatformError } from "../../schemas/platform-error.ts";
import type { PendingFailure, RunView, StageState } from "../../schemas/runs/run.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";
import { awaitedText, waitingText } from "./waiting-text.ts";

const BAR_WIDTH = 18;
const STAGE_WIDTH = 10;

/** Shows a run as it goes: a line for each stage that ends and, on a terminal, one moving line for the present one. */
export class StageProgress {
  readonly #output: Output;
  readonly #shown = new Map<string, string>();
  readonly #now: () => number;

  constructor(output: Output, now: () => number = Date.now) {
    this.#output = output;
    this.#now = now;
  }

  update(view: RunView): void {
    for (const stage of view.stages) {
      if (this.#shown.get(stage.stage) === stage.state) continue;
      this.#shown.set(stage.stage, stage.state);
      this.#showChange(stage);
    }
    const running = view.stages.findLast((stage) => stage.state === "running");
    const { waitsFor } = view;
    if (running !== undefined && this.#output.hasLiveLine) this.#showLive(running, waitsFor);
    else if (waitsFor !== undefined) {
      const { stage = "run" } = running ?? {};
      this.#output.progress(`${stage}: ${waitingText(waitsFor)}`);
    }
  }

  /** The API cannot say how the run goes; the run itself may well go on. */
  away({ code, message }: PlatformError): void {
    const isUnknown = code === "not_found";
    this.#output.progress(isUnknown ? "waiting for the run to begin" : awaitedText(code, message));
  }

  #showChange(stage: StageState): void {
    const name = stage.stage.padEnd(STAGE_WIDTH);
    const detail = safeText(stage.detail ?? "");
    const time = (stage.ms === undefined ? "" : `${(stage.ms / 1000).toFixed(1)} s`).padStart(8);
    const line = (mark: string, words: string) => this.#output.note(`${mark} ${name}${words}`.trimEnd());
    switch (stage.state) {
      case "done":
        line(this.#output.style("green", "✓", "stderr"), `${time}  ${detail}`);
        break;
      case "reused":
        line(this.#output.style("cyan", "=", "stderr"), `  reused  ${detail}`);
        break;
      case "failed":
        line(this.#output.style("red", "✗", "stderr"), `${time}  failed  ${detail}`);
        break;
      case "skipped":
        line("-", ` skipped  ${detail}`);
        break;
      case "running":
        if (!this.#output.hasLiveLine) line("…", detail);
        break;
      case "waiting":
        break;
    }
  }

  #showLive(stage: StageState, waitsFor: PendingFailure | undefined): void {
    const place = RUN_STAGES.indexOf(stage.stage);
    const share = (place + (stage.progress ?? 0)) / RUN_STAGES.length;
    const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
    const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
    const percent = stage.progress === undefined ? "" : ` ${Math.round(stage.progress * 100)} %`;
    const since = stage.startedAt === undefined ? Number.NaN : this.#now() - Date.parse(stage.startedAt);
    const time = Number.isFinite(since) ? ` ${Math.max(0, Math.round(since / 1000))} s` : "";
    const text = waitsFor === undefined ? stage.detail : waitingText(waitsFor);
    const detail = text === undefined ? "" : ` · ${text}`;
    this.#output.progress(
      `${bar} ${place + 1}/${RUN_STAGES.length} ${stage.stage}${percent}${time}${detail}`,
    );
  }
}
