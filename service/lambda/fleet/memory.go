package fleet

import (
	"bytes"
	"os"
	"strconv"
)

// FreeMemory reads the part of the machine's memory that is free: 1 where that is not known.
func FreeMemory() float64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 1
	}
	total, available := field(b, "MemTotal:"), field(b, "MemAvailable:")
	if total <= 0 || available < 0 {
		return 1
	}
	return available / total
}

// field is the number that follows name, -1 when there is none.
func field(b []byte, name string) float64 {
	_, rest, ok := bytes.Cut(b, []byte(name))
	words := bytes.Fields(rest)
	if !ok || len(words) == 0 {
		return -1
	}
	n, err := strconv.ParseFloat(string(words[0]), 64)
	if err != nil {
		return -1
	}
	return n
}
