import type { Lineage, LineageKind, LineageList, LineagePage } from "../../../schemas/lineage.ts";

/** The thing asked about. `id` of a model: `name@version`; of a file: SHA-256, or its name in a run. */
export interface LineageSubject {
  readonly kind: LineageKind;
  readonly id: string;
}

export interface LineagePageRequest {
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/**
 * From any id to what it came from and what came of it. Undefined where there is no such thing.
 *
 * Pages are in one order, newest first, and by key: what is added meanwhile neither shifts nor repeats a line.
 * @throws {PlatformError} invalid_name: a model that is not `name@version`; invalid_query: a cursor not given out
 */
export interface LineageStore {
  /** How many there are of each list, and its first `limit` lines. */
  of(subject: LineageSubject, limit: number): Promise<Lineage | undefined>;
  page(
    subject: LineageSubject,
    list: LineageList,
    request: LineagePageRequest,
  ): Promise<LineagePage | undefined>;
}
