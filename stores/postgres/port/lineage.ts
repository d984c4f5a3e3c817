import type { Lineage, LineageKind, LineageList, LineagePage } from "../../../schemas/data/lineage.ts";

/** The thing asked about. `id` of a model: `name@version`; of a file: SHA-256, or its name in a run. */
export interface LineageSubject {
  readonly kind: LineageKind;
  readonly id: string;
  /**
   * For a key that is limited to sites: a prediction or fleet score is there only if an asset of it is at one of them, no
   * dataset, file or drift report is, and the lists leave out what is elsewhere, files, and who approved.
   */
  readonly sites?: readonly string[];
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
