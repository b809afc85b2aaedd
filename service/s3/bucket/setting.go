package bucket

import (
	"encoding/json"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// settingRecord is a setting of a bucket that only its own operations read: its document, in JSON.
type settingRecord struct {
	Document []byte `cbor:"1,keyasint"`
}

const settingVersion = 1

// The kinds of settings.
const (
	SettingPolicy    = "policy"
	SettingCORS      = "cors"
	SettingLifecycle = "lifecycle"
)

// ReadSetting reads a setting into v; ok is false when the bucket has none.
func (b *Bucket) ReadSetting(r store.Reader, kind string, v any) (ok bool, err error) {
	text, ok, err := store.GetLarge(r, b.Setting(kind))
	if err != nil || !ok {
		return false, err
	}
	var s settingRecord
	if err := record.Decode(text, settingVersion, &s); err != nil {
		return false, err
	}
	return true, json.Unmarshal(s.Document, v)
}

// WriteSetting writes a setting, or deletes it when v is nil.
func (b *Bucket) WriteSetting(tx store.Tx, kind string, v any) error {
	if v == nil {
		return store.DeleteLarge(tx, b.Setting(kind))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return store.SetLarge(tx, b.Setting(kind), record.Encode(settingVersion, settingRecord{text}))
}

// CheckCORS keeps the rules of https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
func CheckCORS(rules []s3api.CORSRule) error {
	if len(rules) == 0 || len(rules) > maxCORSRules {
		return fault.MalformedXML()
	}
	for _, r := range rules {
		if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 {
			return fault.MalformedXML()
		}
		for _, m := range r.AllowedMethods {
			switch m {
			case "GET", "PUT", "POST", "DELETE", "HEAD":
			default:
				return fault.InvalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
			}
		}
		for _, o := range r.AllowedOrigins {
			if strings.Count(o, "*") > 1 {
				return fault.InvalidRequest("AllowedOrigin %q can not have more than one wildcard.", o)
			}
		}
		for _, h := range r.AllowedHeaders {
			if strings.Count(h, "*") > 1 {
				return fault.InvalidRequest("AllowedHeader %q can not have more than one wildcard.", h)
			}
		}
		for _, h := range r.ExposeHeaders {
			if strings.Contains(h, "*") {
				return fault.InvalidRequest("ExposeHeader %q contains wildcard. We currently do not support wildcard for ExposeHeader.", h)
			}
		}
	}
	return nil
}
