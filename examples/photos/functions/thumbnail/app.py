"""Takes uploaded photos from the queue, makes their thumbnails, and announces them.

A photo that fails is reported by its message's id: the others of its batch are done. The queue gives it again, and after
three times moves it to the queue of those that failed. Whatever is done twice gives the same result.
"""

import json
import os

import boto3

import png

SIZE = 32  # pixels of the longer side

s3 = boto3.client("s3")
sns = boto3.client("sns")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    failed = []
    for message in event["Records"]:
        try:
            photo = json.loads(message["body"])
            process(photo["id"], photo["key"])
        except Exception as problem:  # whatever it is, the other photos are not to blame
            print(f"{message['messageId']}: {type(problem).__name__}: {problem}")
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def process(id, key):
    bucket = os.environ["BUCKET"]
    picture = png.decode(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    small = picture.shrink(SIZE)
    thumbnail = f"thumbnails/{id}.png"
    s3.put_object(Bucket=bucket, Key=thumbnail, Body=small.encode(), ContentType="image/png")
    table.update_item(
        Key={"id": id},
        UpdateExpression="SET #s = :ready, thumbnail = :t, width = :w, height = :h",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":ready": "READY", ":t": thumbnail, ":w": picture.width, ":h": picture.height},
    )
    sns.publish(TopicArn=os.environ["TOPIC"], Message=json.dumps({"id": id, "thumbnail": thumbnail}))
