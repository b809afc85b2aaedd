"""Does a job: sleeps for so many seconds and stores the results."""
import json
import os
import time

import boto3

LONGEST = 300  # seconds; a longer job fails

table = boto3.resource("dynamodb").Table(os.environ["JOBS_TABLE"])


def handler(event, context):
    seconds = event["parameters"]["seconds"]
    if seconds > LONGEST:
        raise ValueError(f"a job may take {LONGEST} seconds, not {seconds}")
    time.sleep(seconds)
    table.put_item(Item={
        "id": event["id"],
        "status": "Success",
        "results": json.dumps({"seconds": seconds}),
    })
