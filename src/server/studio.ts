// The studio page's built files at `/`, under a policy that lets them load nothing from elsewhere.
import { readFile, realpath } from "node:fs/promises"
import { extname, join, sep } from "node:path"

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".ico": "image/x-icon",
}

/** Pictures may come from blobs (previews of files being added); everything else only from here. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ")

const headers = (type: string, cache: string): Record<string, string> => ({
  "content-type": type,
  "cache-control": cache,
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
})

const PLACEHOLDER = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Atelier</title>
<h1>Atelier is running</h1><p>The studio page is not built. The API is described at <a href="/docs">/docs</a>.</p></html>`

/** A path as it is meant; one whose escapes mean nothing stays as it came, and names no file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** The file for a path, the page itself for `/`, null for anything that is not there. */
export async function studioFile(directory: string | undefined, path: string): Promise<Response | null> {
  const root = directory === undefined ? null : await realpath(directory).catch(() => null)
  const wanted = path === "/" ? "/index.html" : path
  if (root !== null) {
    const file = await realpath(join(root, decoded(wanted))).catch(() => null)
    const type = TYPES[extname(wanted)]
    if (file?.startsWith(root + sep) && type) {
      // Built files carry their hash in their name; the page itself is asked for each time.
      const cache = wanted === "/index.html" ? "no-cache" : "public, max-age=31536000, immutable"
      return new Response(new Uint8Array(await readFile(file)), { headers: headers(type, cache) })
    }
  }
  if (path !== "/") return null
  return new Response(PLACEHOLDER, { headers: headers(TYPES[".html"]!, "no-cache") })
}
