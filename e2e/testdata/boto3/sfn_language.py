"""Step Functions: what states do with data in JSONPath: paths, templates, intrinsic functions, variables, choice rules, and the
words in which they fail; what validation says."""
import itertools
import json
import re

from client import client, fails

states, iam = client("stepfunctions", config={"inject_host_prefix": False}), client("iam")
role = iam.create_role(RoleName="language", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
names = (f"m{i}" for i in itertools.count())
ORDER = {"id": "o-1", "lines": [{"sku": "a", "n": 2}, {"sku": "b", "n": 5}], "who": "Ada", "none": None, "at": "2024-05-01T10:00:00Z"}
TEXT = json.dumps(ORDER, separators=(",", ":"))


def run(machine, input=ORDER):
    arn = states.create_state_machine(name=next(names), definition=json.dumps(machine), roleArn=role, type="EXPRESS")["stateMachineArn"]
    return states.start_sync_execution(stateMachineArn=arn, input=json.dumps(input, separators=(",", ":")))


def one(**state):
    end = {} if state["Type"] in ("Fail", "Succeed") else {"End": True}
    return {"StartAt": "A", "States": {"A": state | end}}


def gives(want, **state):
    out = run(one(**state))
    assert out["status"] == "SUCCEEDED" and json.loads(out["output"]) == want, (state, out)


def breaks(error, cause, **state):
    out = run(one(**state))
    assert out["status"] == "FAILED" and out["error"] == error, (state, out)
    assert re.fullmatch(r"An error occurred while executing the state 'A' \(entered at the event id #\d+\)\. " + re.escape(cause), out["cause"]), (state, out["cause"])


# Paths.
gives(["a", "b"], Type="Pass", InputPath="$.lines[*].sku")
gives([{"sku": "b", "n": 5}], Type="Pass", InputPath="$.lines[?(@.n > 2)]")
gives({}, Type="Pass", InputPath=None)
gives({}, Type="Pass", OutputPath=None)
gives(ORDER, Type="Pass", Result=1, ResultPath=None)
gives(ORDER | {"new": {"deep": [1]}}, Type="Pass", Result=[1], ResultPath="$.new.deep")
gives(2, Type="Pass", Parameters={"n.$": "$.lines.length()"}, OutputPath="$.n")
breaks("States.Runtime", f"The JSONPath '$.nope' specified for the field 'InputPath' could not be found in the input '{TEXT}'", Type="Pass", InputPath="$.nope")
breaks("States.ResultPathMatchFailure", f"Unable to apply ReferencePath $.id.x to input {TEXT}", Type="Pass", Result=1, ResultPath="$.id.x")

# Templates and intrinsic functions.
gives({"a": {"b": ["a"], "c": "$.id", "d": [{"e": 5}]}}, Type="Pass", Parameters={"a": {"b.$": "$.lines[0:1].sku", "c": "$.id", "d": [{"e.$": "$.lines[1].n"}]}})
gives({"x": "It's o-1 {of} Ada: null", "y": ["a", "b", "c"], "z": {"k": 2, "j": 3}, "s": "ab", "n": 3}, Type="Pass", Parameters={
    "x.$": r"States.Format('It\'s {} \{of\} {}: {}', $.id, $.who, $.none)", "y.$": "States.StringSplit('a,b;c', ',;')",
    "z.$": "States.JsonMerge(States.StringToJson('\\{\"k\":1\\}'), States.StringToJson('\\{\"k\":2,\"j\":3\\}'), false)",
    "s.$": "States.Base64Decode(States.Base64Encode('ab'))", "n.$": "States.MathAdd(States.ArrayLength($.lines), 1)"})
breaks("States.Runtime", f"The JSONPath '$.nope' specified for the field 'c.$' could not be found in the input '{TEXT}'", Type="Pass", Parameters={"b": {"c.$": "$.nope"}})
breaks("States.Runtime", f"The function 'States.Array($.nope)' had the following error: The JsonPath argument for the field '$.nope' could not be found in the input '{TEXT}'",
       Type="Pass", Parameters={"c.$": "States.Array($.nope)"})
out = run(one(Type="Pass", Parameters={"c.$": "States.ArrayGetItem($.lines, 2)"}))
assert out["error"] == "States.IntrinsicFailure" and "The function 'States.ArrayGetItem($.lines, 2)' had the following error: " in out["cause"], out

# Variables, and the context object.
out = run({"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"who.$": "$.who", "all": {"n": 1}}, "Next": "B"},
                                      "B": {"Type": "Pass", "Parameters": {"w.$": "$who", "n.$": "$all.n", "s.$": "$$.State.Name", "i.$": "$$.Execution.Input.id"}, "End": True}}})
