package platform

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// lean unmaps the pages of the program's own file that starting has touched and that nothing needs again: most of what
// an idle platform would occupy. They stay in the page cache, and what is needed is mapped again where it is touched.
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
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var begin, end uintptr
		var access string
		_, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &begin, &end, &access)
		if err != nil || !strings.HasSuffix(lines.Text(), " "+exe) || strings.Contains(access, "w") {
			continue
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, begin, end-begin, unix.MADV_DONTNEED) // without it nothing is lost
	}
}
