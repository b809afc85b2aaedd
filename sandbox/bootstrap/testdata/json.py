# The runtime's own reading and writing of JSON against the module json. The argument is the runtime's folder.
import sys

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
before = set(sys.modules)
import brume_runtime as ours

for slow in ("json", "re", "socket", "logging"):
    assert slow in before or slow not in sys.modules, slow + " is imported at each start"

import collections
import decimal
import enum
import json


def outcome(f, *args):
    try:
        return repr(f(*args))
    except (ValueError, TypeError) as e:
        return str(e)


for text in ("1", ' [1, 2.5e3, -0, 1E400, "é\\u00e9\\ud83d\\ude00"] \n', '{"a":{"b":[]},"a":2}', '"x"', "null", "true", "NaN",
             "-Infinity", "[1,]", "{", "", "1 2", '"\x01"', "[12345678901234567890123]", "\ufeff1"):
    want, got = outcome(json.loads, text.encode()), outcome(ours.from_json, text.encode())
    assert got == want, (text, got, want)


class Text(str):
    pass


class Number(enum.IntEnum):
    ONE = 1


circle = []
circle.append(circle)
for value in (1, 2.5, float("nan"), float("inf"), "é\ue000", [1, (2, 3)], {"a": None, 1: 2, None: 3, True: 4}, Text("x"), Number.ONE,
              collections.OrderedDict(a=1), [], {}, [[[]]], -0.0, 10**30, circle, {(1,): 2}):
    for ascii_only in (True, False):
        want = outcome(lambda v: json.dumps(v, ensure_ascii=ascii_only), value)
        got = outcome(ours.Encoder(ascii_only).encode, value)
        assert got == want, (value, got, want)
assert ours.to_json({"a": decimal.Decimal("1.10"), "b": [decimal.Decimal("NaN")]}) == b'{"a": 1.10, "b": [NaN]}'
print("same")
