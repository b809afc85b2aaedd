package backlog

import (
	"encoding/binary"
	"errors"
)

var errRecord = errors.New("backlog: record is not whole")

// decoder reads the small records of this package. After the first error it gives zeroes.
type decoder struct {
	b   []byte
	err error
}

// open checks the version.
func open(b []byte) *decoder {
	d := &decoder{b: b}
	if d.byte() != recordVersion {
		d.fail()
	}
	return d
}

func (d *decoder) fail() { d.b, d.err = nil, errRecord }

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) rest() string {
	s := string(d.b)
	d.b = nil
	return s
}
