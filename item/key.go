package item

// Encoded keys compare as the values of one type do, and none is a prefix of another.
//
//	S B   0x01 b… 0x00      each 0x00 in b is followed by 0xff, as in store.Tuple
//	N     0x02 zero
//	      0x03 lead pair… 0x00      positive: exponent of the first digit + 130, digits in pairs, each pair + 1
//	      0x01 ^(lead pair… 0x00)   negative: the complement of that
const (
	keyText     = 0x01
	keyNegative = 0x01
	keyZero     = 0x02
	keyPositive = 0x03
)

// AppendKey appends the encoded key of v, of type S, N or B, to b.
func (v Value) AppendKey(b []byte) []byte {
	if v.kind == N {
		return appendNumberKey(b, v.s)
	}
	return append(v.AppendKeyPrefix(b), 0)
}

// AppendKeyPrefix appends what the encoded keys of all values begin with that begin with v, of type S or B.
func (v Value) AppendKeyPrefix(b []byte) []byte {
	b = append(b, keyText)
	for i := 0; i < len(v.s); i++ {
		b = append(b, v.s[i])
		if v.s[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return b
}

func appendNumberKey(b []byte, s string) []byte {
	var d decimal
	d.parse(s)
	if len(d.digits) == 0 {
		return append(b, keyZero)
	}
	flip := byte(0)
	tag := byte(keyPositive)
	if d.neg {
		tag, flip = keyNegative, 0xff
	}
	b = append(b, tag, byte(d.lead-MinExponent)^flip)
	for i := 0; i < len(d.digits); i += 2 {
		pair := 10 * (d.digits[i] - '0')
		if i+1 < len(d.digits) {
			pair += d.digits[i+1] - '0'
		}
		b = append(b, (pair+1)^flip)
	}
	return append(b, flip)
}
