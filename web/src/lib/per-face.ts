import { ConfigurationError } from "./errors";

/** A setting for each of `count` faces: that of all, or the list with one for each; `what` names its entries. */
export function perFace<T>(setting: T | readonly T[], count: number, what: string): T[] {
  if (!Array.isArray(setting)) return Array.from({ length: count }, () => setting as T);
  if (setting.length === count) return [...(setting as readonly T[])];
  const faces = count === 1 ? "1 face" : `${count} faces`;
  throw new ConfigurationError(`${setting.length} ${what} were given for ${faces}: give one, or one for each.`);
}
