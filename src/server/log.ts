// Structured logs: one JSON line per event, with the request id.
import pino from "pino"

export type Log = pino.Logger

/** Secrets never reach a log, whoever logs the headers. */
export const openLog = (level: string): Log =>
  pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ["headers.authorization", "headers.cookie", "*.apiKey", "apiKey"],
  })
