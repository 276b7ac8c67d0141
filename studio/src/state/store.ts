// A small store that React can follow: one value, changed by functions, optionally kept in the browser.
import { useSyncExternalStore } from "react"

export interface Store<T> {
  get(): T
  set(change: Partial<T> | ((now: T) => Partial<T>)): void
  subscribe(listener: () => void): () => void
}

/**
 * `keep` names the value in the browser's storage; what is read there fills in for `initial`. It is the tab's own, and a
 * new tab begins with what was kept last by any. A `shared` one follows what other tabs keep under the name, and so
 * never puts its own old value back over theirs.
 */
export function createStore<T extends object>(initial: T, keep?: string, shared = false): Store<T> {
  let value = keep ? { ...initial, ...read<T>(keep, shared) } : initial
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  if (keep && shared) {
    addEventListener("storage", ({ key }) => {
      if (key !== nameOf(keep)) return
      value = { ...value, ...read<T>(keep, shared) }
      tell()
    })
  }
  return {
    get: () => value,
    set(change) {
      const part = typeof change === "function" ? change(value) : change
      value = { ...value, ...part }
      if (keep) write(keep, value, shared)
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

function read<T>(name: string, shared: boolean): Partial<T> {
  try {
    const own = shared ? null : sessionStorage.getItem(nameOf(name))
    return JSON.parse(own ?? localStorage.getItem(nameOf(name)) ?? "{}") as Partial<T>
  } catch {
    return {}
  }
}

function write(name: string, value: unknown, shared: boolean): void {
  const text = JSON.stringify(value)
  try {
    if (!shared) sessionStorage.setItem(nameOf(name), text)
    localStorage.setItem(nameOf(name), text)
  } catch {
    // storage is full or forbidden: the page works on, it only forgets
  }
}
