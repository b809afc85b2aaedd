//go:build amd64 || arm64

package process

import "encoding/binary"

// pauseProgram is pauseCode as an ELF executable: header, one loadable segment, code.
func pauseProgram() []byte {
	const base, header = 0x400000, 64 + 56
	size := uint64(header + len(pauseCode))
	le := binary.LittleEndian
	b := append(make([]byte, 0, size), "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	b = le.AppendUint16(b, 2) // ET_EXEC
	b = le.AppendUint16(b, pauseMachine)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, base+header) // entry
	b = le.AppendUint64(b, 64)          // program headers
	b = le.AppendUint64(b, 0)           // no section headers
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 1, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1) // PT_LOAD
	b = le.AppendUint32(b, 5) // readable, executable
	for _, v := range []uint64{0, base, base, size, size, 0x1000} {
		b = le.AppendUint64(b, v)
	}
	return append(b, pauseCode...)
}
