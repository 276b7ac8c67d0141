// The dock: where a request is written. Always at the bottom, near the newest take.
import { ArrowUp, ChevronDown, LoaderCircle, Plus, SlidersHorizontal } from "lucide-react"
import { useEffect, useRef } from "react"
import type { Capabilities } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { draft, modelOf } from "../state/draft.ts"
import { page } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { canGenerate, generate } from "../state/work.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { BoardButton } from "./BoardButton.tsx"
import { Count } from "./Count.tsx"
import { Creativity } from "./Creativity.tsx"
import { DropZone, useFiles } from "./files.tsx"
import { ModelPicker } from "./ModelPicker.tsx"
import { More } from "./More.tsx"
import { Prompt } from "./Prompt.tsx"
import { Influence, References } from "./References.tsx"
import { Seed } from "./Seed.tsx"
import { ShapePicker } from "./ShapePicker.tsx"
import { StartButton, StartSlot } from "./Start.tsx"
import { VariationSlot } from "./Variation.tsx"

export function Dock({ capabilities }: { capabilities: Capabilities }) {
  const t = useMessages()
  const box = useRef<HTMLElement>(null)
  const model = modelOf(
    capabilities,
    useStore(draft, (d) => d.model),
  )
  const isOpen = useStore(page, (p) => p.dockOpen)
  const isLost = useStore(page, (p) => p.connection === "lost")
  const isSending = useStore(page, (p) => p.isSending)
  const isReady = useStore(draft, canGenerate)
  const hasSlots = useStore(draft, (d) => d.references.length > 0 || d.start !== null || d.variation !== null)
  const files = useFiles()

  // The takes end above the dock, however high it is just now.
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => {
      const height = entry!.borderBoxSize[0]!.blockSize
      document.documentElement.style.setProperty("--dock-height", `${Math.round(height)}px`)
      dispatchEvent(new Event("dock-resize"))
    })
    watcher.observe(box.current!)
    return () => watcher.disconnect()
  }, [])

  if (!model) return null
  const { supports } = model
  return (
    <section ref={box} className="dock" aria-label={t.dock.label} data-open={isOpen || undefined}>
      <DropZone />
      <div className="dock-scroll">
        {hasSlots && (
          <div className="dock-slots">
            <VariationSlot />
            {supports.start && <StartSlot />}
            {supports.references && <References />}
          </div>
        )}
        {supports.references && <Influence />}
        <Prompt />
        <div className="dock-controls">
          <div className="dock-group">
            {supports.references && (
              <Button aria-label={t.references.add} onPress={() => files.choose("reference")}>
                <Plus size={16} aria-hidden />
                <span className="not-phone">{t.references.title}</span>
              </Button>
            )}
            {supports.start && <StartButton onChoose={() => files.choose("start")} />}
            {supports.boards && <BoardButton />}
          </div>
          <div className="dock-right">
            <div className="dock-group dock-settings">
              {supports.creativity && <Creativity levels={capabilities.creativity} />}
              <ModelPicker capabilities={capabilities} model={model} />
              <ShapePicker capabilities={capabilities} model={model} />
              <Count limits={capabilities.limits.count as [number, number]} />
              <Seed />
              <More model={model} />
            </div>
            <div className="dock-group dock-go">
              <IconButton
                className="dock-fold"
                label={isOpen ? t.dock.close : t.dock.open}
                aria-expanded={isOpen}
                onPress={() => page.set({ dockOpen: !isOpen })}
              >
                {isOpen ? <ChevronDown size={18} /> : <SlidersHorizontal size={18} />}
              </IconButton>
              <Button
                kind="primary"
                className="generate"
                isDisabled={!isReady || isLost}
                isPending={isSending}
                onPress={() => void generate()}
              >
                {isSending ? (
                  <LoaderCircle className="spin" size={16} aria-hidden />
                ) : (
                  !isLost && <ArrowUp size={16} aria-hidden />
                )}
                <span>{isLost ? t.dock.offline : t.dock.generate}</span>
              </Button>
            </div>
          </div>
        </div>
      </div>
      {files.input}
    </section>
  )
}
