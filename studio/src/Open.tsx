// What is open over the page. The palette is typed into at once and comes with the page; the other surfaces are fetched
// when the page has nothing else to do, so that they open without a wait and also while the server is away.
import { type ComponentType, useEffect, useState } from "react"
import Palette from "./keys/Palette.tsx"
import { messages } from "./messages/index.ts"
import { page, toast } from "./state/page.ts"
import { useStore } from "./state/store.ts"

const LOADERS = {
  look: () => import("./look/Look.tsx"),
  compare: () => import("./compare/Compare.tsx"),
  grid: () => import("./grid/Grid.tsx"),
  mask: () => import("./mask/Mask.tsx"),
  queue: () => import("./queue/QueuePanel.tsx"),
  boards: () => import("./boards/Boards.tsx"),
  help: () => import("./keys/Help.tsx"),
} satisfies Record<string, () => Promise<{ default: ComponentType }>>
type Name = keyof typeof LOADERS
const isName = (name: string): name is Name => Object.hasOwn(LOADERS, name)

// Not React's lazy: that remembers a failure for ever, and one of a moment without network is over soon.
const loaded = new Map<Name, ComponentType>()
async function load(name: Name): Promise<void> {
  loaded.set(name, (await LOADERS[name]()).default)
}
const loadAll = (): void => void Promise.allSettled(Object.keys(LOADERS).filter(isName).map(load))

/** Fetches the surfaces once the page stands. */
export function usePreload(isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return
    if (!("requestIdleCallback" in window)) {
      const timer = setTimeout(loadAll, 1000)
      return () => clearTimeout(timer)
    }
    const idle = requestIdleCallback(loadAll, { timeout: 5000 })
    return () => cancelIdleCallback(idle)
  }, [isOn])
}

export function Open() {
  const surface = useStore(page, (p) => p.surface)
  const panel = useStore(page, (p) => p.panel)
  return (
    <>
      {surface && <Loaded key={surface} name={surface} onFail={() => page.set({ surface: null })} />}
      {panel === "palette" && <Palette />}
      {panel && isName(panel) && <Loaded key={panel} name={panel} onFail={() => page.set({ panel: null })} />}
    </>
  )
}

function Loaded({ name, onFail }: { name: Name; onFail: () => void }) {
  const [Surface, setSurface] = useState<ComponentType | undefined>(() => loaded.get(name))
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads once, when it is opened
  useEffect(() => {
    if (Surface) return
    let isOpen = true
    load(name).then(
      () => isOpen && setSurface(() => loaded.get(name)),
      () => {
        if (!isOpen) return
        toast(messages().connection.notLoaded, { kind: "error" })
        onFail()
      },
    )
    return () => {
      isOpen = false
    }
  }, [])
  return Surface ? <Surface /> : null
}
