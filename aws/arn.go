package aws

import (
	"fmt"
	"strings"
)

// Partition is the only ARN partition that Brume serves.
const Partition = "aws"

// ARN is an Amazon Resource Name, arn:partition:service:region:account-id:resource, as
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html describes it. Region and Account may be
// empty; Resource keeps everything after the fifth colon, further colons included.
type ARN struct {
	Partition string
	Service   string
	Region    string
	Account   string
	Resource  string
}

// ParseARN splits s at its first five colons. It reports an error when s does not begin with "arn:", has fewer
// than six parts, or names no partition, service or resource.
func ParseARN(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, fmt.Errorf("arn: %q is not of the form arn:partition:service:region:account:resource", s)
	}
	return ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}, nil
}

// MakeARN returns the ARN of a resource in the aws partition.
func MakeARN(service, region, account, resource string) ARN {
	return ARN{Partition: Partition, Service: service, Region: region, Account: account, Resource: resource}
}

// String is the inverse of ParseARN.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// IsZero reports whether a is the zero ARN.
func (a ARN) IsZero() bool { return a == ARN{} }

// Split cuts Resource at its first separator, one of ':' or '/': "function:f:1" is "function", "f:1" and
// "table/t/index/i" is "table", "t/index/i". A resource without a separator has an empty kind.
func (a ARN) Split() (kind, name string) {
	i := strings.IndexAny(a.Resource, ":/")
	if i < 0 {
		return "", a.Resource
	}
	return a.Resource[:i], a.Resource[i+1:]
}
