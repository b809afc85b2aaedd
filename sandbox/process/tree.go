package process

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// descend visits a process and its descendants.
func descend(pid int, visit func(pid int)) {
	visit(pid)
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, t := range tasks {
		b, err := os.ReadFile(dir + "/" + t.Name() + "/children")
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(child); err == nil {
				descend(n, visit)
			}
		}
	}
}

// ownMemory is the resident memory that a process shares with nobody.
func ownMemory(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(f[1], 10, 64)
	shared, _ := strconv.ParseInt(f[2], 10, 64)
	return (resident - shared) * int64(os.Getpagesize())
}

// lookAtDisk ends an environment whose /tmp folder has grown over its size: a folder cannot say that it is full. Files
// that have been deleted and are still open take room too.
func (w *watch) lookAtDisk() {
	type place struct{ device, inode uint64 }
	var size int64
	seen := map[place]bool{}
	count := func(info fs.FileInfo) {
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || !info.Mode().IsRegular() {
			return
		}
		if at := (place{uint64(st.Dev), st.Ino}); !seen[at] { //nolint:unconvert // not of the same type everywhere
			seen[at] = true
			size += st.Blocks * 512
		}
	}
	_ = filepath.WalkDir(w.e.plan.tmp, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what vanished meanwhile takes no room
		}
		if info, err := d.Info(); err == nil {
			count(info)
		}
		return nil
	})
	w.processes(func(pid int) {
		dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
		open, _ := os.ReadDir(dir)
		for _, f := range open {
			if to, err := os.Readlink(dir + f.Name()); err != nil || !strings.HasSuffix(to, " (deleted)") {
				continue
			}
			if info, err := os.Stat(dir + f.Name()); err == nil {
				count(info)
			}
		}
	})
	if size > int64(w.e.plan.spec.TmpMB)<<20 {
		w.e.runner.Log.Warn("sandbox: /tmp is full", "environment", w.e.plan.spec.ID, "bytes", size)
		w.e.kill()
	}
}
