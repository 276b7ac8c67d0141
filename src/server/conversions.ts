// Pictures in the formats and sizes that were asked for lately: every browser that opens the page asks for the same.
import { LRUCache } from "lru-cache"

/** Some three thousand thumbnails. */
const MOST_BYTES = 32 * 2 ** 20

type Convert = () => Promise<Uint8Array>

export class Conversions {
  readonly #kept = new LRUCache<string, Uint8Array, Convert>({
    maxSize: MOST_BYTES,
    // A whole picture as PNG would push out hundreds of thumbnails, and is asked for once.
    maxEntrySize: MOST_BYTES / 16,
    sizeCalculation: (bytes) => bytes.byteLength,
    // Many that are done sooner would push out one that is under way, and whoever waits for it would get an error.
    ignoreFetchAbort: true,
    fetchMethod: (_name, _stale, { context }) => context(),
  })

  /** What `convert` gives, or gave under this name; who asks while it is at work waits for the same. Rejects as it does. */
  async of(name: string, convert: Convert): Promise<Uint8Array> {
    return (await this.#kept.fetch(name, { context: convert }))!
  }
}
