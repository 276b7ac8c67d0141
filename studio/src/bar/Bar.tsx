// The bar: whose page this is, search and filters, the queue, and how the page looks.
import { Command, GalleryVerticalEnd, Grid3x3, LayoutDashboard } from "lucide-react"
import { useMemory } from "../api/queries.ts"
import type { Capabilities } from "../api/types.ts"
import { keyOf, shown } from "../keys/bindings.ts"
import { useMessages } from "../messages/index.ts"
import { draft, modelOf } from "../state/draft.ts"
import { page } from "../state/page.ts"
import { settings } from "../state/settings.ts"
import { useStore } from "../state/store.ts"
import { IconButton } from "../ui/Button.tsx"
import { decimal } from "../ui/words.ts"
import { Filters } from "./Filters.tsx"
import { QueuePill } from "./QueuePill.tsx"
import { Search } from "./Search.tsx"
import { ViewMenu } from "./ViewMenu.tsx"

export function Bar({ capabilities }: { capabilities: Capabilities }) {
  const t = useMessages()
  const model = modelOf(
    capabilities,
    useStore(draft, (d) => d.model),
  )
  const layout = useStore(settings, (s) => s.layout)
  return (
    <header className="bar">
      <div className="bar-brand">
        <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden className="mark">
          <path
            d="M5 28 16 3l11 25"
            fill="none"
            stroke="currentcolor"
            strokeWidth="4"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
          <circle cx="16" cy="22" r="3.4" fill="currentcolor" />
        </svg>
        <h1>{t.appName}</h1>
        <span className="bar-model small">
          {model?.title ?? t.view.noModel}
          <MemoryInUse />
        </span>
      </div>
      <div className="bar-search">
        <Search />
        <Filters capabilities={capabilities} />
      </div>
      <div className="bar-tools">
        <QueuePill />
        <IconButton
          label={layout === "wall" ? t.history.takes : t.history.wall}
          className="wide-only"
          onPress={() => settings.set({ layout: layout === "wall" ? "takes" : "wall" })}
        >
          {layout === "wall" ? <GalleryVerticalEnd size={18} /> : <LayoutDashboard size={18} />}
        </IconButton>
        <IconButton
          className="wide-only"
          label={t.grid.open}
          hint={t.grid.hint}
          onPress={() => page.set({ surface: "grid" })}
        >
          <Grid3x3 size={18} />
        </IconButton>
        <IconButton
          className="wide-only"
          label={t.view.commands}
          hint={`${t.view.commands} (${shown(keyOf("palette"))})`}
          onPress={() => page.set({ panel: "palette" })}
        >
          <Command size={18} />
        </IconButton>
        <ViewMenu capabilities={capabilities} />
      </div>
    </header>
  )
}

function MemoryInUse() {
  const { view: t } = useMessages()
  const memory = useMemory().data
  if (!memory) return null
  const [used, total] = [decimal(memory.used / 1e9, 1), decimal(memory.total / 1e9, 0)]
  return (
    <span title={t.memoryHint}>
      {" · "}
      <span className="value">{t.memory(used, total)}</span>
    </span>
  )
}
