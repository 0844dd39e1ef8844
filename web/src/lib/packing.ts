/**
 * A graph with the bytes of its 16-bit weights side by side again. It travels as `sargan_hf/web/packing.py` takes it apart: what
 * is not of them, the upper bytes of all, the lower bytes of all.
 */
export function joined(separated: Uint8Array, halves: readonly (readonly [first: number, length: number])[]): Uint8Array {
  const weights = halves.reduce((sum, [, length]) => sum + length / 2, 0);
  const lower = separated.length - weights;
  const upper = lower - weights;
  const graph = new Uint8Array(separated.length);
  let [others, written, weight] = [0, 0, 0];
  for (const [first, length] of halves) {
    const between = first - written;
    graph.set(separated.subarray(others, others + between), written);
    others += between;
    for (written = first; written < first + length; written += 2, weight++) {
      graph[written] = separated[lower + weight]!;
      graph[written + 1] = separated[upper + weight]!;
    }
  }
  graph.set(separated.subarray(others, upper), written);
  return graph;
}
