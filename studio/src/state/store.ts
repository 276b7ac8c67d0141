// A small store that React can follow: one value, changed by functions, optionally kept in the browser.
import { useSyncExternalStore } from "react"

export interface Store<T> {
  get(): T
  set(change: Partial<T> | ((now: T) => Partial<T>)): void
  subscribe(listener: () => void): () => void
}

/**
 * `keep` names the value in the browser's storage; what is read there fills in for `initial`. A `shared` one follows
 * what other tabs keep under the name, and so never puts its own old value back over theirs.
 */
export function createStore<T extends object>(initial: T, keep?: string, shared = false): Store<T> {
  let value = keep ? { ...initial, ...read<T>(keep) } : initial
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  if (keep && shared) {
    addEventListener("storage", ({ key }) => {
      if (key !== nameOf(keep)) return
      value = { ...value, ...read<T>(keep) }
      tell()
    })
  }
  return {
    get: () => value,
    set(change) {
      const part = typeof change === "function" ? change(value) : change
      value = { ...value, ...part }
      if (keep) write(keep, value)
      tell()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** A part of a store's value; the component is drawn again only when that part changes. */
export function useStore<T, P>(store: Store<T>, part: (value: T) => P): P {
  return useSyncExternalStore(store.subscribe, () => part(store.get()))
}

const nameOf = (keep: string): string => `atelier.${keep}`

function read<T>(name: string): Partial<T> {
  try {
    return JSON.parse(localStorage.getItem(nameOf(name)) ?? "{}") as Partial<T>
  } catch {
    return {}
  }
}

function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(nameOf(name), JSON.stringify(value))
  } catch {
    // storage is full or forbidden: the page works on, it only forgets
  }
}
