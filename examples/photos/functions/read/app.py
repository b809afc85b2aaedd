"""GET /photos/{id} answers the record, GET /photos/{id}/thumbnail the picture."""

import base64
import json
import os

import boto3

s3 = boto3.client("s3")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    photo = table.get_item(Key={"id": event["pathParameters"]["id"]}, ConsistentRead=True).get("Item")
    if photo is None:
        return answer(404, {"message": "there is no such photo"})
    if not event["resource"].endswith("/thumbnail"):
        return answer(200, photo)
    if "thumbnail" not in photo:
        return answer(404, {"message": "the thumbnail is not ready yet"})
    picture = s3.get_object(Bucket=os.environ["BUCKET"], Key=photo["thumbnail"])["Body"].read()
    return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True, "body": base64.b64encode(picture).decode()}


def answer(status, body):
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body, default=int)}
