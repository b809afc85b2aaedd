package bucket

import (
	"net/http"
	"net/url"
	"unicode/utf16"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// TagSet are the tags of a bucket.
type TagSet struct {
	Tags map[string]string `cbor:"1,keyasint"`
}

const SettingTags = "tagging"

func invalidTag(text string) error {
	return aws.Errorf("InvalidTag", http.StatusBadRequest, "%s", text)
}

// NewTags checks a list of tags: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
func NewTags(list []s3api.Tag, limit int) (t TagSet, err error) {
	if len(list) > limit {
		if limit == MaxObjectTags {
			return t, aws.Errorf("BadRequest", http.StatusBadRequest, "Object tags cannot be greater than 10")
		}
		return t, aws.Errorf("BadRequest", http.StatusBadRequest, "Bucket tag count cannot be greater than 50")
	}
	for _, tag := range list {
		if t.Tags == nil {
			t.Tags = map[string]string{}
		}
		if err := checkTag(tag.Key, tag.Value); err != nil {
			return t, err
		}
		if _, twice := t.Tags[tag.Key]; twice {
			return t, invalidTag("Cannot provide multiple Tags with the same key")
		}
		t.Tags[tag.Key] = tag.Value
	}
	return t, nil
}

func checkTag(key, value string) error {
	switch {
	case key == "" || length(key) > maxTagKey || !tagText(key):
		return invalidTag("The TagKey you have provided is invalid")
	case length(value) > maxTagValue || !tagText(value):
		return invalidTag("The TagValue you have provided is invalid")
	case len(key) >= 4 && key[:4] == "aws:":
		return invalidTag("System tags cannot be added/updated by requester")
	}
	return nil
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

func tagText(s string) bool {
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80:
		case c == ' ', c == '+', c == '-', c == '=', c == '.', c == '_', c == ':', c == '/', c == '@':
		default:
			return false
		}
	}
	return true
}

// tagHeader reads x-amz-tagging, which is encoded as a URL query.
func tagHeader(s string) (map[string]string, error) {
	q, err := url.ParseQuery(s)
	if err != nil {
		return nil, fault.InvalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", "x-amz-tagging", s)
	}
	var list []s3api.Tag
	for k, vs := range q {
		if len(vs) > 1 || k == "" {
			return nil, fault.InvalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", "x-amz-tagging", s)
		}
		list = append(list, s3api.Tag{Key: k, Value: vs[0]})
	}
	t, err := NewTags(list, MaxObjectTags)
	return t.Tags, err
}

// Save writes the tags of a bucket.
func (t TagSet) Save(tx store.Tx, b *Bucket) error {
	if len(t.Tags) == 0 {
		return store.DeleteLarge(tx, b.Setting(SettingTags))
	}
	return store.SetLarge(tx, b.Setting(SettingTags), record.Encode(1, t))
}
