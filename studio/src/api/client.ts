// Calls to the server. Addresses are relative, so that the page works wherever it is served from.
import { messages } from "../messages/index.ts"
import type { ServerError } from "./types.ts"

/** An answer that is no success, or no answer at all (`code` is then "offline"). */
export class ApiError extends Error {
  readonly code: string
  readonly field: string | undefined
  readonly status: number

  constructor(error: ServerError, status: number) {
    super(error.message)
    this.code = error.code
    this.field = error.field
    this.status = status
  }
}

type Method = "GET" | "POST" | "PATCH" | "DELETE"

let onUnauthorized: () => void = () => {}
/** What to do when the server asks for a key. */
export function whenUnauthorized(handler: () => void): void {
  onUnauthorized = handler
}

export async function call<T>(
  method: Method,
  path: string,
  body?: unknown,
  options: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<T> {
  const isForm = body instanceof FormData
  const response = await fetch(path, {
    method,
    headers: {
      ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    ...(options.signal ? { signal: options.signal } : {}),
  }).catch((thrown: unknown) => {
    if (options.signal?.aborted) throw thrown
    throw new ApiError({ code: "offline", message: messages().connection.unreachable }, 0)
  })
  if (response.ok) return (await response.json()) as T
  if (response.status === 401) onUnauthorized()
  const answer = (await response.json().catch(() => null)) as { error?: ServerError } | null
  throw new ApiError(
    answer?.error ?? { code: "internal", message: `${response.status} ${response.statusText}` },
    response.status,
  )
}

/** The server's absolute addresses, taken to the origin that this page came from. */
export function local(url: string): string {
  const { pathname, search } = new URL(url, location.href)
  return pathname + search
}

/** A thumbnail's address: scaled by the server, never larger than the picture, without the pictures of its request. */
export function thumb(picture: { url: string; width: number }, width: number): string {
  const url = local(picture.url)
  return picture.width <= width ? url : `${url}?format=webp&quality=86&metadata=none&width=${width}`
}

/** Address of a picture that a request names by its id. */
export const assetThumb = (id: string, width = 160): string => `files/assets/${id}?width=${width}`
