// Pictures on their way into the dock: chosen, pasted, dropped from outside, or dragged from a take.
import { ImageDown } from "lucide-react"
import { type ReactNode, useEffect, useRef, useState } from "react"
import { messages, useMessages } from "../messages/index.ts"
import { toast } from "../state/page.ts"
import { addReference, uploadReferences, uploadStart } from "../state/work.ts"

export const PICTURE_TYPE = "application/x-atelier-picture"
const KINDS = "image/png,image/jpeg,image/webp"

export const picturesIn = (data: DataTransfer | null): File[] =>
  [...(data?.files ?? [])].filter((file) => KINDS.includes(file.type) && file.type !== "")

/** A hidden file chooser. */
export function useFiles(): { choose: (as: "reference" | "start") => void; input: ReactNode } {
  const field = useRef<HTMLInputElement>(null)
  const [as, setAs] = useState<"reference" | "start">("reference")
  return {
    choose(wanted) {
      setAs(wanted)
      field.current?.click()
    },
    input: (
      <input
        ref={field}
        type="file"
        accept={KINDS}
        multiple={as === "reference"}
        hidden
        data-testid="files"
        onChange={(e) => {
          const files = [...(e.target.files ?? [])]
          if (as === "reference") uploadReferences(files)
          else if (files[0]) void uploadStart(files[0])
          e.target.value = ""
        }}
      />
    ),
  }
}

const isPicture = (e: DragEvent): boolean =>
  Boolean(e.dataTransfer?.types.some((type) => type === "Files" || type === PICTURE_TYPE))

/** While a picture is dragged over the page, the dock says what dropping does. Pasting works anywhere. */
export function DropZone() {
  const t = useMessages()
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    let depth = 0
    const enter = (e: DragEvent): void => {
      if (!isPicture(e)) return
      depth++
      setOver(true)
    }
    const leave = (e: DragEvent): void => {
      if (isPicture(e) && --depth <= 0) setOver(false)
    }
    const over = (e: DragEvent): void => {
      if (isPicture(e)) e.preventDefault()
    }
    const drop = (e: DragEvent): void => {
      if (!isPicture(e)) return
      e.preventDefault()
      depth = 0
      setOver(false)
      const own = e.dataTransfer?.getData(PICTURE_TYPE)
      if (own) {
        const { id, thumb } = JSON.parse(own) as { id: string; thumb: string }
        addReference(id, thumb)
      } else {
        const pictures = picturesIn(e.dataTransfer)
        // A photo straight from a phone may be HEIC: nothing happening would be no answer.
        if (pictures.length < (e.dataTransfer?.files.length ?? 0))
          toast(messages().references.kinds, { kind: "error" })
        uploadReferences(pictures)
      }
    }
    const paste = (e: ClipboardEvent): void => {
      if ((e.target as HTMLElement).closest("textarea, input")) return
      uploadReferences(picturesIn(e.clipboardData))
    }
    const events = { dragenter: enter, dragleave: leave, dragover: over, drop, paste } as const
    for (const [name, listener] of Object.entries(events)) addEventListener(name, listener as EventListener)
    return () => {
      for (const [name, listener] of Object.entries(events))
        removeEventListener(name, listener as EventListener)
    }
  }, [])
  return isOver ? (
    <div className="drop-zone">
      <ImageDown size={20} aria-hidden />
      {t.references.drop}
    </div>
  ) : null
}
