// The queue and its webhooks once more, on PostgreSQL and S3.
import "../support/on-cluster.ts"
import "./queue.test.ts"
import "./webhooks.test.ts"
