def handler(event, context):
    return event


def proxy(event, context):
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": event["body"]}
