package sam

import (
	"crypto/sha1" //nolint:gosec // SAM makes logical ids of it; nothing depends on its strength
	"encoding/hex"
	"fmt"
	"slices"
	"unicode/utf16"

	"github.com/brume-dev/brume/jsondoc"
)

// hash is how SAM tells contents apart in logical ids: SHA-1 in hexadecimal.
func hash(b []byte) string {
	sum := sha1.Sum(b) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// pythonJSON writes a document as Python's json.dumps does with sorted keys and without spaces, in ASCII: what SAM hashes.
func pythonJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case *jsondoc.Object:
		dst = append(dst, '{')
		for i, k := range slices.Sorted(slices.Values(v.Keys())) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(ascii(dst, k), ':')
			dst = pythonJSON(dst, get(v, k))
		}
		return append(dst, '}')
	case *jsondoc.Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = pythonJSON(dst, item)
		}
		return append(dst, ']')
	case string:
		return ascii(dst, v)
	}
	return jsondoc.Append(dst, v)
}

func ascii(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r >= ' ' && r < 0x7f || r == 0x7f:
			dst = append(dst, byte(r))
		default:
			for _, u := range utf16.AppendRune(nil, r) {
				dst = fmt.Appendf(dst, `\u%04x`, u)
			}
		}
	}
	return append(dst, '"')
}
