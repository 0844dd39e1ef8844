import { ConfigurationError, ExpressionError, NoFaceError } from "./errors";
import { perFace } from "./per-face";
import type { Expression, FaceChoice, ForEach, Manifest } from "./types";

type Names = Pick<Manifest, "expressions" | "aliases">;

/** The name that `name` means, ignoring case: "Joy" -> "happy". */
export function resolveExpression(name: string, { expressions, aliases }: Names): string {
  const wanted = name.trim().toLowerCase();
  const known = new Map(expressions.map((expression) => [expression.toLowerCase(), expression]));
  const meant = Object.keys(aliases).find((expression) => aliases[expression]!.includes(wanted));
  const found = known.get(wanted) ?? known.get(meant ?? "");
  if (found) return found;
  throw new ExpressionError(`"${name}" is not an expression this model knows. Use one of: ${expressions.join(", ")}.`);
}

/** The condition vector of a model for a name or a blend, which is normalised to sum 1. */
export function expressionVector(spec: Expression, names: Names): Float32Array {
  const weights = typeof spec === "string" ? { [spec]: 1 } : spec;
  if (typeof weights !== "object" || weights === null || Array.isArray(weights)) {
    throw new ExpressionError(`An expression is a name or weights by name; got ${JSON.stringify(spec)}.`);
  }
  const vector = new Float32Array(names.expressions.length);
  for (const [name, weight] of Object.entries(weights)) {
    if (typeof weight !== "number" || !Number.isFinite(weight) || weight < 0) {
      throw new ExpressionError(`Expression weights must be finite and 0 or more; got ${JSON.stringify(spec)}.`);
    }
    vector[names.expressions.indexOf(resolveExpression(name, names))]! += weight;
  }
  const sum = vector.reduce((total, weight) => total + weight, 0);
  if (!(sum > 0)) throw new ExpressionError(`Expression weights must not all be zero; got ${JSON.stringify(spec)}.`);
  return vector.map((weight) => weight / sum);
}

/** One vector for each of `count` faces, for one expression or a list with one for each; zeros for none. */
export function conditions(expression: ForEach<Expression | null> | undefined, count: number, names: Names): Float32Array[] {
  const none = new Float32Array(names.expressions.length);
  return perFace(expression ?? null, count, "expressions").map((spec) => (spec === null ? none : expressionVector(spec, names)));
}

/** Indices from 0 of the chosen ones among `count` faces, the largest first. */
export function chosenFaces(faces: FaceChoice, count: number, name: string): number[] {
  if (faces === "largest") return [0];
  if (faces === "all") return Array.from({ length: count }, (_, index) => index);
  const numbers = [...new Set(typeof faces === "number" ? [faces] : faces)];
  if (typeof faces === "string" || !numbers.length || !numbers.every((number) => Number.isInteger(number) && number >= 1)) {
    throw new ConfigurationError(
      `faces: ${JSON.stringify(faces)} is not known: use "largest", "all", or numbers from 1, the largest face first.`,
    );
  }
  if (Math.max(...numbers) > count) {
    const have = count === 1 ? "1 face" : `${count} faces`;
    throw new NoFaceError(`${name} has ${have}, numbered from 1, the largest first; got faces: ${JSON.stringify(faces)}.`);
  }
  return numbers.map((number) => number - 1);
}
