// The prompt: grows with its words up to six lines. Enter generates, Shift+Enter goes to the front of the queue.
import { X } from "lucide-react"
import { useEffect, useLayoutEffect, useRef } from "react"
import { useMessages } from "../messages/index.ts"
import { draft } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { generate, uploadReferences } from "../state/work.ts"
import { IconButton } from "../ui/Button.tsx"
import { picturesIn } from "./files.tsx"

export const PROMPT_ID = "prompt"
export const focusPrompt = (): void => document.getElementById(PROMPT_ID)?.focus()

export function Prompt() {
  const t = useMessages()
  const prompt = useStore(draft, (d) => d.prompt)
  const field = useRef<HTMLTextAreaElement>(null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the words
  useLayoutEffect(() => {
    const area = field.current!
    area.style.height = "auto"
    area.style.height = `${area.scrollHeight}px`
  }, [prompt])
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) field.current?.focus()
  }, [])

  return (
    <div className="prompt">
      <textarea
        ref={field}
        id={PROMPT_ID}
        rows={1}
        value={prompt}
        maxLength={5000}
        aria-label={t.dock.prompt}
        placeholder={t.dock.placeholder}
        enterKeyHint="go"
        spellCheck
        onChange={(e) => draft.set({ prompt: e.target.value })}
        onPaste={(e) => {
          const files = picturesIn(e.clipboardData)
          if (files.length === 0) return
          e.preventDefault()
          uploadReferences(files)
        }}
        onKeyDown={(e) => {
          if (e.key !== "Enter" || e.nativeEvent.isComposing || e.altKey) return
          e.preventDefault()
          if (e.ctrlKey || e.metaKey) void generate({ count: 4 })
          else void generate(e.shiftKey ? { priority: 10 } : {})
        }}
      />
      {prompt && (
        <IconButton
          className="small prompt-clear"
          label={t.dock.clear}
          onPress={() => {
            draft.set({ prompt: "" })
            focusPrompt()
          }}
        >
          <X size={14} />
        </IconButton>
      )}
    </div>
  )
}
