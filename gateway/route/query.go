package route

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol/query"
)

// MaxForm is how much of a form is searched for its action. CloudFormation's templates (51,200 bytes) and SQS's
// batches (1 MiB) stay far below it, also when each byte is escaped.
const MaxForm = 4 << 20

// queryAction: the Query protocol, an Action in a form or in the URL. It must not take requests that are S3's: those
// carry S3's scope or signature, and forms that have no Action.
func (t *Table) queryAction(q *Request) (Route, bool) {
	if strings.HasPrefix(q.header("Authorization"), "AWS ") || hasParameter(q.Query, "AWSAccessKeyId") ||
		q.scope != "" && t.queryService(q, "", "") == nil {
		return Route{}, false
	}
	action, version := formValue(q.Query, "Action"), formValue(q.Query, "Version")
	isForm := q.Method == http.MethodPost && strings.HasPrefix(q.header("Content-Type"), "application/x-www-form-urlencoded")
	if action == "" && isForm && q.Form != nil {
		body, _ := q.Form()
		form := string(body)
		action, version = formValue(form, "Action"), formValue(form, "Version")
	}
	s := t.queryService(q, action, version)
	switch {
	case action == "" && s != nil && isForm:
		return Route{Service: s, Protocol: queryOf(s), Err: query.UnknownAction("", "")}, true
	case action == "", s == nil && q.Path != "/":
		return Route{}, false
	case s == nil:
		return Route{Protocol: aws.Query, Err: query.UnknownAction(action, version)}, true
	}
	return operation(s, action, queryOf(s), func() error { return query.UnknownAction(action, version) }), true
}

// queryService: the service that the signature names, else the only one with that API version, else the only one
// with such an action (the links in SNS's mails have no version), else SQS by the path of a queue.
func (t *Table) queryService(q *Request, action, version string) *aws.Service {
	for _, s := range t.bySigning[q.scope] {
		if s.Protocols.Has(aws.Query | aws.EC2Query) {
			return s
		}
	}
	if q.scope != "" || action == "" {
		return nil
	}
	if s := t.byVersion[version]; s != nil {
		return s
	}
	if s, _ := t.named(q.host); s != nil && s.Protocols.Has(aws.Query|aws.EC2Query) {
		return s
	}
	if s := t.byAction[action]; s != nil && version == "" {
		return s
	}
	if account, rest := cutSegment(strings.TrimPrefix(q.Path, "/")); len(account) == 12 && isDigits(account) && len(rest) > 1 {
		for _, s := range t.bySigning["sqs"] {
			return s
		}
	}
	return nil
}

func queryOf(s *aws.Service) aws.Protocol {
	if s.Protocols.Has(aws.EC2Query) {
		return aws.EC2Query
	}
	return aws.Query
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// formValue returns the first value of a parameter in a raw query or form.
func formValue(raw, name string) string {
	if !strings.Contains(raw, name) {
		return ""
	}
	for p := range strings.SplitSeq(raw, "&") {
		if k, v, _ := strings.Cut(p, "="); k == name {
			if u, err := url.QueryUnescape(v); err == nil {
				return u
			}
			return v
		}
	}
	return ""
}

// hasParameter reports whether a raw query has a parameter, with or without a value.
func hasParameter(raw, name string) bool {
	if !strings.Contains(raw, name) {
		return false
	}
	for p := range strings.SplitSeq(raw, "&") {
		if k, _, _ := strings.Cut(p, "="); k == name {
			return true
		}
	}
	return false
}
