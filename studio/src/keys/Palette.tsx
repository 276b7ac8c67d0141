// The command palette: every action by name, its key beside it, and search when nothing else fits.
import { CornerDownLeft, Search } from "lucide-react"
import { useState } from "react"
import { useMessages } from "../messages/index.ts"
import { page } from "../state/page.ts"
import { generate } from "../state/work.ts"
import { Over } from "../ui/overlays.tsx"
import { ACTIONS } from "./actions.ts"
import { isComposing, keyOf, shown } from "./bindings.ts"

interface Entry {
  id: string
  label: string
  keys: string
  run: () => void
}

export default function Palette() {
  const t = useMessages()
  const [text, setText] = useState("")
  const [at, setAt] = useState(0)
  const close = (): void => page.set({ panel: null })
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const all: Entry[] = [
    { id: "generate", label: t.actions.generate, keys: "⏎", run: () => void generate() },
    {
      id: "generateFront",
      label: t.actions.generateFront,
      keys: "⇧⏎",
      run: () => void generate({ priority: 10 }),
    },
    {
      id: "generateFour",
      label: t.actions.generateFour,
      keys: shown("mod+⏎"),
      run: () => void generate({ count: 4 }),
    },
    ...ACTIONS.filter((a) => a.name !== "palette").map((a) => ({
      id: a.name,
      label: t.actions[a.name],
      keys: shown(keyOf(a.name)),
      run: a.run,
    })),
  ]
  const fitting = all.filter((e) => words.every((w) => e.label.toLowerCase().includes(w)))
  const search: Entry | null = text.trim()
    ? {
        id: "search-words",
        label: t.palette.search(text.trim()),
        keys: "",
        run: () => page.set(({ filter }) => ({ filter: { ...filter, search: text.trim() } })),
      }
    : null
  const entries = search ? [...fitting, search] : fitting
  const start = (entry: Entry | undefined): void => {
    if (!entry) return
    close()
    // After the layer has gone: what it covered has the keyboard again.
    requestAnimationFrame(() => entry.run())
  }
  return (
    <Over label={t.palette.title} as="middle" onClose={close} className="palette-over">
      <div className="palette">
        <div className="palette-field">
          <Search size={18} aria-hidden />
          <input
            // biome-ignore lint/a11y/noAutofocus: a palette is opened to type into
            autoFocus
            role="combobox"
            aria-expanded
            aria-controls="palette-list"
            aria-activedescendant={entries[at] ? `palette-${entries[at].id}` : undefined}
            aria-label={t.palette.title}
            placeholder={t.palette.placeholder}
            value={text}
            onChange={(e) => {
              setText(e.target.value)
              setAt(0)
            }}
            onKeyDown={(e) => {
              if (isComposing(e.nativeEvent)) return
              if (e.key === "Enter") start(entries[at])
              const by = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0
              if (by === 0) return
              e.preventDefault()
              setAt((at + by + entries.length) % Math.max(1, entries.length))
            }}
          />
        </div>
        <div id="palette-list" role="listbox" aria-label={t.palette.title} className="palette-list">
          {entries.map((entry, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys of the list
            <div
              key={entry.id}
              id={`palette-${entry.id}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === at}
              className="palette-entry"
              ref={(node) => {
                if (i === at) node?.scrollIntoView({ block: "nearest" })
              }}
              onPointerMove={() => setAt(i)}
              onClick={() => start(entry)}
            >
              <span className="grow">{entry.label}</span>
              {i === at && <CornerDownLeft size={14} aria-hidden />}
              {entry.keys && <kbd>{entry.keys}</kbd>}
            </div>
          ))}
        </div>
        {entries.length === 0 && <p className="panel-empty muted">{t.palette.none}</p>}
      </div>
    </Over>
  )
}
