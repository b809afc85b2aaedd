"""POST /photos: the body is a PNG. It is stored, recorded, and put in line for its thumbnail; the answer is its id."""

import base64
import json
import os
import time
import uuid

import boto3

s3 = boto3.client("s3")
sqs = boto3.client("sqs")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def handler(event, context):
    body = event.get("body") or ""
    photo = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    if not photo.startswith(SIGNATURE):
        return answer(400, {"message": "the body is no PNG"})
    id = str(uuid.uuid4())
    key = f"photos/{id}.png"
    s3.put_object(Bucket=os.environ["BUCKET"], Key=key, Body=photo, ContentType="image/png")
    table.put_item(Item={"id": id, "status": "UPLOADED", "key": key, "bytes": len(photo), "uploaded": int(time.time() * 1000)})
    # Last: what is in the queue is stored and recorded.
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps({"id": id, "key": key}))
    return answer(202, {"id": id})


def answer(status, body):
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
