// Package website is what a bucket does that is served as a website: which object a path means, and which requests are
// sent elsewhere. It is pure. https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
package website

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
)

// maxRules is how many routing rules a website has:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
const maxRules = 50

// Check judges a configuration.
func Check(c *s3api.WebsiteConfiguration) error {
	if all := c.RedirectAllRequestsTo; all != nil {
		switch {
		case c.IndexDocument != nil || c.ErrorDocument != nil || len(c.RoutingRules) > 0:
			return fault.InvalidRequest("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
		case all.HostName == "":
			return fault.InvalidRequest("A value for HostName must be provided if RedirectAllRequestsTo is specified")
		}
		return checkProtocol(all.Protocol)
	}
	switch {
	case c.IndexDocument == nil:
		return fault.InvalidArgument("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty", "IndexDocument", "null")
	case c.IndexDocument.Suffix == "" || strings.Contains(c.IndexDocument.Suffix, "/"):
		return fault.InvalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", c.IndexDocument.Suffix)
	case c.ErrorDocument != nil && c.ErrorDocument.Key == "":
		return fault.InvalidArgument("The ErrorDocument Key is not well formed", "ErrorDocument", "")
	case len(c.RoutingRules) > maxRules:
		return fault.InvalidRequest("%d routing rules provided, the number of routing rules in a website configuration is limited to %d.", len(c.RoutingRules), maxRules)
	}
	for i := range c.RoutingRules {
		if err := checkRule(&c.RoutingRules[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkProtocol(p s3api.Protocol) error {
	if p == "" || p == s3api.ProtocolHttp || p == s3api.ProtocolHttps {
		return nil
	}
	return fault.InvalidRequest("Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.")
}

func checkRule(r *s3api.RoutingRule) error {
	to := r.Redirect
	if to == nil || to.HostName == nil && to.HttpRedirectCode == nil && to.Protocol == "" && to.ReplaceKeyPrefixWith == nil && to.ReplaceKeyWith == nil {
		return fault.MalformedXML()
	}
	if to.ReplaceKeyPrefixWith != nil && to.ReplaceKeyWith != nil {
		return fault.InvalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
	}
	if c := aws.Or(to.HttpRedirectCode, "301"); len(c) != 3 || c[0] != '3' || c == "300" || !number(c) {
		return fault.InvalidRequest("The provided HTTP redirect code (%s) is not valid. Valid codes are 3XX except 300.", c)
	}
	if when := r.Condition; when != nil {
		if when.HttpErrorCodeReturnedEquals == nil && when.KeyPrefixEquals == nil {
			return fault.InvalidRequest("Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.")
		}
		if c := aws.Or(when.HttpErrorCodeReturnedEquals, "404"); len(c) != 3 || c[0] != '4' && c[0] != '5' || !number(c) {
			return fault.InvalidRequest("The provided HTTP error code (%s) is not valid. Valid codes are 4XX or 5XX.", c)
		}
	}
	return checkProtocol(to.Protocol)
}

func number(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// Key is the object that a path below the host means: folders have an index document.
func Key(c *s3api.WebsiteConfiguration, path string) string {
	key := strings.TrimPrefix(path, "/")
	if key == "" || strings.HasSuffix(key, "/") {
		return key + c.IndexDocument.Suffix
	}
	return key
}

// Origin is how a request came.
type Origin struct {
	Scheme, Host, Path string
}

// Everything returns where a website that is elsewhere altogether is; ok is false for others.
func Everything(c *s3api.WebsiteConfiguration, from Origin) (location string, ok bool) {
	all := c.RedirectAllRequestsTo
	if all == nil {
		return "", false
	}
	scheme := string(all.Protocol)
	if scheme == "" {
		scheme = from.Scheme
	}
	return scheme + "://" + all.HostName + from.Path, true
}

// Redirect finds the first rule for a key and, when an object was looked for in vain, the status of that; status is 0
// before it is looked for. ok is false when there is none.
func Redirect(c *s3api.WebsiteConfiguration, from Origin, key string, status int) (location string, code int, ok bool) {
	for i := range c.RoutingRules {
		r := &c.RoutingRules[i]
		prefix := ""
		if when := r.Condition; when != nil {
			prefix = aws.Or(when.KeyPrefixEquals, "")
			if e := when.HttpErrorCodeReturnedEquals; e != nil && (status == 0 || *e != strconv.Itoa(status)) {
				continue
			}
			if !strings.HasPrefix(key, prefix) || when.HttpErrorCodeReturnedEquals == nil && status != 0 {
				continue
			}
		} else if status != 0 {
			continue
		}
		return target(r.Redirect, from, key, prefix), redirectCode(r.Redirect), true
	}
	return "", 0, false
}

func redirectCode(r *s3api.Redirect) int {
	if n, err := strconv.Atoi(aws.Or(r.HttpRedirectCode, "")); err == nil {
		return n
	}
	return http.StatusMovedPermanently
}

func target(r *s3api.Redirect, from Origin, key, prefix string) string {
	scheme, host := string(r.Protocol), aws.Or(r.HostName, from.Host)
	if scheme == "" {
		scheme = from.Scheme
	}
	switch {
	case r.ReplaceKeyWith != nil:
		key = *r.ReplaceKeyWith
	case r.ReplaceKeyPrefixWith != nil:
		key = *r.ReplaceKeyPrefixWith + strings.TrimPrefix(key, prefix)
	}
	return scheme + "://" + host + "/" + key
}
