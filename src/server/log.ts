// Structured logs: one JSON line per event, with the request id.
import pino from "pino"

export type Log = pino.Logger

/** Members that never reach a log, at the top of an entry or up to two below. */
const SECRETS = ["authorization", "cookie", "apiKey", "secret", "webhookSecret"]

export const openLog = (level: string): Log =>
  pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
  })
