package bucket

import (
	"encoding/json"

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
	SettingPolicy       = "policy"
	SettingCORS         = "cors"
	SettingLifecycle    = "lifecycle"
	SettingNotification = "notification"
	SettingWebsite      = "website"
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
