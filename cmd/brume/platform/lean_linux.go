package platform

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// The bits of an entry of /proc/self/pagemap: the page is there, and is the file's own (or shared memory), not a private copy.
// https://docs.kernel.org/admin-guide/mm/pagemap.html
const (
	pagePresent = 1 << 63
	pageOfFile  = 1 << 61
)

// lean unmaps the pages of the program's own file that starting has touched and that nothing needs again: most of what an
// idle platform would occupy. They stay in the page cache, and what is needed is mapped again where it is touched. Private
// copies are left alone, which hold what the linker has written there.
func lean() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	pages, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return
	}
	defer pages.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var begin, end uintptr
		var access string
		_, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &begin, &end, &access)
		if err == nil && strings.HasSuffix(lines.Text(), " "+exe) && !strings.Contains(access, "w") {
			unmap(pages, begin, end)
		}
	}
}

// unmap unmaps the file's own pages between begin and end, which nobody may write.
func unmap(pages *os.File, begin, end uintptr) {
	size := uintptr(os.Getpagesize())
	entries := make([]byte, (end-begin)/size*8)
	if _, err := pages.ReadAt(entries, int64(begin/size*8)); err != nil {
		return
	}
	own := func(page uintptr) bool {
		return page < end && binary.NativeEndian.Uint64(entries[(page-begin)/size*8:])&(pagePresent|pageOfFile) == pagePresent|pageOfFile
	}
	for page := begin; page < end; page += size {
		if !own(page) {
			continue
		}
		first := page
		for own(page) {
			page += size
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, first, page-first, unix.MADV_DONTNEED) // without it nothing is lost
	}
}
