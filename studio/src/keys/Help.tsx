// The sheet of keys: what each does, and the way to give it another.
import { X } from "lucide-react"
import { useEffect, useState } from "react"
import { useMessages } from "../messages/index.ts"
import { page, toast } from "../state/page.ts"
import { settings } from "../state/settings.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { Over } from "../ui/overlays.tsx"
import { ACTIONS } from "./actions.ts"
import { type ActionName, keyOf, pressed, shown } from "./bindings.ts"

/** Keys that move about and press what has the keyboard: no action may take them. */
const KEPT = ["Escape", "Tab", "Enter", " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]

export default function Help() {
  const t = useMessages()
  const [asking, setAsking] = useState<ActionName | null>(null)
  const hasOwn = useStore(settings, (s) => Object.keys(s.bindings).length > 0)
  const close = (): void => page.set({ panel: null })

  useEffect(() => {
    if (!asking) return
    const listen = (e: KeyboardEvent): void => {
      if (["Shift", "Control", "Meta", "Alt"].includes(e.key)) return
      e.preventDefault()
      e.stopPropagation()
      setAsking(null)
      if (KEPT.includes(e.key)) return
      const key = pressed(e)
      const taken = ACTIONS.find((a) => a.name !== asking && keyOf(a.name) === key)
      if (taken) toast(t.keys.taken(shown(key), t.actions[taken.name]), { kind: "error" })
      else settings.set(({ bindings }) => ({ bindings: { ...bindings, [asking]: key } }))
    }
    addEventListener("keydown", listen, true)
    return () => removeEventListener("keydown", listen, true)
  }, [asking, t])

  const fixed = [
    [t.actions.generate, "⏎"],
    [t.actions.generateFront, "⇧ ⏎"],
    [t.actions.generateFour, shown("mod+⏎")],
  ] as const
  const onMask = [
    [t.mask.brush, "B"],
    [t.mask.eraser, "E"],
    [t.mask.keys.sizeBrush, "[ ]"],
    [t.mask.keys.moveBrush, "← ↑ → ↓"],
    [t.mask.keys.paint, "␣ ⏎"],
    [t.mask.keys.erase, "X"],
    [t.mask.keys.eraseByPointer, t.keys.hold(shown("alt"))],
    [t.mask.undo, shown("mod+z")],
    [t.mask.redo, shown("mod+shift+z")],
  ] as const
  return (
    <Over label={t.keys.title} as="middle" onClose={close}>
      <header className="panel-head">
        <div>
          <h2>{t.keys.title}</h2>
          <p className="small muted">{t.keys.line}</p>
        </div>
        <IconButton label={t.keys.close} onPress={close}>
          <X size={18} />
        </IconButton>
      </header>
      <div className="keys">
        {(["make", "picture", "page"] as const).map((group) => (
          <section key={group}>
            <h3 className="panel-group">{t.keys.groups[group]}</h3>
            <ul>
              {group === "make" && fixed.map(([what, key]) => <Fixed key={what} what={what} keys={key} />)}
              {ACTIONS.filter((a) => a.group === group).map((a) => (
                <li key={a.name}>
                  <button
                    type="button"
                    className="key-line"
                    aria-label={t.keys.rebind(t.actions[a.name], shown(keyOf(a.name)))}
                    onClick={() => setAsking(a.name)}
                  >
                    <span>{t.actions[a.name]}</span>
                    {asking === a.name ? (
                      <em className="small">{t.keys.press}</em>
                    ) : (
                      <kbd>{shown(keyOf(a.name))}</kbd>
                    )}
                  </button>
                </li>
              ))}
              {group === "picture" && (
                <Fixed what={t.actions.holdWithout} keys={t.keys.hold(shown(keyOf("asReference")))} />
              )}
            </ul>
          </section>
        ))}
        <section className="keys-mask">
          <h3 className="panel-group">{t.keys.groups.mask}</h3>
          <ul>
            {onMask.map(([what, key]) => (
              <Fixed key={what} what={what} keys={key} />
            ))}
          </ul>
        </section>
      </div>
      {hasOwn && (
        <Button kind="outlined" onPress={() => settings.set({ bindings: {} })}>
          {t.keys.reset}
        </Button>
      )}
    </Over>
  )
}

/** A key that stays what it is. */
const Fixed = ({ what, keys }: { what: string; keys: string }) => (
  <li className="key-line fixed">
    <span>{what}</span>
    <kbd>{keys}</kbd>
  </li>
)
