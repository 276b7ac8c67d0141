// What the model read: the prompt after creativity, with the words that were added marked.
import { useMessages } from "../messages/index.ts"
import { additions } from "./additions.ts"

export function ModelRead({ prompt, expanded }: { prompt: string; expanded: string }) {
  const { look: t } = useMessages()
  if (prompt === expanded) return <p className="muted">{t.modelReadSame}</p>
  return (
    <>
      <p className="model-read" dir="auto">
        {additions(prompt, expanded).map((part, i) =>
          part.isAdded ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other name than their place
            <mark key={i}>{part.text}</mark>
          ) : (
            part.text
          ),
        )}
      </p>
      <p className="small muted">{t.added}</p>
    </>
  )
}
