#!/usr/bin/env python3
"""Uploads many photos at once and looks that none is lost: each ends with a thumbnail and one announcement, or, when it is
broken, in the queue of those that failed.

    python3 burst.py [--photos 1000] [--broken 0] [--connections 32] [--stack photos] [--wait 300]

It finds the stack by the AWS environment variables; with AWS_ENDPOINT_URL it speaks to Brume, else to AWS. Exit status 1
means that something was lost.
"""

import argparse
import collections
import concurrent.futures
import http.client
import json
import os
import struct
import sys
import threading
import time
import urllib.parse
import zlib

import boto3
import botocore.config


def picture(n, broken=False):
    """A PNG of 96 x 64 pixels whose colour tells its number."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    width, height = 96, 64
    pixel = bytes((n & 255, n >> 8 & 255, 128))
    pixels = zlib.compress((b"\0" + pixel * width) * height)
    if broken:
        pixels = pixels[: len(pixels) // 2]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Stack:
    def __init__(self, name):
        stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self.url = self.outputs["ApiUrl"]
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            self.url = f"{endpoint}/_aws/execute-api/{self.outputs['ApiId']}/prod"
        self.local = threading.local()

    def request(self, method, path, body=None, headers={}):
        url = urllib.parse.urlsplit(self.url)
        c = getattr(self.local, "connection", None)
        if c is None:
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            c = self.local.connection = kind(url.netloc, timeout=60)
        c.request(method, url.path + path, body, headers)
        answer = c.getresponse()
        return answer.status, answer.read()

    def upload(self, photo):
        """Uploads until it is taken; whoever is told of an error, or of nothing, sends the photo again."""
        for wait in (0.1, 0.5, 1, 2, 5, 10, None):
            try:
                status, body = self.request("POST", "/photos", photo, {"Content-Type": "image/png"})
            except (OSError, http.client.HTTPException) as problem:
                self.local.connection, status, body = None, 0, str(problem).encode()
            if status == 202:
                return json.loads(body)["id"]
            if wait is None:
                sys.exit(f"POST /photos: {status} {body.decode()}")
            time.sleep(wait)


def drain(url, want, deadline):
    """Takes messages from a queue until every id of want has been in one, and returns how often each id was."""
    sqs, seen = boto3.client("sqs", config=botocore.config.Config(retries={"total_max_attempts": 10})), collections.Counter()
    while not want <= seen.keys() and time.time() < deadline:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
        if messages:
            sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)])
        seen.update(json.loads(m["Body"])["id"] for m in messages)
    return seen


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    args.add_argument("--photos", type=int, default=1000)
    args.add_argument("--broken", type=int, default=0, help="so many more that no thumbnail can be made of")
    args.add_argument("--connections", type=int, default=32)
    args.add_argument("--stack", default="photos")
    args.add_argument("--wait", type=int, default=300, help="seconds until what is not ready counts as lost")
    args = args.parse_args()

    stack = Stack(args.stack)
    start = time.time()
    photos = [picture(n) for n in range(args.photos)] + [picture(n, broken=True) for n in range(args.broken)]
    with concurrent.futures.ThreadPoolExecutor(args.connections) as pool:
        ids = list(pool.map(stack.upload, photos))
    good, broken = set(ids[: args.photos]), set(ids[args.photos :])
    taken = time.time() - start
    print(f"{len(ids)} photos taken in {taken:.1f} s ({len(ids) / taken:.0f}/s)")

    deadline = time.time() + args.wait
    announced = drain(stack.outputs["AnnouncementQueueUrl"], good, deadline)
    print(f"{len(good & announced.keys())} photos announced after {time.time() - start:.1f} s")
    if others := announced.keys() - good:
        print(f"{len(others)} more were announced: of earlier bursts, or taken although the client was told of an error")
    failed = drain(stack.outputs["FailedQueueUrl"], broken, deadline)
    if broken:
        print(f"{len(failed)} broken photos set aside after {time.time() - start:.1f} s")

    table = boto3.resource("dynamodb").Table(stack.outputs["Table"])
    records, page = {}, {}
    while page is not None:
        answer = table.scan(ConsistentRead=True, **page)
        records |= {r["id"]: r for r in answer["Items"]}
        page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]} if "LastEvaluatedKey" in answer else None
    status, thumbnail = (0, b"") if not good else stack.request("GET", f"/photos/{ids[0]}/thumbnail", headers={"Accept": "image/png"})

    problems = [f"{what}: {', '.join(sorted(which)[:5])}" + (" …" if len(which) > 5 else "") for what, which in [
        ("not announced", good - announced.keys()),
        ("without a record", set(ids) - set(records)),
        ("not ready", {i for i in good & set(records) if records[i]["status"] != "READY"}),
        ("broken, but not set aside", broken - failed.keys()),
    ] if which]
    if good and (status != 200 or not thumbnail.startswith(b"\x89PNG")):
        problems.append(f"the thumbnail of the first: {status} {thumbnail[:80]!r}")
    print("\n".join(problems) or "Nothing was lost.")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
