// Blobs in an S3 bucket, for clusters whose nodes share no disk.
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3"
import { AtelierError } from "../request/index.ts"
import type { BlobStore } from "./blobs.ts"

export interface S3Options {
  bucket: string
  /** Folder inside the bucket. */
  prefix?: string
  region?: string
  /** For stores other than AWS. */
  endpoint?: string
  accessKeyId?: string
  secretAccessKey?: string
}

/** `s3://bucket/prefix?endpoint=http://host:9000&region=eu-west-1` as options; credentials come from the environment. */
export function parseS3Address(address: string): S3Options {
  const url = new URL(address)
  if (url.protocol !== "s3:" || !url.hostname) {
    throw new AtelierError("invalid_request", `Blob address ${address} is not s3://bucket/prefix.`)
  }
  return {
    bucket: url.hostname,
    prefix: url.pathname.replace(/^\/|\/$/g, ""),
    ...(url.searchParams.has("endpoint") ? { endpoint: url.searchParams.get("endpoint")! } : {}),
    region: url.searchParams.get("region") ?? "us-east-1",
  }
}

const isAbsent = (thrown: unknown): boolean =>
  (thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404

/** A blob store in a bucket that exists already. S3 acknowledges a put when it is durable. */
export function s3Blobs(options: S3Options): BlobStore & { close(): void } {
  const client = new S3Client({
    region: options.region ?? "us-east-1",
    ...(options.endpoint ? { endpoint: options.endpoint, forcePathStyle: true } : {}),
    ...(options.accessKeyId && options.secretAccessKey
      ? { credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey } }
      : {}),
    // A store that is silent instead of away must not hold a job, or a stop, for ever.
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 120_000, throwOnRequestTimeout: true },
    // Other stores than AWS's do not all know the newer checksum trailers.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  })
  const Bucket = options.bucket
  const before = options.prefix ? `${options.prefix}/` : ""
  const at = (key: string): { Bucket: string; Key: string } => ({ Bucket, Key: before + key })

  return {
    async put(key, bytes) {
      try {
        await client.send(new PutObjectCommand({ ...at(key), Body: bytes }))
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown)
        throw new AtelierError("file_write", `A picture could not be stored in S3: ${why}.`, {
          cause: thrown,
        })
      }
    },
    async get(key) {
      try {
        const answer = await client.send(new GetObjectCommand(at(key)))
        return answer.Body ? await answer.Body.transformToByteArray() : null
      } catch (thrown) {
        if (isAbsent(thrown)) return null
        throw thrown
      }
    },
    async has(key) {
      try {
        await client.send(new HeadObjectCommand(at(key)))
        return true
      } catch (thrown) {
        if (isAbsent(thrown)) return false
        throw thrown
      }
    },
    async delete(key) {
      await client.send(new DeleteObjectCommand(at(key)))
    },
    async *list(prefix) {
      let token: string | undefined
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix: before + prefix, ContinuationToken: token }),
        )
        for (const { Key, LastModified } of page.Contents ?? [])
          if (Key && LastModified) yield { key: Key.slice(before.length), written: LastModified }
        token = page.NextContinuationToken
      } while (token)
    },
    close: () => client.destroy(),
  }
}
