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
const TIMEOUT_MS = 1_000;

/**
 * Looks at every part all the time, so that `/readyz` answers at once and turns false within two seconds
 * after a part died: a look starts every 0.7 s and counts as failed after 1 s.
 */
export class ReadinessProbe {
  private readonly states = new Map<string, PartState>();
  private readonly timers: NodeJS.Timeout[] = [];
  private isDraining = false;

  constructor(parts: readonly ProbedPart[]) {
    for (const part of parts) {
      this.states.set(part.name, { name: part.name, ok: false, at: new Date(0).toISOString() });
      let isLooking = false;
      const look = async (): Promise<void> => {
        if (isLooking) return;
        isLooking = true;
        const ok = await isAnswering(part);
        this.states.set(part.name, { name: part.name, ok, at: new Date().toISOString() });
        isLooking = false;
      };
      void look();
      this.timers.push(setInterval(() => void look(), INTERVAL_MS).unref());
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
    for (const timer of this.timers) clearInterval(timer);
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
