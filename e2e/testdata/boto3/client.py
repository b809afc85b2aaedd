"""What the scripts share. Each runs in an account of its own, on a platform that others use at the same time."""

import contextlib
import os
import time

import boto3
import botocore.config
import botocore.exceptions

ACCOUNT = os.environ["AWS_ACCESS_KEY_ID"]
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
REGION = os.environ["AWS_REGION"]


def client(service, **options):
    """A client without retries: a script sees every answer."""
    config = botocore.config.Config(retries={"total_max_attempts": 1}, **options.pop("config", {}))
    return boto3.client(service, config=config, **options)


@contextlib.contextmanager
def fails(code, status=None, text=None):
    """Expects the AWS error code, its HTTP status and a part of its message."""
    try:
        yield
    except botocore.exceptions.ClientError as e:
        error, meta = e.response["Error"], e.response["ResponseMetadata"]
        assert error["Code"] == code, f"{error}, want {code}"
        assert status is None or meta["HTTPStatusCode"] == status, f"{meta}, want {status}"
        assert text is None or text in error["Message"], f"{error}, want {text}"
        assert meta.get("RequestId"), f"no request id: {meta}"
    else:
        raise AssertionError(f"no error, want {code}")


def eventually(what, holds, seconds=300):
    """Waits for something that must come, and returns it: a bound on a hang, which measures nothing."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} does not come"
        time.sleep(0.1)
    return found


def received(sqs, url, **options):
    """The next message of a queue, however long it takes to come."""
    return eventually("a message", lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, **options).get("Messages"))[0]
