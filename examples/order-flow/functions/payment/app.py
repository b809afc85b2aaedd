"""Charges a card for an order, once however often it is asked, and gives the money back. The card "declined" is refused; "busy"
works at the third attempt."""

import os
from decimal import Decimal

import boto3

payments = boto3.resource("dynamodb").Table(os.environ["PAYMENTS"])


class Busy(Exception):
    """It may work later."""


class Declined(Exception):
    """It never will."""


def handler(event, context):
    return {"charge": charge, "refund": refund}[event["do"]](event)


def charge(event):
    if event["card"] == "declined":
        raise Declined("the bank says no")
    attempts = payments.update_item(Key={"id": event["order"]}, UpdateExpression="ADD attempts :one",
                                    ExpressionAttributeValues={":one": 1}, ReturnValues="UPDATED_NEW")["Attributes"]["attempts"]
    if event["card"] == "busy" and attempts < 3:
        raise Busy(f"attempt {attempts}")
    payments.update_item(Key={"id": event["order"]}, UpdateExpression="SET amount = :amount",
                         ExpressionAttributeValues={":amount": Decimal(str(event["amount"]))})
    return {"attempts": int(attempts)}


def refund(event):
    payments.update_item(Key={"id": event["order"]}, UpdateExpression="SET amount = :zero", ExpressionAttributeValues={":zero": 0})
