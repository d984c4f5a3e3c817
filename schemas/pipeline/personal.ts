import type { Column, Source } from "./source.ts";

/** Declared columns that anything may be made of: those that are not personal. */
export function usableColumns({ columns, pii = [] }: Source): readonly Column[] {
  return columns.filter(({ name }) => !pii.includes(name));
}
