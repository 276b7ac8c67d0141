// Errors as data: every failure that reaches a person has a stable code and one sentence. Imports nothing.

/** What went wrong, in a word that never changes between versions. Dialects map these to their own words. */
export type ErrorCode =
  | "invalid_request" // a field has a wrong type, is missing, or is unknown
  | "out_of_range" // a value lies outside its limits
  | "unsupported" // the model or device at hand cannot do this
  | "model_not_found"
  | "model_invalid" // a checkpoint that cannot be used: wrong family, truncated, wrong shape
  | "image_invalid" // unreadable, truncated, too large
  | "file_not_found"
  | "file_write" // full disk, no permission
  | "device_unavailable"
  | "out_of_memory"
  | "worker_lost" // the worker process died
  | "cancelled"
  | "timeout"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "expired"
  | "conflict"
  | "rate_limited"
  | "content_policy"
  | "unavailable" // the service is shutting down or a dependency is away
  | "internal"

/** Plain data of an error: what travels between processes and into HTTP answers. */
export interface ErrorData {
  code: ErrorCode
  message: string
  field?: string
  details?: Record<string, unknown>
}

/**
 * The one error class. `message` is a full sentence with the value, the limit and the next step;
 * `field` is the path in the canonical request (`references[2].weight`).
 */
export class AtelierError extends Error implements ErrorData {
  readonly code: ErrorCode
  readonly field?: string
  readonly details?: Record<string, unknown>

  constructor(
    code: ErrorCode,
    message: string,
    options: { field?: string; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = "AtelierError"
    this.code = code
    if (options.field !== undefined) this.field = options.field
    if (options.details !== undefined) this.details = options.details
  }

  toJSON(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.field === undefined ? {} : { field: this.field }),
      ...(this.details === undefined ? {} : { details: this.details }),
    }
  }

  /** Rebuilds an error that crossed a process boundary as data. */
  static from(data: ErrorData): AtelierError {
    return new AtelierError(data.code, data.message, data)
  }
}

/** Any thrown value as an AtelierError; what is not one already becomes `internal` with its cause kept. */
export function asAtelierError(thrown: unknown): AtelierError {
  if (thrown instanceof AtelierError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new AtelierError("internal", message, { cause: thrown })
}
