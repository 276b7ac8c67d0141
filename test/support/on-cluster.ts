// To be imported before the tests of another file, which then run on PostgreSQL and S3.
process.env.ATELIER_TEST_DATABASE = "postgres"
process.env.ATELIER_TEST_BLOBS = "s3"
