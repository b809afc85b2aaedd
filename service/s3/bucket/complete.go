package bucket

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/checksum"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// Complete does it in a transaction.
func (b *Bucket) Complete(tx store.Tx, in *s3api.CompleteMultipartUploadRequest, want Sum, cond WriteCondition, by notice.Cause) (c Committed, err error) {
	c.B = b
	u, seq, err := b.ReadUpload(tx, in.Key, in.UploadId)
	if err != nil {
		return c, err
	}
	have, err := b.Parts(tx, seq, 0, 0)
	if err != nil {
		return c, err
	}
	o := u.Object
	chosen, err := choose(&u, in, have)
	if err != nil {
		return c, err
	}
	if err := o.assemble(&u, seq, chosen); err != nil {
		return c, err
	}
	if err := compare(&o, in, want); err != nil {
		return c, err
	}
	if err := cond.Check(tx, b, in.Key); err != nil {
		return c, err
	}
	list, left := sections(chosen, have)
	if err := b.Put(tx, in.Key, &o, Content{Parts: list}, &c.Garbage); err != nil {
		return c, err
	}
	if err := c.Garbage.dropAll(tx, left); err != nil {
		return c, err
	}
	tx.Delete(b.Upload(in.Key, seq))
	tx.DeleteRange(b.Family(familyPart).Uint(seq).Range())
	if err := b.Created(tx, in.Key, &o, s3api.EventS3ObjectCreatedCompleteMultipartUpload, "CompleteMultipartUpload", by); err != nil {
		return c, err
	}
	c.O = &o
	c.Expiration, err = b.Expiration(tx, in.Key, &o)
	return c, err
}

// Again answers a completion that has already happened.
func (b *Bucket) Again(r store.Reader, in *s3api.CompleteMultipartUploadRequest) (c Committed, err error) {
	seq, err := b.uploadSeq(in.UploadId)
	if err != nil {
		return c, err
	}
	o, err := getObject(r, b.Current(in.Key))
	if err == nil && (o == nil || o.Upload != seq || o.Parts != int32(len(in.MultipartUpload.Parts))) {
		err = fault.NoSuchUpload()
	}
	if err != nil {
		return c, err
	}
	c = Committed{B: b, O: o}
	c.Expiration, err = b.Expiration(r, in.Key, o)
	return c, err
}

