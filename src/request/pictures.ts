// The pictures inside a request: where they stand, and the request with others in their places.
import type { GenerationRequest } from "./request.ts"

export interface RequestPicture {
  /** `references[2].image` */
  field: string
  role: "reference" | "start" | "mask"
  source: string
}

/** Every picture of a request but those of its board, in a fixed order. */
export function picturesOf({ references, start }: GenerationRequest): RequestPicture[] {
  const pictures: RequestPicture[] = references.map(({ image }, i) => ({
    field: `references[${i}].image`,
    role: "reference",
    source: image,
  }))
  if (start) pictures.push({ field: "start.image", role: "start", source: start.image })
  if (start?.mask !== undefined) pictures.push({ field: "start.mask", role: "mask", source: start.mask })
  return pictures
}

/** The request with `sources` in place of its pictures, one for each of `picturesOf`. */
export function withPictures(request: GenerationRequest, sources: readonly string[]): GenerationRequest {
  const left = [...sources]
  return {
    ...request,
    references: request.references.map((r) => ({ ...r, image: left.shift()! })),
    start: request.start && {
      ...request.start,
      image: left.shift()!,
      ...(request.start.mask !== undefined && { mask: left.shift()! }),
    },
  }
}
