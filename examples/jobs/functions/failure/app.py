"""Stores the parameters of a job that failed, from the record that Lambda sends to the on-failure destination."""
import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["JOBS_TABLE"])


def handler(event, context):
    job = event["requestPayload"]
    table.put_item(Item={
        "id": job["id"],
        "status": "Failure",
        "parameters": json.dumps(job["parameters"]),
    })
