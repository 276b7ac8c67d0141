// Short messages above the dock, some with an undo; and the voice for screen readers.
import { CircleAlert, X } from "lucide-react"
import { useEffect, useState } from "react"
import type { PressEvent } from "react-aria-components"
import { focusPrompt } from "../dock/Prompt.tsx"
import { useMessages } from "../messages/index.ts"
import { spoken } from "../state/announce.ts"
import { dismiss, page, type Toast, toasts } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { focusPicture } from "../takes/focus.ts"
import { Button, IconButton } from "../ui/Button.tsx"

/** The newest are shown; older ones wait, and can still be taken back by key. */
const MOST = 3

export function Toasts() {
  const { toast: t } = useMessages()
  const items = useStore(toasts, (s) => s.items)
  const text = useStore(spoken, (s) => s.text)
  return (
    <>
      <section className="toasts" aria-label={t.region} aria-live="polite" data-react-aria-top-layer="true">
        {items.map((item, i) => (
          <Line key={item.id} item={item} isShown={i >= items.length - MOST} />
        ))}
      </section>
      {/* In the top layer too: what an open panel makes inert has no voice. */}
      <p className="visually-hidden" role="status" data-testid="spoken" data-react-aria-top-layer="true">
        {text}
      </p>
    </>
  )
}

/** Goes by itself, but not from under the pointer or the keyboard. */
function Line({ item, isShown }: { item: Toast; isShown: boolean }) {
  const { toast: t } = useMessages()
  const [isPointedAt, setPointedAt] = useState(false)
  const [hasKeyboard, setKeyboard] = useState(false)
  useEffect(() => {
    if (isShown) return
    // Nothing says so when it goes from under the pointer.
    setPointedAt(false)
    setKeyboard(false)
  }, [isShown])
  useEffect(() => {
    if (isPointedAt || hasKeyboard) return
    const timer = setTimeout(() => dismiss(item.id), item.stays)
    return () => clearTimeout(timer)
  }, [isPointedAt, hasKeyboard, item])
  const leave = (e: PressEvent): void => {
    dismiss(item.id)
    if (e.pointerType !== "keyboard") return
    // The button that has the keyboard goes: back to work.
    const { current } = page.get()
    if (current) focusPicture(current)
    else focusPrompt()
  }
  if (!isShown) return null
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only notices that it is being read
    <div
      className="toast"
      role={item.kind === "error" ? "alert" : undefined}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      onFocus={() => setKeyboard(true)}
      onBlur={() => setKeyboard(false)}
    >
      {item.kind === "error" && <CircleAlert size={16} aria-hidden />}
      <div>
        {item.text}
        {item.detail && (
          <p className="small" lang="en">
            {item.detail}
          </p>
        )}
      </div>
      {item.action && (
        <Button
          onPress={(e) => {
            item.action!.run()
            leave(e)
          }}
        >
          {item.action.label}
        </Button>
      )}
      <IconButton className="small" label={t.dismiss} onPress={leave}>
        <X size={14} />
      </IconButton>
    </div>
  )
}
