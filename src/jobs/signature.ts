// Signatures of webhooks, for the sender and for receivers. Imports nothing of ours, so that receivers load no server.
import { createHmac, timingSafeEqual } from "node:crypto"

const VERSION = "v1"

/** `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`: the time is signed, so an old message cannot be replayed. */
export function signWebhook(body: string, secret: string, at: Date): string {
  const t = Math.floor(at.getTime() / 1000)
  return `t=${t},${VERSION}=${hmac(`${t}.${body}`, secret)}`
}

/**
 * For receivers: true when the signature is ours and not older than `toleranceSeconds`.
 * @example verifyWebhook(body, request.headers["atelier-signature"], process.env.WEBHOOK_SECRET)
 */
export function verifyWebhook(
  body: string,
  signature: string,
  secret: string,
  options: { toleranceSeconds?: number; now?: Date } = {},
): boolean {
  const fields = new Map(signature.split(",").map((part) => part.split("=", 2) as [string, string]))
  const t = Number(fields.get("t"))
  const now = (options.now ?? new Date()).getTime() / 1000
  if (!Number.isFinite(t) || Math.abs(now - t) > (options.toleranceSeconds ?? 300)) return false
  const given = Buffer.from(fields.get(VERSION) ?? "")
  const wanted = Buffer.from(hmac(`${t}.${body}`, secret))
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

const hmac = (text: string, secret: string): string => createHmac("sha256", secret).update(text).digest("hex")

/** As the standard-webhooks convention has it: base64 over id, time and body, under the bytes of a `whsec_` secret. */
export function standardSignature(id: string, seconds: number, body: string, secret: string): string {
  const bytes = Buffer.from(secret.replace(/^whsec_/, ""), "base64")
  return `v1,${createHmac("sha256", bytes).update(`${id}.${seconds}.${body}`).digest("base64")}`
}
