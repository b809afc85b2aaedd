package bucket

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

func malformedPolicy(text string) error {
	return aws.Errorf("MalformedPolicy", http.StatusBadRequest, "%s", text)
}

// texts is a JSON text or a list of them.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// statement is what S3 itself looks at in a policy; package policy has judged the rest.
type statement struct {
	Effect    string
	Principal json.RawMessage
	Action    texts
	NotAction texts
	Resource  texts
	Condition map[string]map[string]texts
}

// statements reads the statements of a document that package policy has accepted.
func statements(document string) ([]statement, error) {
	var d struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		return nil, err
	}
	var list []statement
	if json.Unmarshal(d.Statement, &list) == nil {
		return list, nil
	}
	var one statement
	err := json.Unmarshal(d.Statement, &one)
	return []statement{one}, err
}

const invalidPrincipal = "Invalid principal in policy"

// CheckPolicy judges a bucket policy and reports whether it makes the bucket public.
func (b *Bucket) CheckPolicy(document string) (public bool, err error) {
	if len(document) > maxPolicy {
		return false, aws.Errorf("PolicyTooLarge", http.StatusBadRequest, "Policy exceeds the maximum allowed document size of 20480 bytes")
	}
	if !strings.HasPrefix(document, "{") {
		return false, malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	if !json.Valid([]byte(document)) {
		return false, malformedPolicy("This policy contains invalid Json")
	}
	if list, err := statements(document); err == nil && list != nil && len(list) == 0 {
		return false, malformedPolicy("Could not parse the policy: Statement is empty!")
	}
	var bad *policy.Malformed
	if _, err := policy.Parse(policy.Resource, document); errors.As(err, &bad) {
		text := bad.Message
		if strings.HasPrefix(text, invalidPrincipal) {
			text = invalidPrincipal // S3 says no more
		}
		return false, malformedPolicy(text)
	} else if err != nil {
		return false, err
	}
	list, err := statements(document)
	if err != nil {
		return false, malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	for i := range list {
		if err := list[i].check(b.Arn()); err != nil {
			return false, err
		}
		public = public || list[i].public()
	}
	return public, nil
}

// check keeps a statement to this bucket and to actions that its resources know.
func (st *statement) check(arn string) error {
	bucketToo, objectToo := false, false
	for _, r := range st.Resource {
		switch rest, ok := strings.CutPrefix(r, arn); {
		case ok && rest == "":
			bucketToo = true
		case ok && rest[0] == '/':
			objectToo = true
		case ok && rest == "*":
			bucketToo, objectToo = true, true
		default:
			return malformedPolicy("Policy has invalid resource")
		}
	}
	if len(st.Resource) == 0 {
		bucketToo, objectToo = true, true
	}
	for _, a := range append(append(texts{}, st.Action...), st.NotAction...) {
		name, ok := strings.CutPrefix(strings.ToLower(a), "s3:")
		if a != "*" && !ok {
			return malformedPolicy("Policy has invalid action")
		}
		if strings.ContainsAny(a, "*?") {
			continue
		}
		onObject := aboutObjects(name)
		if onObject && !objectToo || !onObject && !bucketToo {
			return malformedPolicy("Action does not apply to any resource(s) in statement")
		}
	}
	return nil
}

// aboutObjects reports whether an action is one on objects.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func aboutObjects(action string) bool {
	switch action {
	case "abortmultipartupload", "listmultipartuploadparts", "bypassgovernanceretention", "replicatedelete", "replicatetags",
		"objectowneroverridetobucketowner":
		return true
	}
	return strings.Contains(action, "object") && !strings.Contains(action, "bucket")
}

// public reports whether the statement lets everybody in.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func (st *statement) public() bool {
	if st.Effect != "Allow" {
		return false
	}
	everybody := string(st.Principal) == `"*"`
	var p map[string]texts
	if json.Unmarshal(st.Principal, &p) == nil {
		for _, who := range p["AWS"] {
			everybody = everybody || who == "*"
		}
	}
	if !everybody {
		return false
	}
	for operator, keys := range st.Condition {
		for key, values := range keys {
			if fixes(operator, strings.ToLower(key), values) {
				return false
			}
		}
	}
	return true
}

// fixes reports whether a condition binds a request to somebody in particular.
func fixes(operator, key string, values texts) bool {
	operator, _ = strings.CutPrefix(operator, "ForAnyValue:")
	if strings.HasSuffix(operator, "IfExists") || strings.Contains(operator, "Not") {
		return false
	}
	switch key {
	case "aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:userid",
		"aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:vpcsourceip",
		"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount":
	default:
		return false
	}
	for _, v := range values {
		if v == "*" || v == "0.0.0.0/0" || v == "::/0" || key != "aws:sourceip" && strings.Trim(v, "*:") == "" ||
			strings.HasPrefix(v, "0.0.0.0/") {
			return false
		}
	}
	return true
}
