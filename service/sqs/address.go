package sqs

import (
	"strings"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

// place names a queue.
type place struct{ account, region, name string }

func (p place) arn() string { return aws.MakeARN(service, p.region, p.account, p.name).String() }

// url is the URL of the queue for a client that reached the platform at endpoint.
func (p place) url(endpoint string) string { return endpoint + "/" + p.account + "/" + p.name }

// url is the URL of a queue in an answer to id.
func (s *Service) url(id aws.Identity, p place) string {
	endpoint := id.Request.Endpoint
	if endpoint == "" {
		endpoint = s.URL()
	}
	return p.url(endpoint)
}

// parseURL reads a queue URL. Every form ends in the account and the name:
//
//	https://sqs.us-east-1.amazonaws.com/000000000000/q       also with another host, or none that says a region
//	https://us-east-1.queue.amazonaws.com/000000000000/q     and https://queue.amazonaws.com/…, as they were once
//	http://localhost:4566/queue/us-east-1/000000000000/q     the region in the path
//
// region is the one that the URL names, or "". https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
func parseURL(u string) (p place, ok bool) {
	_, rest, ok := strings.Cut(u, "://")
	if !ok {
		return p, false
	}
	host, path, ok := strings.Cut(rest, "/")
	if !ok || host == "" {
		return p, false
	}
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	p.region = hostRegion(host)
	if len(parts) == 4 && parts[0] == "queue" && isRegion(parts[1]) {
		p.region, parts = parts[1], parts[2:]
	}
	if len(parts) != 2 || !isAccount(parts[0]) || parts[1] == "" {
		return p, false
	}
	p.account, p.name = parts[0], parts[1]
	return p, true
}

// hostRegion is the region in the host name of a queue URL, or "".
func hostRegion(host string) string {
	labels := strings.Split(host, ".")
	for i := 0; i+1 < len(labels); i++ {
		if labels[i] == service && isRegion(labels[i+1]) {
			return labels[i+1]
		}
		if isRegion(labels[i]) && labels[i+1] == "queue" {
			return labels[i]
		}
	}
	return ""
}

// isRegion reports whether s looks like the name of a region: letters, a hyphen, …, a hyphen, a digit.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 {
		return false
	}
	last := parts[len(parts)-1]
	return len(parts[0]) == 2 && len(last) == 1 && last[0] >= '1' && last[0] <= '9'
}

func isAccount(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) == 12
}

// locate finds the queue that a request of id names by its URL.
func locate(id aws.Identity, url string) (place, error) {
	p, ok := parseURL(url)
	// Calls from inside reach every region: there the URL says which.
	inside := id.Kind == aws.ServicePrincipal || id.Request.Endpoint == ""
	switch {
	case url == "":
		return p, missing("QueueUrl")
	case !ok, p.region != "" && p.region != id.Region && !inside:
		return p, &sqsapi.InvalidAddress{Message: "The address " + url + " is not valid for this endpoint."}
	case !validName(p.name):
		return p, noQueue()
	}
	if p.region == "" {
		p.region = id.Region
	}
	return p, nil
}

// placeOfARN reads the ARN of a queue.
func placeOfARN(text string) (p place, ok bool) {
	a, err := aws.ParseARN(text)
	if err != nil || a.Service != service || a.Account == "" || a.Region == "" || !validName(a.Resource) {
		return p, false
	}
	return place{a.Account, a.Region, a.Resource}, true
}

// fifoSuffix ends the names of FIFO queues.
const fifoSuffix = ".fifo"

// validName reports whether a queue may be called so.
func validName(name string) bool {
	if len(name) > maxName {
		return false
	}
	base := strings.TrimSuffix(name, fifoSuffix)
	return base != "" && isWord(base)
}

// isWord reports whether s holds alphanumeric characters, hyphens and underscores only.
func isWord(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// isToken reports whether s may be a group, a deduplication id or an attempt id.
func isToken(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
