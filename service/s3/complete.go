package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

func lower(s string) string { return strings.ToLower(s) }

// CompleteMultipartUpload makes an object of parts. Nothing is copied: the object lists the blobs of its parts. Completing
// an upload again answers the same as long as its object is the current one.
func (s *Service) CompleteMultipartUpload(ctx context.Context, _ aws.Identity, in *s3api.CompleteMultipartUploadRequest) (*s3api.CompleteMultipartUploadOutput, error) {
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return nil, malformedXML()
	}
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	want, err := sumOf(in)
	if err != nil {
		return nil, err
	}
	cond, err := writeConditionOf(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	done, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket) (committed, error) {
		c, err := b.complete(tx, in, want, cond)
		if aws.CodeOf(err) == "NoSuchUpload" {
			return b.again(tx, in)
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, done.garbage)
	o := done.o
	out := &s3api.CompleteMultipartUploadOutput{Location: ptr("http://" + in.Bucket + ".s3." + done.b.Region + ".amazonaws.com/" + *(&listing{url: true}).text(in.Key)),
		Bucket: &in.Bucket, Key: &in.Key, ETag: ptr(o.etag()), VersionId: o.versionHeader(done.b), Expiration: done.expiration,
		ServerSideEncryption: s3api.ServerSideEncryption(o.Sealed.Algorithm), SSEKMSKeyId: o.Sealed.keyOf(), BucketKeyEnabled: o.Sealed.bucketKeyOf()}
	setSum(out, o.Sum)
	return out, nil
}

// complete does it in a transaction.
func (b *bucket) complete(tx store.Tx, in *s3api.CompleteMultipartUploadRequest, want sum, cond writeCondition) (c committed, err error) {
	c.b = b
	u, seq, err := b.readUpload(tx, in.Key, in.UploadId)
	if err != nil {
		return c, err
	}
	have, err := b.parts(tx, seq, 0, 0)
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
	if err := cond.check(tx, b, in.Key); err != nil {
		return c, err
	}
	list, left := sections(chosen, have)
	if err := b.put(tx, in.Key, &o, content{parts: list}, &c.garbage); err != nil {
		return c, err
	}
	if err := c.garbage.dropAll(tx, left); err != nil {
		return c, err
	}
	tx.Delete(b.upload(in.Key, seq))
	tx.DeleteRange(b.family(familyPart).Uint(seq).Range())
	c.o = &o
	c.expiration, err = b.expiration(tx, in.Key, &o)
	return c, err
}

// again answers a completion that has already happened.
func (b *bucket) again(r store.Reader, in *s3api.CompleteMultipartUploadRequest) (c committed, err error) {
	seq, err := b.uploadSeq(in.UploadId)
	if err != nil {
		return c, err
	}
	o, err := getObject(r, b.current(in.Key))
	if err == nil && (o == nil || o.Upload != seq || o.Parts != int32(len(in.MultipartUpload.Parts))) {
		err = noSuchUpload()
	}
	if err != nil {
		return c, err
	}
	c = committed{b: b, o: o}
	c.expiration, err = b.expiration(r, in.Key, o)
	return c, err
}

// choose finds the parts that a completion names.
func choose(u *uploadRecord, in *s3api.CompleteMultipartUploadRequest, have []numbered) ([]numbered, error) {
	at := make(map[int32]int, len(have))
	for i, p := range have {
		at[p.number] = i
	}
	list := in.MultipartUpload.Parts
	chosen := make([]numbered, 0, len(list))
	last := int32(0)
	for i := range list {
		n, etag := or(list[i].PartNumber, 0), strings.Trim(or(list[i].ETag, ""), `"`)
		if n < 1 || n > maxPart {
			return nil, invalidArgument("PartNumber must be >= 1", "PartNumber", itoa(int64(n)))
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
		given, err := sumOf(&list[i])
		switch {
		case err != nil:
			return nil, err
		case given.Algorithm == "" && u.Asked && u.Type == composite:
			return nil, invalidRequest("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.", lower(u.Algorithm), n)
		case given.Algorithm != "" && given.Algorithm == u.Algorithm && given.Value != have[k].Sum.Value:
			return nil, invalidPart(in.UploadId, n, etag)
		}
		chosen = append(chosen, have[k])
	}
	for i, p := range chosen {
		if i < len(chosen)-1 && p.Size < minPart {
			return nil, &partError{aws.ErrorInfo{Code: "EntityTooSmall", Status: http.StatusBadRequest,
				Message: "Your proposed upload is smaller than the minimum allowed size"}, in.UploadId, p.number, p.ETag, &p.Size, ptr(int64(minPart))}
		}
	}
	return chosen, nil
}

// assemble fills in what follows from the parts: size, ETag and checksum.
func (o *object) assemble(u *uploadRecord, seq uint64, parts []numbered) error {
	etags, sums := md5.New(), newHash(u.Algorithm)
	for _, p := range parts {
		b, err := hex.DecodeString(p.ETag)
		if err != nil {
			return fmt.Errorf("s3: part %d: etag: %w", p.number, err)
		}
		etags.Write(b)
		if b, err = base64.StdEncoding.DecodeString(p.Sum.Value); err != nil {
			return fmt.Errorf("s3: part %d: checksum: %w", p.number, err)
		}
		sums.Write(b)
		o.Size += p.Size
	}
	if o.Size > maxObject {
		return &sizeError{"EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", itoa(o.Size), itoa(maxObject)}
	}
	o.Parts, o.Upload = int32(len(parts)), seq
	o.ETag = fmt.Sprintf("%x-%d", etags.Sum(nil), len(parts))
	o.Sum = sum{u.Algorithm, fmt.Sprintf("%s-%d", encodeSum(sums.Sum(nil)), len(parts)), composite}
	if u.Type == fullObject {
		list, _ := sections(parts, nil)
		whole, ok := joined(u.Algorithm, list)
		if !ok {
			return fmt.Errorf("s3: no %s of the whole from those of the parts", u.Algorithm)
		}
		o.Sum = sum{u.Algorithm, whole, fullObject}
	}
	return nil
}

// compare checks the object against what the completion says of it.
func compare(o *object, in *s3api.CompleteMultipartUploadRequest, want sum) error {
	switch {
	case in.MpuObjectSize != nil && *in.MpuObjectSize != o.Size:
		return invalidRequest("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *in.MpuObjectSize, o.Size)
	case in.ChecksumType != "" && string(in.ChecksumType) != o.Sum.Type:
		return invalidRequest("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", o.Sum.Type)
	case want.Algorithm == "":
		return nil
	case want.Algorithm != o.Sum.Algorithm:
		return aws.Errorf("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum.", lower(want.Algorithm))
	}
	have, _, _ := strings.Cut(o.Sum.Value, "-")
	if given, _, _ := strings.Cut(want.Value, "-"); given != have {
		return aws.Errorf("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum.", lower(want.Algorithm))
	}
	return nil
}

// sections lists the chosen parts, and the blobs of those that were not chosen.
func sections(chosen, all []numbered) (list []section, left []piece) {
	used := make(map[int32]bool, len(chosen))
	for _, p := range chosen {
		used[p.number] = true
		list = append(list, section{p.number, p.Size, p.Pieces, p.Sum.Value})
	}
	for _, p := range all {
		if !used[p.number] {
			left = append(left, p.Pieces...)
		}
	}
	return list, left
}
