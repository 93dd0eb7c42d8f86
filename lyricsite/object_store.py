"""How files are kept in an object store (S3 and what speaks like it), for settings and tests."""


def s3_storage(bucket: str, endpoint_url: str | None = None) -> dict:
    """The entry of STORAGES; region and keys come from the usual AWS_… variables."""
    from botocore.config import Config

    # Asked again up to three times, a little later each time, when a connection breaks or the store is busy.
    client = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint_url,
            "file_overwrite": False,
            "max_memory_size": 16 * 1024 * 1024,  # what is larger is read by way of a temporary file
            "object_parameters": {"ChecksumAlgorithm": "SHA256"},  # the store refuses what was changed on its way
            "client_config": client,
        },
    }
