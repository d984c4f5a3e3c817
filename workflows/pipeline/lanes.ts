/**
 * Does work on every item, at most `nLanes` at a time, and gives the results in the order of the items.
 *
 * Deterministic in a workflow: which lane takes the next item follows the recorded order in which steps ended. Up to
 * `nLanes` items start at once, exactly as with Promise.all.
 */
export async function inLanes<T, R>(
  items: readonly T[],
  nLanes: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const open = items.entries();
  const lane = async () => {
    for (const [index, item] of open) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(nLanes, items.length) }, lane));
  return results;
}