// choose finds the parts that a completion names.
func choose(u *UploadRecord, in *s3api.CompleteMultipartUploadRequest, have []numbered) ([]numbered, error) {
	at := make(map[int32]int, len(have))
	for i, p := range have {
		at[p.Number] = i
	}
	list := in.MultipartUpload.Parts
	for i := range list {
		if list[i].PartNumber == nil || list[i].ETag == nil {
			return nil, fault.MalformedXML()
		}
	}
	chosen := make([]numbered, 0, len(list))
	last := int32(0)
	for i := range list {
		n, etag := aws.Or(list[i].PartNumber, 0), strings.Trim(aws.Or(list[i].ETag, ""), `"`)
		if n < 1 || n > MaxPart {
			return nil, fault.InvalidArgument("PartNumber must be >= 1", "PartNumber", strconv.FormatInt(int64(n), 10))
		}
		if n <= last {
			return nil, aws.Errorf("InvalidPartOrder", http.StatusBadRequest,
				"The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		last = n
		k, ok := at[n]
		if !ok || have[k].ETag != etag {
			return nil, invalidPart(in.UploadId, n, etag)
		}
		given, err := SumOf(&list[i])
		switch {
		case err != nil || given.Algorithm != "" && !sumForm(given.Algorithm, given.Value):
			return nil, fault.InvalidArgument("Invalid Base64 or multiple checksums present in request", "Checksum", given.Value)
		case given.Algorithm != "" && given.Algorithm != u.Algorithm:
			return nil, aws.Errorf("BadDigest", http.StatusBadRequest, "The %s you specified for part %d did not match what we received.", strings.ToLower(given.Algorithm), n)
		case given.Algorithm == "" && u.Asked && u.Type == Composite:
			return nil, fault.InvalidRequest("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.", strings.ToLower(u.Algorithm), n)
		case given.Algorithm != "" && given.Value != have[k].Sum.Value:
			return nil, invalidPart(in.UploadId, n, etag)
		}
		chosen = append(chosen, have[k])
	}
	for i, p := range chosen {
		if i < len(chosen)-1 && p.Size < minPart {
			return nil, &partError{aws.ErrorInfo{Code: "EntityTooSmall", Status: http.StatusBadRequest,
				Message: "Your proposed upload is smaller than the minimum allowed size"}, in.UploadId, p.Number, p.ETag, &p.Size, new(int64(minPart))}
		}
	}
	return chosen, nil
}

// sumForm reports whether a value has the form of a checksum: base64 of the right length.
func sumForm(algorithm, value string) bool {
	b, err := base64.StdEncoding.DecodeString(value)
	return err == nil && len(b) == checksum.New(algorithm).Size()
}

// assemble fills in what follows from the parts: size, ETag and checksum.
func (o *Object) assemble(u *UploadRecord, seq uint64, parts []numbered) error {
	etags, sums := md5.New(), checksum.New(u.Algorithm)
	for _, p := range parts {
		b, err := hex.DecodeString(p.ETag)
		if err != nil {
			return fmt.Errorf("s3: part %d: etag: %w", p.Number, err)
		}
		etags.Write(b)
		if b, err = base64.StdEncoding.DecodeString(p.Sum.Value); err != nil {
			return fmt.Errorf("s3: part %d: checksum: %w", p.Number, err)
		}
		sums.Write(b)
		o.Size += p.Size
	}
	if o.Size > maxObject {
		return &fault.SizeError{Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size", Size: strconv.FormatInt(o.Size, 10), MaxSizeAllowed: strconv.FormatInt(maxObject, 10)}
	}
	o.Parts, o.Upload = int32(len(parts)), seq
	o.ETag = fmt.Sprintf("%x-%d", etags.Sum(nil), len(parts))
	o.Sum = Sum{u.Algorithm, fmt.Sprintf("%s-%d", checksum.Encode(sums.Sum(nil)), len(parts)), Composite}
	if u.Type == FullObject {
		list := make([]checksum.Part, len(parts))
		for i, p := range parts {
			list[i] = checksum.Part{Sum: p.Sum.Value, Size: p.Size}
		}
		whole, ok := checksum.Join(u.Algorithm, list)
		if !ok {
			return fmt.Errorf("s3: no %s of the whole from those of the parts", u.Algorithm)
		}
		o.Sum = Sum{u.Algorithm, whole, FullObject}
	}
	return nil
}

// compare checks the object against what the completion says of it.
func compare(o *Object, in *s3api.CompleteMultipartUploadRequest, want Sum) error {
	have, _, _ := strings.Cut(o.Sum.Value, "-")
	given, parts, composite := strings.Cut(want.Value, "-")
	switch {
	case in.MpuObjectSize != nil && *in.MpuObjectSize < 0:
		return fault.InvalidRequest("Value for x-amz-mp-object-size header is less than zero: '%d'", *in.MpuObjectSize)
	case in.ChecksumType != "" && in.ChecksumType != Composite && in.ChecksumType != FullObject:
		return fault.InvalidRequest("Value for x-amz-checksum-type header is invalid.")
	case want.Algorithm != "" && (!sumForm(want.Algorithm, given) || composite && strings.Trim(parts, "0123456789") != ""):
		return fault.InvalidRequest("Value for %s%s header is invalid.", checksum.Header, strings.ToLower(want.Algorithm))
	case in.MpuObjectSize != nil && *in.MpuObjectSize != o.Size:
		return fault.InvalidRequest("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *in.MpuObjectSize, o.Size)
	case in.ChecksumType != "" && string(in.ChecksumType) != o.Sum.Type:
		return fault.InvalidRequest("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", o.Sum.Type)
	case want.Algorithm == "":
		return nil
	case want.Algorithm != o.Sum.Algorithm:
		return aws.Errorf("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum.", want.Algorithm)
	}
	if given != have {
		return aws.Errorf("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum.", want.Algorithm)
	}
	return nil
}

// sections lists the chosen parts, and the blobs of those that were not chosen.
func sections(chosen, all []numbered) (list []section, left []Piece) {
	used := make(map[int32]bool, len(chosen))
	for _, p := range chosen {
		used[p.Number] = true
		list = append(list, section{p.Number, p.Size, p.Pieces, p.Sum.Value})
	}
	for _, p := range all {
		if !used[p.Number] {
			left = append(left, p.Pieces...)
		}
	}
	return list, left
}
