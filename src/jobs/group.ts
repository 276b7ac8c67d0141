// Group commit: what arrives while one statement runs shares the next one, so a crowd costs a handful of syncs.
import { type AtelierError, asAtelierError } from "../request/index.ts"

export interface Member<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: AtelierError) => void
}

export interface GroupOptions<Item, Result> {
  /** Stores a group in one statement and settles its members; those of a group that throws are rejected. */
  store: (group: Member<Item, Result>[]) => Promise<void>
  /** Two of one name cannot share a statement, which would not see the first; null for no name. */
  nameOf: (item: Item) => string | null
  /** Members of a group: keeps one commit within some tens of milliseconds. */
  most: number
}

export class GroupCommit<Item, Result> {
  readonly #o: GroupOptions<Item, Result>
  #waiting: Member<Item, Result>[] = []
  #running = false

  constructor(options: GroupOptions<Item, Result>) {
    this.#o = options
  }

  /** Resolves when the item is on disk. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const group = this.#next()
      try {
        await this.#o.store(group)
      } catch (thrown) {
        for (const member of group) member.reject(asAtelierError(thrown))
      }
    }
    this.#running = false
  }

  #next(): Member<Item, Result>[] {
    const seen = new Set<string>()
    const group: Member<Item, Result>[] = []
    const rest: Member<Item, Result>[] = []
    for (const member of this.#waiting) {
      const name = this.#o.nameOf(member.item)
      const isFree = name === null || !seen.has(name)
      if (group.length < this.#o.most && isFree) group.push(member)
      else rest.push(member)
      if (name !== null) seen.add(name)
    }
    this.#waiting = rest
    return group
  }
}
