#!/usr/bin/env python3
"""Places orders that go every way there is, answers those that wait for a person, and looks that stock, payments and
announcements are in the end what the orders say.

    python3 orders.py [--orders 6] [--stack order-flow] [--wait 120]

It finds the stack by the AWS environment variables; with AWS_ENDPOINT_URL it speaks to Brume, else to AWS. Exit status 1
means that something is wrong.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request

import boto3


class Shop:
    def __init__(self, name):
        stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self.url = self.outputs["ApiUrl"]
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            self.url = f"{endpoint}/_aws/execute-api/{self.outputs['ApiId']}/prod"
        dynamodb = boto3.resource("dynamodb")
        self.stock, self.payments = dynamodb.Table(self.outputs["Stock"]), dynamodb.Table(self.outputs["Payments"])

    def request(self, method, path, body=None):
        r = urllib.request.Request(self.url + path, method=method, headers={"Content-Type": "application/json"},
                                   data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(r, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def place(self, items, card):
        status, answer = self.request("POST", "/orders", {"items": items, "card": card})
        assert status == 200, (status, answer)
        return answer["executionArn"].rsplit(":", 1)[1]

    def until(self, order, states, deadline):
        while True:
            status, answer = self.request("GET", f"/orders/{order}")
            if status == 200 and answer["status"] in states:
                return answer
            assert time.time() < deadline, f"{order} is still {answer}"
            time.sleep(0.2)


# What is ordered, with which card, what the person answers, and how it must end.
WAYS = [
    ("small", [("apple", 2, 3), ("pear", 1, 5)], "good", None, "CONFIRMED"),
    ("busy bank", [("apple", 1, 3)], "busy", None, "CONFIRMED"),
    ("large, approved", [("boat", 1, 5000)], "good", "yes", "CONFIRMED"),
    ("large, not approved", [("boat", 1, 5000)], "good", "no", "REJECTED"),
    ("declined", [("apple", 1, 3), ("pear", 2, 5)], "declined", None, "FAILED"),
    ("not in stock", [("apple", 1, 3), ("unicorn", 1, 7)], "good", None, "FAILED"),
]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--orders", type=int, default=len(WAYS))
    p.add_argument("--stack", default="order-flow")
    p.add_argument("--wait", type=float, default=120, help="seconds for all of it")
    a = p.parse_args()
    shop, deadline = Shop(a.stack), time.time() + a.wait
    begin = {"apple": 1000, "pear": 1000, "boat": 1000, "unicorn": 0}
    for sku, n in begin.items():
        shop.stock.put_item(Item={"sku": sku, "stock": n})
    placed = []
    for i in range(a.orders):
        what, items, card, says, end = WAYS[i % len(WAYS)]
        order = shop.place([{"sku": s, "quantity": q, "price": price} for s, q, price in items], card)
        placed.append((order, what, items, says, end))
    for order, what, items, says, end in placed:
        if says:
            shop.until(order, ["WAITING_FOR_APPROVAL"], deadline)
            status, answer = shop.request("GET", f"/orders/{order}/approval?answer={says}")
            assert status == 200, answer
    left, confirmed = dict(begin), set()
    for order, what, items, says, end in placed:
        found = shop.until(order, ["CONFIRMED", "REJECTED", "FAILED"], deadline)
        print(f"{order}  {what:20} {found['status']:10} {found.get('label', found.get('why', ''))}")
        assert found["status"] == end, f"{what}: {found}"
        paid = shop.payments.get_item(Key={"id": order}, ConsistentRead=True).get("Item", {}).get("amount", 0)
        if end == "CONFIRMED":
            confirmed.add(order)
            for sku, n, _ in items:
                left[sku] -= n
        assert paid == (found["total"] if end == "CONFIRMED" else 0), f"{what}: paid {paid}"
    for sku, n in left.items():
        there = shop.stock.get_item(Key={"sku": sku}, ConsistentRead=True)["Item"]["stock"]
        assert there == n, f"{there} of {sku}, not {n}"
    told, sqs = set(), boto3.client("sqs")
    while told != confirmed:
        assert time.time() < deadline and told <= confirmed, f"told of {told - confirmed}, not of {confirmed - told}"
        got = sqs.receive_message(QueueUrl=shop.outputs["ConfirmedQueueUrl"], MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for m in got:
            told.add(json.loads(m["Body"])["id"])
            sqs.delete_message(QueueUrl=shop.outputs["ConfirmedQueueUrl"], ReceiptHandle=m["ReceiptHandle"])
    print(f"{len(placed)} orders, {len(confirmed)} of them confirmed: stock, payments and announcements are right")


try:
    main()
except AssertionError as e:
    sys.exit(f"orders.py: {e}")
