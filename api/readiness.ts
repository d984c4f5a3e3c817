/** One part the API needs, and how to ask whether it is there. */
export interface ProbedPart {
  readonly name: string;
  /** Resolves when the part works; throws, or takes too long, when it does not. */
  readonly check: () => Promise<void>;
}

export interface PartState {
  readonly name: string;
  readonly ok: boolean;
  /** ISO 8601 time of the last look. */
  readonly at: string;
}

const INTERVAL_MS = 700;
/** A part that is away is looked at more often: what waits for it should not wait for the look. */
const AWAY_INTERVAL_MS = 50;
const TIMEOUT_MS = 1_000;

/**
 * Looks at every part all the time, so that `/readyz` answers at once and turns false within two seconds
 * after a part died: a look starts every 0.7 s (sooner while the part is away) and counts as failed after 1 s.
 */
export class ReadinessProbe {
  private readonly states = new Map<string, PartState>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private isDraining = false;
  private isClosed = false;

  constructor(parts: readonly ProbedPart[]) {
    for (const part of parts) {
      this.states.set(part.name, { name: part.name, ok: false, at: new Date(0).toISOString() });
      void this.look(part);
    }
  }

  get isReady(): boolean {
    return !this.isDraining && this.parts().every(({ ok }) => ok);
  }

  parts(): readonly PartState[] {
    return [...this.states.values()];
  }

  /** Says no from now on: the process is about to end. */
  drain(): void {
    this.isDraining = true;
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private async look(part: ProbedPart): Promise<void> {
    const began = performance.now();
    const ok = await isAnswering(part);
    if (this.isClosed) return;
    this.states.set(part.name, { name: part.name, ok, at: new Date().toISOString() });
    const pause = (ok ? INTERVAL_MS : AWAY_INTERVAL_MS) - (performance.now() - began);
    this.timers.set(part.name, setTimeout(() => void this.look(part), Math.max(20, pause)).unref());
  }
}

async function isAnswering(part: ProbedPart): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), TIMEOUT_MS);
  });
  const answer = part.check().then(
    () => true,
    () => false,
  );
  const ok = await Promise.race([answer, timeout]);
  clearTimeout(timer);
  return ok;
}
