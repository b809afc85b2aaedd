"""GET /orders/{id} answers the order; GET /orders/{id}/approval?answer=yes, the link for the person who approves it, lets it go on."""

import json
import os

import boto3

orders = boto3.resource("dynamodb").Table(os.environ["ORDERS"])
states = boto3.client("stepfunctions")


def handler(event, context):
    order = orders.get_item(Key={"id": event["pathParameters"]["id"]}, ConsistentRead=True).get("Item")
    if order is None:
        return answer(404, {"message": "there is no such order"})
    if not event["resource"].endswith("/approval"):
        return answer(200, {k: v for k, v in order.items() if k != "token"})
    if "token" not in order:
        return answer(409, {"message": "the order does not wait for an approval"})
    approved = (event["queryStringParameters"] or {}).get("answer") == "yes"
    try:
        states.send_task_success(taskToken=order["token"], output=json.dumps({"approved": approved}))
    except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
        return answer(409, {"message": "the order was answered before, or does not wait any more"})
    return answer(200, {"approved": approved})


def answer(status, body):
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body, default=float)}
