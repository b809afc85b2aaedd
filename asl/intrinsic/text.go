package intrinsic

import (
	"crypto/md5"  //nolint:gosec // States.Hash offers it
	"crypto/sha1" //nolint:gosec // States.Hash offers it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// format puts the other arguments into the places {} of the first.
func format(_ *path.Scope, args []any) (any, error) {
	template, err := stringArgument(args, 0)
	if err != nil {
		return nil, err
	}
	out, used := make([]byte, 0, len(template)+16*len(args)), 1
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template) && strings.IndexByte(`'{}\`, template[i+1]) >= 0:
			i++
			out = append(out, template[i])
		case c == '{':
			if i+1 >= len(template) || template[i+1] != '}' {
				return nil, errors.New("The character '{' must be escaped")
			}
			i++
			if used < len(args) {
				out = appendPlain(out, args[used])
			}
			used++
		case c == '}':
			return nil, errors.New("The character '}' must be escaped")
		default:
			out = append(out, c)
		}
	}
	if used != len(args) {
		return nil, fmt.Errorf("The number of occurrences of {} (%d) must match the number of arguments to be placed there (%d)", used-1, len(args)-1)
	}
	return string(out), nil
}

// appendPlain appends a string as it is and anything else as JSON.
func appendPlain(dst []byte, v any) []byte {
	if s, ok := v.(string); ok {
		return append(dst, s...)
	}
	return jsondoc.Append(dst, v)
}

func stringToJSON(_ *path.Scope, args []any) (any, error) {
	s, err := stringArgument(args, 0)
	if err != nil {
		return nil, err
	}
	v, err := jsondoc.ParseString(s)
	if err != nil {
		return nil, errors.New("The argument is not valid JSON")
	}
	return v, nil
}

func jsonToString(_ *path.Scope, args []any) (any, error) { return jsondoc.Text(args[0]), nil }

// stringSplit divides a string at each of the characters of the second argument; there are no empty parts.
func stringSplit(_ *path.Scope, args []any) (any, error) {
	s, err := stringArgument(args, 0)
	if err != nil {
		return nil, err
	}
	cuts, err := stringArgument(args, 1)
	if err != nil {
		return nil, err
	}
	out := &jsondoc.Array{Items: []any{}}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(cuts, r) }) {
		out.Items = append(out.Items, part)
	}
	return out, nil
}

func boundedArgument(args []any, i int) (string, error) {
	s, err := stringArgument(args, i)
	if err != nil {
		return "", err
	}
	return s, bounded(s, i)
}

func bounded(s string, i int) error {
	if len(s) > MaxText && utf8.RuneCountInString(s) > MaxText {
		return fmt.Errorf("The %s argument must not have more than %d characters", position(i), MaxText)
	}
	return nil
}

func base64Encode(_ *path.Scope, args []any) (any, error) {
	s, err := boundedArgument(args, 0)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

func base64Decode(_ *path.Scope, args []any) (any, error) {
	s, err := boundedArgument(args, 0)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("The argument is not a valid Base64 string")
	}
	return strings.ToValidUTF8(string(b), "\ufffd"), nil
}

// hash gives the digest of a string, or of the JSON text of anything else, in hexadecimal digits.
func hash(_ *path.Scope, args []any) (any, error) {
	data := appendPlain(nil, args[0])
	if err := bounded(string(data), 0); err != nil {
		return nil, err
	}
	algorithm, err := stringArgument(args, 1)
	if err != nil {
		return nil, err
	}
	switch algorithm {
	case "MD5":
		sum := md5.Sum(data) //nolint:gosec // asked for
		return hex.EncodeToString(sum[:]), nil
	case "SHA-1":
		sum := sha1.Sum(data) //nolint:gosec // asked for
		return hex.EncodeToString(sum[:]), nil
	case "SHA-256":
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-384":
		sum := sha512.Sum384(data)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-512":
		sum := sha512.Sum512(data)
		return hex.EncodeToString(sum[:]), nil
	}
	return nil, errors.New("The second argument must be one of: MD5, SHA-1, SHA-256, SHA-384, SHA-512")
}
