"""Prints signed messages as a JSON list: notifications of both signature versions, a subscription's confirmation and its end."""
import http.server
import json
import os
import queue
import threading

import boto3

sns, sqs = boto3.client("sns"), boto3.client("sqs")
texts = queue.Queue()


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        texts.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
out = []
for version in ["1", "2"]:
    topic = sns.create_topic(Name="signed" + version, Attributes={"SignatureVersion": version})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/{version}")
    out.append(json.loads(texts.get(timeout=60)))
    arn = sns.confirm_subscription(TopicArn=topic, Token=out[-1]["Token"])["SubscriptionArn"]
    for extra in [{}, {"Subject": "Grüße"}]:
        sns.publish(TopicArn=topic, Message="a \"quoted\"\n\ttext / with ünïcode \u2028 and \\", **extra)
        out.append(json.loads(texts.get(timeout=60)))
    sns.unsubscribe(SubscriptionArn=arn)
    out.append(json.loads(texts.get(timeout=60)))
assert [m["Type"] for m in out] == ["SubscriptionConfirmation", "Notification", "Notification", "UnsubscribeConfirmation"] * 2, out
print(json.dumps(out))
