// Package checksum has the checksums that clients send along with bodies, by the names that AWS gives them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"
)

// The algorithms that there are, by their names in ChecksumAlgorithm.
const (
	CRC32     = "CRC32"
	CRC32C    = "CRC32C"
	CRC64NVME = "CRC64NVME"
	SHA1      = "SHA1"
	SHA256    = "SHA256"
	SHA512    = "SHA512"
	MD5       = "MD5"
	XXHASH64  = "XXHASH64"
	XXHASH3   = "XXHASH3"
	XXHASH128 = "XXHASH128"
)

// Header begins the names of the headers and trailers that hold checksums; the name of the algorithm follows, in lower case.
const Header = "x-amz-checksum-"

// Algorithms are the names of all of them.
func Algorithms() []string {
	return []string{CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64}
}

// Joins reports whether the checksum of a whole follows from those of its parts (see Join).
func Joins(algorithm string) bool {
	return algorithm == CRC32 || algorithm == CRC32C || algorithm == CRC64NVME
}

// New returns the hash of an algorithm, or nil when there is none of the name.
func New(algorithm string) hash.Hash {
	switch algorithm {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case CRC64NVME:
		return crc64nvme.New()
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	case MD5:
		return md5.New()
	case XXHASH64:
		return xxhash.New()
	case XXHASH3:
		return xxh3.New()
	case XXHASH128:
		return xxh3.New128()
	}
	return nil
}

// Encode writes a checksum as headers have it: in base64.
func Encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }
