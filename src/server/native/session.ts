// Sign-in of the studio page: the key travels in a cookie that no script can read and no other site can send.
import { deleteCookie, getCookie, setCookie } from "hono/cookie"
import { z } from "zod"
import { AtelierError } from "../../request/index.ts"
import { type Call, type Callers, headerOf } from "../http.ts"
import { type Route, route } from "../route.ts"

const COOKIE = "atelier_key"
const MAX_AGE_SECONDS = 180 * 86_400

/**
 * The key of a page that has signed in. SameSite keeps other sites from sending it; browsers also say from where a
 * request comes, and what is neither from this page nor typed by hand gets nothing.
 */
export function secretOfSession(c: Call): string | null {
  if (headerOf(c, "cookie") === undefined) return null
  const from = headerOf(c, "sec-fetch-site")
  if (from !== undefined && from !== "same-origin" && from !== "none") return null
  return getCookie(c, COOKIE) ?? null
}

export const sessionRoutes = (callers: Callers): Route[] => [
  route({
    method: "post",
    path: "/api/session",
    tag: "about",
    summary: "Sign the studio page in: keeps the key in a cookie that scripts cannot read",
    body: z.strictObject({ key: z.string().min(1).max(200) }),
    answer: z.object({ name: z.string() }),
    open: true,
    run: async ({ c, body }) => {
      const key = await callers.key(body.key)
      // A server that asks for no key takes any; there is nothing to sign in to.
      if (!callers.needsKey) throw new AtelierError("conflict", "This server asks for no key.")
      setCookie(c, COOKIE, body.key, {
        httpOnly: true,
        sameSite: "Strict",
        secure: new URL(c.req.url).protocol === "https:" || c.req.header("x-forwarded-proto") === "https",
        path: "/",
        maxAge: MAX_AGE_SECONDS,
      })
      return c.json({ name: key.name })
    },
  }),
  route({
    method: "delete",
    path: "/api/session",
    tag: "about",
    summary: "Sign the studio page out",
    answer: z.object({ name: z.string() }),
    open: true,
    run: async ({ c }) => {
      deleteCookie(c, COOKIE, { path: "/" })
      return c.json({ name: "" })
    },
  }),
]
