/** Every error of the library. `message` says what came, what was expected and what to do next. */
export class SarganError extends Error {
  override name = "SarganError";
}

/** The picture cannot be opened or saved. */
export class PictureError extends SarganError {
  override name = "PictureError";
}

/** No face was found, or the chosen one does not exist. */
export class NoFaceError extends SarganError {
  override name = "NoFaceError";
}

/** An expression that the model does not know, or a blend that is none. */
export class ExpressionError extends SarganError {
  override name = "ExpressionError";
}

/** A facial control that the model does not know, or a value out of its range. */
export class ControlError extends SarganError {
  override name = "ControlError";
}

/** A preset that does not exist. */
export class PresetError extends SarganError {
  override name = "PresetError";
}

/** Any other argument that cannot work. */
export class ConfigurationError extends SarganError {
  override name = "ConfigurationError";
}

/** The folder of the model cannot be loaded. */
export class ModelError extends SarganError {
  override name = "ModelError";
}

const CLASSES = { SarganError, PictureError, NoFaceError, ExpressionError, ControlError, PresetError, ConfigurationError, ModelError };

/** An error as it crosses from the worker to the page. */
export interface PlainError {
  name: string;
  message: string;
}

export function toPlain(error: unknown): PlainError {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: "Error", message: String(error) };
}

export function fromPlain(error: PlainError): Error {
  const known = CLASSES[error.name as keyof typeof CLASSES];
  return known ? new known(error.message) : new SarganError(error.message);
}
