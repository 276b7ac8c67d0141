// The layer in which the start picture's mask is painted.
import { X } from "lucide-react"
import { useEffect, useState } from "react"
import { isComposing, pressed } from "../keys/bindings.ts"
import { FIELDS } from "../keys/useKeys.ts"
import { messages, useMessages } from "../messages/index.ts"
import { say } from "../state/announce.ts"
import { type DraftStart, draft } from "../state/draft.ts"
import { removeMask, setMask } from "../state/mask.ts"
import { complain, page, toast } from "../state/page.ts"
import { IconButton } from "../ui/Button.tsx"
import { Over } from "../ui/overlays.tsx"
import { resizeBrush, tool } from "./brush.ts"
import { makeCanvas } from "./canvas.ts"
import { createPainting, type Painting } from "./painting.ts"
import { loadPicture, maskSize, readMask, wholeOf } from "./read.ts"
import { Surface } from "./Surface.tsx"
import { Tools } from "./Tools.tsx"

interface Opened {
  /** The start picture's id, and its address. */
  image: string
  picture: string
  painting: Painting
}

/** What was closed and is wanted back. */
let left: Opened | null = null

async function begin({ image, thumb, maskThumb }: DraftStart): Promise<Opened> {
  if (left?.image === image) return left
  const picture = wholeOf(thumb)
  const size = maskSize(await loadPicture(picture))
  // One that is gone is painted again from nothing.
  const old = maskThumb === undefined ? null : await loadPicture(wholeOf(maskThumb)).catch(() => null)
  const first = old ? readMask(old, ...size) : makeCanvas(...size)
  return { image, picture, painting: createPainting(first) }
}

const isChanged = ({ painting }: Opened): boolean => {
  const { undo, redo } = painting.history.get()
  return undo + redo > 0
}

/** Nothing that was painted is lost by a key: for a while there is a way back. */
function offer(opened: Opened): void {
  const { mask: t } = messages()
  const run = (): void => {
    left = opened
    page.set({ surface: "mask" })
  }
  toast(t.left, { action: { label: t.back, run } })
}

export default function Mask() {
  const { mask: t } = useMessages()
  const [opened, setOpened] = useState<Opened | null>(null)
  useEffect(() => {
    let isOpen = true
    const { start } = draft.get()
    if (!start?.image) return page.set({ surface: null })
    begin(start).then(
      (now) => {
        left = null
        if (isOpen) setOpened(now)
      },
      () => {
        if (!isOpen) return
        page.set({ surface: null })
        toast(messages().takes.missing, { kind: "error" })
      },
    )
    return () => {
      isOpen = false
    }
  }, [])
  useMaskKeys(opened?.painting)
  const close = (): void => {
    page.set({ surface: null })
    if (opened && isChanged(opened)) offer(opened)
  }
  const use = async (): Promise<void> => {
    try {
      if (opened!.painting.isEmpty()) removeMask()
      else if (isChanged(opened!)) void setMask(await opened!.painting.toFile(), () => offer(opened!))
      page.set({ surface: null })
    } catch (thrown) {
      complain(thrown)
    }
  }
  const remove = (): void => {
    removeMask()
    page.set({ surface: null })
  }
  return (
    <Over label={t.title} as="whole" onClose={close}>
      <div className="mask-layer">
        <div className="look-bar">
          <h2 className="surface-title">{t.title}</h2>
          <p className="look-prompt muted">{t.hint}</p>
          <IconButton label={t.close} onPress={close}>
            <X size={18} />
          </IconButton>
        </div>
        {opened && (
          <>
            <Surface painting={opened.painting} picture={opened.picture} />
            <Tools
              painting={opened.painting}
              onUse={() => void use()}
              onRemove={draft.get().start?.mask === undefined ? null : remove}
            />
          </>
        )}
      </div>
    </Over>
  )
}

/** Keys that work anywhere in the layer but in a field. */
function useMaskKeys(painting: Painting | undefined): void {
  useEffect(() => {
    if (!painting) return
    const { mask: t } = messages()
    const undo = (): void => {
      painting.undo()
      say(t.undone)
    }
    const redo = (): void => {
      painting.redo()
      say(t.redone)
    }
    const actions: Record<string, () => void> = {
      b: () => tool.set({ now: "brush" }),
      e: () => tool.set({ now: "eraser" }),
      "[": () => resizeBrush(-1),
      "]": () => resizeBrush(1),
      "mod+z": undo,
      "mod+shift+z": redo,
      "mod+y": redo,
    }
    const listen = (e: KeyboardEvent): void => {
      const action = actions[pressed(e)]
      const isElsewhere = page.get().panel !== null || (e.target as Element).closest(FIELDS) !== null
      if (!action || isElsewhere || e.defaultPrevented || isComposing(e)) return
      e.preventDefault()
      action()
    }
    addEventListener("keydown", listen)
    return () => removeEventListener("keydown", listen)
  }, [painting])
}
