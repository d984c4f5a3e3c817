/**
 * Stands where a value of a column that is declared as personal (`pii`) is not shown, and where a value cannot be told
 * from one.
 */
export const MASK = "***";
