"""What the workers share: clients, and ways to wait for an answer."""
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REGION = "us-east-1"


def client(url, name):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=20, read_timeout=60,
                    s3={"addressing_style": "path"})
    return boto3.client(name, endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test", config=config)


def ignore(code, call, **args):
    try:
        return call(**args)
    except ClientError as e:
        if code not in e.response["Error"]["Code"]:
            raise


def eventually(what, holds, seconds=600):
    """Waits for something that must come: a bound on a hang, which measures nothing."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} does not come"
        time.sleep(0.2)


def unsure(error):
    """Whether an error leaves open what became of the call: the connection broke, or the platform was ending."""
    if isinstance(error, ClientError):
        return error.response["ResponseMetadata"]["HTTPStatusCode"] in (500, 503)
    return isinstance(error, (BotoCoreError, OSError))