assert json.loads(out["output"]) == {"w": "Ada", "n": 1, "s": "B", "i": "o-1"}, out

# Choice rules: the first that holds; a path that names nothing is an error but for IsPresent.


def chosen(*rules, input=ORDER):
    out = run({"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices": [r | {"Next": f"S{i}"} for i, r in enumerate(rules)], "Default": "D"},
                                          "D": {"Type": "Pass", "Result": "default", "End": True},
                                          **{f"S{i}": {"Type": "Pass", "Result": i, "End": True} for i in range(len(rules))}}}, input)
    return json.loads(out["output"]) if out["status"] == "SUCCEEDED" else out


assert chosen({"Variable": "$.who", "StringMatches": "A*a"}) == 0
assert chosen({"Variable": "$.nope", "IsPresent": True}, {"Not": {"Variable": "$.nope", "IsPresent": True}}) == 1
assert chosen({"Variable": "$.id", "NumericEquals": 1}, {"Variable": "$.none", "IsNull": True}) == 1
assert chosen({"And": [{"Variable": "$.at", "IsTimestamp": True}, {"Variable": "$.at", "TimestampLessThan": "2024-05-01T12:00:00+01:00"}]}) == 0
assert chosen({"Or": [{"Variable": "$.lines[0].n", "NumericGreaterThanPath": "$.lines[1].n"}, {"Variable": "$.who", "StringLessThan": "A"}]}) == "default"
out = chosen({"Variable": "$.nope", "IsNull": True})
assert out["error"] == "States.Runtime" and out["cause"].endswith("Invalid path '$.nope': The choice state's condition path references an invalid value."), out

# Fail.
out = run(one(Type="Fail", ErrorPath="$.id", CausePath="States.Format('for {}', $.who)"))
assert (out["error"], out["cause"]) == ("o-1", "for Ada"), out


# Validation: all that is wrong, where it is.
def found(definition, **more):
    out = states.validate_state_machine_definition(definition=json.dumps(definition), **more)
    return out["result"], [(d["code"], d.get("location")) for d in out["diagnostics"]]


assert found(one(Type="Pass")) == ("OK", [])
assert found(one(Type="Pass", Parameters={"a": "$.b"}, Result="$.c"), severity="WARNING") == ("OK", [
    ("NO_DOLLAR", "/States/A/Parameters/a"), ("PASS_RESULT_IS_STATIC", "/States/A/Result")])
assert found(one(Type="Task", Resource="arn:aws:states:::lambda:invoke", Parameters={"Functionname": "f"}, Retry=[{"ErrorEquals": []}])) == ("FAIL", [
    ("SCHEMA_VALIDATION_FAILED", "/States/A/Parameters"), ("SCHEMA_VALIDATION_FAILED", "/States/A/Parameters"), ("SCHEMA_VALIDATION_FAILED", "/States/A/Retry[0]/ErrorEquals")])
assert found({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}) == ("FAIL", [("MISSING_TRANSITION_TARGET", "/States/A/Next"), ("MISSING_END_STATE", None)])
with fails("InvalidDefinition", 400, "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Field 'Nxt' is not supported at /States/A'"):
    run(one(Type="Pass", Nxt="B"))
