package route

import (
	"net/netip"
	"strings"
)

// host is a Host header in lower case, without port and trailing dot.
type host string

// bases are the names under which Brume is reached; labels before them may name a bucket or a service.
func bases() []string {
	return []string{"localhost", "localhost.localstack.cloud", "host.docker.internal", "amazonaws.com"}
}

// prefixes are what SDKs put before the host name of some operations (StartSyncExecution, StartLiveTail).
func prefixes() []string { return []string{"sync-", "stream-", "streaming-"} }

func parseHost(s string) host {
	if strings.HasPrefix(s, "[") { // an IPv6 literal names nothing
		return ""
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		s = s[:i]
	}
	s = strings.TrimSuffix(strings.ToLower(s), ".")
	if s == "localhost" {
		return "localhost"
	}
	for _, p := range prefixes() {
		rest, ok := strings.CutPrefix(s, p)
		if ok && host(rest).base() != "" {
			return host(rest)
		}
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return ""
	}
	return host(s)
}

// base returns the base that h ends with, or "".
func (h host) base() string {
	best := ""
	for _, b := range bases() {
		if s := string(h); (s == b || strings.HasSuffix(s, "."+b)) && len(b) > len(best) {
			best = b
		}
	}
	return best
}

// plane returns the data plane that h names, with the resource and the region: "{id}.execute-api[.{region}].…" and
// "{id}.lambda-url[.{region}].…", whatever follows.
func (h host) plane() (id, plane, region string) {
	if i := strings.Index(string(h), ".s3-website"); i > 0 { // names of buckets have dots
		rest := string(h)[i+len(".s3-website"):]
		if rest == "" || rest[0] != '.' && rest[0] != '-' {
			return "", "", ""
		}
		if label, _, _ := strings.Cut(rest[1:], "."); isRegion(label) {
			region = label
		}
		return string(h)[:i], "s3-website", region
	}
	if !strings.Contains(string(h), ".execute-api.") && !strings.Contains(string(h), ".lambda-url.") {
		return "", "", ""
	}
	labels := strings.SplitN(string(h), ".", 4)
	if len(labels) < 3 || labels[1] != "execute-api" && labels[1] != "lambda-url" {
		return "", "", ""
	}
	if len(labels) == 4 && isRegion(labels[2]) {
		region = labels[2]
	}
	return labels[0], labels[1], region
}

// bucket returns the bucket that h names, and whether h is a host of S3 at all: "{bucket}.s3[.-]{region}.…",
// "{bucket}.s3.…", "s3.…", and "{bucket}.{base}" unless the label is the name of another service.
func (h host) bucket(t *Table) (bucket string, s3 bool) {
	s := string(h)
	if s == "" || s == "localhost" {
		return "", false
	}
	if s == "s3" || strings.HasPrefix(s, "s3.") || strings.HasPrefix(s, "s3-") && h.base() == "amazonaws.com" {
		return "", true
	}
	if i := strings.LastIndex(s, ".s3."); i > 0 {
		return s[:i], true
	}
	if i := strings.LastIndex(s, ".s3-"); i > 0 {
		return s[:i], true
	}
	base := h.base()
	if base == "" || base == "amazonaws.com" || s == base {
		return "", false
	}
	bucket = strings.TrimSuffix(s, "."+base)
	if t.byEndpoint[bucket] != nil || t.bySigning[bucket] != nil {
		return "", false
	}
	return bucket, true
}

// region returns the region in a host name of S3, or "".
func (h host) region() string {
	for label := range strings.SplitSeq(string(h), ".") {
		label = strings.TrimPrefix(label, "s3-")
		if isRegion(label) {
			return label
		}
	}
	return ""
}

// isRegion reports whether s has the form of a region's name, "us-gov-west-1".
func isRegion(s string) bool {
	i := strings.LastIndexByte(s, '-')
	return i >= 4 && s[2] == '-' && i+1 < len(s) && isDigits(s[i+1:])
}
