// Search over all takes by words of their prompts, asked for shortly after the last key.
import { Search as Glass, X } from "lucide-react"
import { useEffect, useState } from "react"
import { isComposing } from "../keys/bindings.ts"
import { useMessages } from "../messages/index.ts"
import { page } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { IconButton } from "../ui/Button.tsx"

export const SEARCH_ID = "search"
const PATIENCE_MS = 200
const wordsOf = (text: string): string => text.trim().replace(/\s+/g, " ")

export function Search() {
  const { history: t } = useMessages()
  const asked = useStore(page, (p) => p.filter.search)
  const [text, setText] = useState(asked)
  // A space at the end is the beginning of the next word.
  useEffect(() => setText((now) => (wordsOf(now) === asked ? now : asked)), [asked])
  useEffect(() => {
    const words = wordsOf(text)
    if (words === page.get().filter.search) return
    const timer = setTimeout(
      () => page.set(({ filter }) => ({ filter: { ...filter, search: words } })),
      PATIENCE_MS,
    )
    return () => clearTimeout(timer)
  }, [text])
  return (
    <search className="search">
      <Glass size={16} aria-hidden />
      <input
        id={SEARCH_ID}
        type="search"
        dir="auto"
        className="field"
        aria-label={t.searchLabel}
        placeholder={t.search}
        value={text}
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => {
          if (e.key !== "Escape" || isComposing(e.nativeEvent)) return
          e.stopPropagation()
          if (text) setText("")
          else e.currentTarget.blur()
        }}
      />
      {text && (
        <IconButton className="small" label={t.clear} onPress={() => setText("")}>
          <X size={14} />
        </IconButton>
      )}
    </search>
  )
}
