package aws

import "strings"

// ReservedTag reports whether a tag key, in whatever case, is one of those that only AWS itself assigns.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
func ReservedTag(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }
