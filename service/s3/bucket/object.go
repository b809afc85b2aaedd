package bucket

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Object is one version of an object, or a delete marker.
type Object struct {
	Seq       uint64            `cbor:"1,keyasint,omitempty"` // 0 while the bucket was never versioned
	Null      bool              `cbor:"2,keyasint,omitempty"` // its version id is "null"
	Marker    bool              `cbor:"3,keyasint,omitempty"`
	Modified  time.Time         `cbor:"4,keyasint"`
	Size      int64             `cbor:"5,keyasint,omitempty"`
	ETag      string            `cbor:"6,keyasint,omitempty"` // without quotes
	About     About             `cbor:"7,keyasint"`
	Tags      map[string]string `cbor:"8,keyasint,omitempty"`
	Sum       Sum               `cbor:"9,keyasint"`
	Sealed    Sealing           `cbor:"10,keyasint"`
	Class     string            `cbor:"11,keyasint,omitempty"`
	Blob      Piece             `cbor:"12,keyasint"`           // the body, when it is one blob
	Inline    bool              `cbor:"13,keyasint,omitempty"` // the body lies in the store
	Parts     int32             `cbor:"14,keyasint,omitempty"` // the body is a manifest of so many parts
	Upload    uint64            `cbor:"15,keyasint,omitempty"` // the multipart upload that made it
	Left      time.Time         `cbor:"16,keyasint,omitzero"`  // when it ceased to be the current version
	Account   string            `cbor:"17,keyasint,omitempty"` // who wrote it, when not the bucket's owner
	Retention *Retention        `cbor:"18,keyasint,omitempty"` // until when it is kept
	Hold      string            `cbor:"19,keyasint,omitempty"` // of the legal hold: "", ON or OFF
	Grants    []acl.Grant       `cbor:"20,keyasint,omitempty"` // beside the owner's full control
}

const objectVersion = 1

// About is what a client says of an object.
type About struct {
	CacheControl string            `cbor:"1,keyasint,omitempty"`
	Disposition  string            `cbor:"2,keyasint,omitempty"`
	Encoding     string            `cbor:"3,keyasint,omitempty"`
	Language     string            `cbor:"4,keyasint,omitempty"`
	Type         string            `cbor:"5,keyasint,omitempty"`
	Expires      time.Time         `cbor:"6,keyasint,omitzero"`
	Redirect     string            `cbor:"7,keyasint,omitempty"`
	Meta         map[string]string `cbor:"8,keyasint,omitempty"`
}

// Piece is a part of a blob.
type Piece struct {
	Blob blob.ID `cbor:"1,keyasint,omitempty"`
	Off  int64   `cbor:"2,keyasint,omitempty"`
	Size int64   `cbor:"3,keyasint,omitempty"`
}

// Name counts a name more of the piece's blob, if it has one.
func (p Piece) Name(tx store.Tx) {
	if p.Blob != "" {
		tx.Add(BlobKey(p.Blob), 1)
	}
}

// section is a part of an object that was uploaded in parts.
type section struct {
	Number int32   `cbor:"1,keyasint"`
	Size   int64   `cbor:"2,keyasint"`
	Pieces []Piece `cbor:"3,keyasint"`
	Sum    string  `cbor:"4,keyasint,omitempty"` // of the object's algorithm
}

// manifest lists the parts of an object.
type manifest struct {
	Parts []section `cbor:"1,keyasint"`
}

const manifestVersion = 1

// DecodeObject reads the record of a version.
func DecodeObject(v store.Value) (*Object, error) {
	o := new(Object)
	return o, record.Decode(v, objectVersion, o)
}

// Encode writes the record of a version.
func (o *Object) Encode() store.Value { return record.Encode(objectVersion, o) }

// Quoted is the ETag in quotes, as headers have it.
func (o *Object) Quoted() string { return `"` + o.ETag + `"` }

// VersionID is how clients name the version; N is the number of its bucket.
func (o *Object) VersionID(n uint64) string {
	if o.Null {
		return nullVersion
	}
	return SealSeq(n, o.Seq, "version")
}

// VersionHeader is what x-amz-version-id says: nothing in a bucket that was never versioned.
func (o *Object) VersionHeader(b *Bucket) *string {
	if b.Versioning == "" {
		return nil
	}
	return new(o.VersionID(b.N))
}

const nullVersion = "null"

// letters are those that S3's own ids are made of.
var letters = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._").WithPadding(base64.NoPadding)

// SealSeq makes an id of a number, of 32 letters that show nothing of it and that are known to be ours. It is no secret.
func SealSeq(n, seq uint64, use string) string {
	var b [24]byte
	h := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", use, n, seq))
	copy(b[:16], h[:])
	binary.BigEndian.PutUint64(b[16:], seq^binary.BigEndian.Uint64(b[8:]))
	return letters.EncodeToString(b[:])
}

// OpenSeq is the inverse of sealSeq.
func OpenSeq(n uint64, id, use string) (uint64, bool) {
	b, err := letters.DecodeString(id)
	if err != nil || len(b) != 24 {
		return 0, false
	}
	seq := binary.BigEndian.Uint64(b[16:]) ^ binary.BigEndian.Uint64(b[8:])
	return seq, SealSeq(n, seq, use) == id
}

func getObject(r store.Reader, k store.Key) (*Object, error) {
	v, ok, err := r.Get(k)
	if err != nil || !ok {
		return nil, err
	}
	return DecodeObject(v)
}

// newest returns the newest of the versions that are not current, or nil.
func (b *Bucket) newest(r store.Reader, key string) (*Object, error) {
	pairs, done := r.Scan(b.Family(FamilyVersion).Text(key).Range(), store.ScanOpt{Limit: 1})
	for kv := range pairs {
		return DecodeObject(kv.Value)
	}
	return nil, done()
}

// latest returns the current version of key; a delete marker counts. It is nil when there is none.
func (b *Bucket) latest(r store.Reader, key string) (*Object, error) {
	o, err := getObject(r, b.Current(key))
	if err != nil || o != nil || b.Versioning == "" {
		return o, err
	}
	return b.newest(r, key)
}

// nullSeq is the seq of the null version when it is not current.
func (b *Bucket) nullSeq(r store.Reader, key string) (uint64, bool, error) {
	v, ok, err := r.Get(b.null(key))
	if err != nil || !ok || len(v) != 8 {
		return 0, false, err
	}
	return binary.BigEndian.Uint64(v), true, nil
}

// named returns the version that a client names, and whether it is the latest.
func (b *Bucket) named(r store.Reader, key, version string) (o *Object, latest bool, err error) {
	top, err := b.latest(r, key)
	if err != nil {
		return nil, false, err
	}
	if version == nullVersion {
		if top != nil && top.Null {
			return top, true, nil
		}
		seq, ok, err := b.nullSeq(r, key)
		if err != nil || !ok {
			return nil, false, err
		}
		o, err = getObject(r, b.version(key, seq))
		return o, false, err
	}
	if version == "" {
		return nil, false, fault.InvalidArgument("Version id cannot be the empty string", "versionId", "")
	}
	seq, ok := OpenSeq(b.N, version, "version")
	if !ok {
		return nil, false, fault.InvalidArgument("Invalid version id specified", "versionId", version)
	}
	if top != nil && !top.Null && top.Seq == seq {
		return top, true, nil
	}
	o, err = getObject(r, b.version(key, seq))
	if o != nil && o.Null {
		o = nil
	}
	return o, false, err
}

// NextSeq numbers what the bucket gets.
func (b *Bucket) NextSeq(tx store.Tx) (uint64, error) { return store.NextID(tx, b.Family(familyNext)) }

// Garbage are blobs that no transaction names any more.
type Garbage []blob.ID

// drop takes a name from a blob.
func (g *Garbage) drop(tx store.Tx, p Piece) error {
	if p.Blob == "" {
		return nil
	}
	k := BlobKey(p.Blob)
	v, _, err := tx.Get(k)
	if err != nil {
		return err
	}
	if store.ReadCounter(v) > 1 {
		tx.Add(k, -1)
		return nil
	}
	tx.Delete(k)
	*g = append(*g, p.Blob)
	return nil
}

// release deletes the body of a version.
func (b *Bucket) release(tx store.Tx, key string, o *Object, g *Garbage) error {
	switch {
	case o.Inline:
		tx.Delete(b.body(key, o.Seq))
	case o.Parts > 0:
		m, err := b.readManifest(tx, key, o)
		if err != nil {
			return err
		}
		for _, part := range m.Parts {
			for _, p := range part.Pieces {
				if err := g.drop(tx, p); err != nil {
					return err
				}
			}
		}
		return store.DeleteLarge(tx, b.manifest(key, o.Seq))
	}
	return g.drop(tx, o.Blob)
}

func (b *Bucket) readManifest(r store.Reader, key string, o *Object) (m manifest, err error) {
	v, ok, err := store.GetLarge(r, b.manifest(key, o.Seq))
	if err != nil {
		return m, err
	}
	if !ok {
		return m, fmt.Errorf("s3: %s/%s: the manifest is missing", b.Name, key)
	}
	return m, record.Decode(v, manifestVersion, &m)
}

// retire makes a version one that is not current.
func (b *Bucket) retire(tx store.Tx, key string, o *Object, now time.Time) {
	o.Left = now
	b.Keep(tx, key, o)
	tx.Delete(b.Current(key))
}

// Keep writes a version that is not current, or a delete marker.
func (b *Bucket) Keep(tx store.Tx, key string, o *Object) {
	tx.Set(b.version(key, o.Seq), o.Encode())
	if o.Null {
		tx.Set(b.null(key), binary.BigEndian.AppendUint64(nil, o.Seq))
	}
}

// forget deletes a version that is not current.
func (b *Bucket) forget(tx store.Tx, key string, o *Object, g *Garbage) error {
	tx.Delete(b.version(key, o.Seq))
	if o.Null {
		tx.Delete(b.null(key))
	}
	return b.release(tx, key, o, g)
}

// makeRoom prepares for a new version of key: what it replaces is deleted, what it covers is kept. It returns the new
// version's seq and whether its version id is null.
func (b *Bucket) makeRoom(tx store.Tx, key string, g *Garbage) (seq uint64, null bool, err error) {
	cur, err := getObject(tx, b.Current(key))
	if err != nil {
		return 0, false, err
	}
	null = b.Versioning != versioningEnabled
	switch {
	case cur != nil && null && cur.Null:
		err = b.release(tx, key, cur, g)
	case cur != nil:
		b.retire(tx, key, cur, tx.Now())
	}
	if err != nil || b.Versioning == "" {
		return 0, true, err
	}
	if b.Versioning == versioningSuspended && (cur == nil || !cur.Null) {
		old, ok, err := b.nullSeq(tx, key)
		if err != nil {
			return 0, false, err
		}
		if ok {
			o, err := getObject(tx, b.version(key, old))
			if err == nil && o != nil {
				err = b.forget(tx, key, o, g)
			}
			if err != nil {
				return 0, false, err
			}
		}
	}
	if top, err := b.newest(tx, key); err != nil {
		return 0, false, err
	} else if top != nil && top.Marker && top.Left.IsZero() {
		top.Left = tx.Now()
		b.Keep(tx, key, top)
	}
	seq, err = b.NextSeq(tx)
	return seq, null, err
}

// Put makes o, with the body or the parts in c, the current version of key. Whoever puts it names its blobs.
func (b *Bucket) Put(tx store.Tx, key string, o *Object, c Content, g *Garbage) (err error) {
	if o.Seq, o.Null, err = b.makeRoom(tx, key, g); err != nil {
		return err
	}
	o.Modified = tx.Now()
	tx.Set(b.Current(key), o.Encode())
	switch {
	case o.Inline:
		tx.Set(b.body(key, o.Seq), c.Small)
	case o.Parts > 0:
		return store.SetLarge(tx, b.manifest(key, o.Seq), record.Encode(manifestVersion, manifest{c.Parts}))
	}
	return nil
}

// mark puts a delete marker on key.
func (b *Bucket) mark(tx store.Tx, key string, g *Garbage) (*Object, error) {
	seq, null, err := b.makeRoom(tx, key, g)
	if err != nil {
		return nil, err
	}
	tx.Delete(b.Current(key))
	o := &Object{Seq: seq, Null: null, Marker: true, Modified: tx.Now()}
	b.Keep(tx, key, o)
	return o, nil
}

// promote makes the newest version the current one after the current one went.
func (b *Bucket) promote(tx store.Tx, key string) error {
	top, err := b.newest(tx, key)
	if err != nil || top == nil {
		return err
	}
	top.Left = time.Time{}
	if top.Marker {
		b.Keep(tx, key, top)
		return nil
	}
	tx.Delete(b.version(key, top.Seq))
	if top.Null {
		tx.Delete(b.null(key))
	}
	tx.Set(b.Current(key), top.Encode())
	return nil
}
