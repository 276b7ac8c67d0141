// Pretrained word vectors as `npm run data` exports them.
export function openWordVectors(): (word: string) => Float32Array | undefined {
  return () => undefined
}
