import { Option } from "commander";
import { personHere } from "./ask-decision.ts";

/** What `--as` gave. */
export interface AsOption {
  readonly as?: string | undefined;
}

/** `--as <who>`. @param does what the person does, e.g. `decides` */
export function asOption(does: string): Option {
  return new Option(
    "--as <who>",
    `who ${does}, where the server runs without keys (default: your user name)`,
  );
}

/** Recorded where the server runs without keys; with keys it is the key's owner. */
export function personOf({ as }: AsOption): string {
  return as ?? personHere();
}
