// The only function that talks to an address somebody else chose. It resolves the name itself, refuses the
// request when ANY answer is not public, connects to the very address it checked, and does so again for
// every redirect, so that a second DNS answer or a Location header cannot lead inside.
import { lookup as dnsLookup } from "node:dns/promises"
import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import { AtelierError } from "../request/errors.ts"
import { isPublicAddress } from "./addresses.ts"
import { IMAGE_LIMITS } from "./limits.ts"

export interface FetchRules {
  /** Bytes of the answer; 75 MB unless given. */
  maxBytes?: number
  /** For the whole exchange with its redirects; 20 unless given. */
  seconds?: number
  /** 4 unless given. Never followed when something is sent. */
  redirects?: number
  /** Skips the address check; the choice of who runs the program, never that of who sends the address. */
  allowPrivate?: boolean
  method?: "GET" | "POST" | "PUT"
  headers?: Record<string, string>
  body?: string | Uint8Array
  signal?: AbortSignal
  /** For tests: all addresses of a name. */
  resolve?: (host: string) => Promise<{ address: string; family: number }[]>
  /** For tests: which addresses of which names count as public. */
  isPublic?: (address: string, host: string) => boolean
}

export interface Fetched {
  status: number
  headers: Record<string, string | string[] | undefined>
  bytes: Buffer
}

export const MAX_REMOTE_BYTES = IMAGE_LIMITS.bytes

const refused = (message: string): AtelierError => new AtelierError("image_invalid", message)

/** Throws `image_invalid` for a refused address, a large answer or no answer, `timeout` after its time. */
export async function fetchUntrusted(address: string, rules: FetchRules = {}): Promise<Fetched> {
  const seconds = rules.seconds ?? 20
  const deadline = AbortSignal.timeout(seconds * 1000)
  const signal = rules.signal ? AbortSignal.any([deadline, rules.signal]) : deadline
  let url = address
  try {
    for (let hop = 0; ; hop++) {
      const answer = await once(url, rules, signal)
      const location = answer.headers.location
      if (answer.status < 300 || answer.status > 399 || typeof location !== "string") return answer
      if ((rules.method ?? "GET") !== "GET")
        throw refused(`${host(url)} redirects, which is not followed here.`)
      if (hop >= (rules.redirects ?? 4)) throw refused(`${host(url)} redirects too often.`)
      url = new URL(location, url).href
    }
  } catch (thrown) {
    if (deadline.aborted) {
      throw new AtelierError("timeout", `${host(url)} did not answer within ${seconds} seconds.`)
    }
    if (thrown instanceof AtelierError) throw thrown
    // The cause stays inside: "connection refused" or not would map a private network for the caller.
    throw new AtelierError("image_invalid", `${host(url)} could not be reached.`, { cause: thrown })
  }
}

const host = (url: string): string => {
  try {
    return new URL(url).hostname
  } catch {
    return "The address"
  }
}

/** Checks one address and pins it: the socket goes to the address that was checked and to no other. */
async function pin(url: URL, rules: FetchRules): Promise<LookupFunction> {
  const name = url.hostname.replace(/^\[|\]$/g, "")
  const literal = isIP(name)
  const resolve = rules.resolve ?? ((h: string) => dnsLookup(h, { all: true, verbatim: true }))
  const found = literal ? [{ address: name, family: literal }] : await resolve(name)
  if (found.length === 0) throw refused(`${name} has no address.`)
  const isPublic = rules.isPublic ?? isPublicAddress
  if (!rules.allowPrivate && !found.every((f) => isPublic(f.address, name))) {
    throw refused(`${name} is not a public address, so it is not fetched without --allow-private-network.`)
  }
  const chosen = found[0]!
  return (_name, options, callback) => {
    if (options.all) callback(null, [chosen])
    else callback(null, chosen.address, chosen.family)
  }
}

async function once(address: string, rules: FetchRules, signal: AbortSignal): Promise<Fetched> {
  if (!URL.canParse(address)) throw refused("The address is not a URL.")
  const url = new URL(address)
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refused(`${url.protocol} addresses are not fetched, only http: and https:.`)
  }
  if (url.username || url.password) throw refused("Addresses with a user name are not fetched.")
  const lookup = await pin(url, rules)
  const limit = rules.maxBytes ?? MAX_REMOTE_BYTES
  const send = url.protocol === "https:" ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: rules.method ?? "GET",
        headers: { "user-agent": "atelier/1", accept: "image/*,*/*;q=0.5", ...rules.headers },
        lookup,
        signal,
        // A connection of its own: a pooled one could have been pinned for another check.
        agent: false,
      },
      (response) => {
        const tooLarge = (): void => {
          request.destroy()
          reject(refused(`${url.hostname} sent more than ${limit / 1e6} MB.`))
        }
        if (Number(response.headers["content-length"] ?? 0) > limit) return tooLarge()
        const parts: Buffer[] = []
        let size = 0
        response.on("data", (part: Buffer) => {
          size += part.length
          if (size > limit) tooLarge()
          else parts.push(part)
        })
        response.on("error", reject)
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: Buffer.concat(parts),
          }),
        )
      },
    )
    request.on("error", reject)
    request.end(rules.body)
  })
}
