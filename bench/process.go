package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a process of the brume program that answers requests.
type server struct {
	cmd    *exec.Cmd
	urls   []string      // in the order in which its line names them
	ready  time.Duration // from the order to start it until it said that it is
	stderr bytes.Buffer
}

// patience bounds every wait for what must come.
const patience = 30 * time.Second

// serve starts the program and waits for its line that begins "Ready.".
func serve(ctx context.Context, program string, args ...string) (*server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(program, args...)} // it is stopped by stop, after what was made in it is taken away
	s.cmd.Stderr = &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for us: we end what we started
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	s.ready = time.Since(began)
	for word := range strings.FieldsSeq(line) {
		if strings.HasPrefix(word, "http://") {
			s.urls = append(s.urls, word)
		}
	}
	if err != nil || !strings.HasPrefix(line, "Ready.") || len(s.urls) == 0 {
		_ = s.cmd.Process.Kill() // it may be gone
		_ = s.cmd.Wait()         // what it printed says more
		return nil, fmt.Errorf("%s %s is not ready: %q %s", program, strings.Join(args, " "), line, bytes.TrimSpace(s.stderr.Bytes()))
	}
	go io.Copy(io.Discard, lines)
	return s, nil
}

// stop ends the process as an interrupt does, and waits for it.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return nil // by the signal
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(s.stderr.Bytes()))
	}
	return nil
}

// platform starts a platform on a folder.
func (b *Bench) platform(ctx context.Context, data string) (*server, error) {
	return serve(ctx, b.Program, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log", "error")
}

// ceilings starts the two handlers, with answers of size bytes.
func (b *Bench) ceilings(ctx context.Context, size int) (*server, error) {
	f, err := os.CreateTemp(b.Folder, "synced-")
	if err != nil {
		return nil, err
	}
	return serve(ctx, b.Program, "ceilings", "--size", fmt.Sprint(size), "--file", f.Name())
}

// tick is the unit in which the kernel tells processor time, on every Linux.
const tick = 10 * time.Millisecond

// cpu is the processor time that the process has used; 0 where that is not told.
func (s *server) cpu() time.Duration {
	if s == nil {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the program's name may hold spaces
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11]) // utime and stime of proc_pid_stat(5), numbers always
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}
