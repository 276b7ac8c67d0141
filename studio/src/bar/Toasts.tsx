// Short messages above the dock, some with an undo; and the voice for screen readers.
import { CircleAlert, X } from "lucide-react"
import { useMessages } from "../messages/index.ts"
import { spoken } from "../state/announce.ts"
import { dismiss, toasts } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"

export function Toasts() {
  const { toast: t } = useMessages()
  const items = useStore(toasts, (s) => s.items)
  const text = useStore(spoken, (s) => s.text)
  return (
    <>
      <section className="toasts" aria-label={t.region} aria-live="polite" data-react-aria-top-layer="true">
        {items.map((item) => (
          <div key={item.id} className="toast" role={item.kind === "error" ? "alert" : undefined}>
            {item.kind === "error" && <CircleAlert size={16} aria-hidden />}
            <span>{item.text}</span>
            {item.action && (
              <Button
                onPress={() => {
                  item.action!.run()
                  dismiss(item.id)
                }}
              >
                {item.action.label}
              </Button>
            )}
            <IconButton className="small" label={t.dismiss} onPress={() => dismiss(item.id)}>
              <X size={14} />
            </IconButton>
          </div>
        ))}
      </section>
      <p className="visually-hidden" role="status" data-testid="spoken">
        {text}
      </p>
    </>
  )
}
