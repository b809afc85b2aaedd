// Command bootstrap is a function for the sandbox suite: a custom runtime that does what each event asks for, good or
// bad.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// event is what the suite asks for.
type event struct {
	Do   string
	Path string
	N    int
	Text string
}

func main() {
	debug.SetGCPercent(20)
	if name := extensionName(); name != "" {
		extension(name)
	}
	if len(os.Args) > 1 {
		child(os.Args[1])
	}
	switch os.Getenv("INIT") {
	case "exit":
		os.Exit(3)
	case "error":
		call("POST", "/2018-06-01/runtime/init/error", "Runtime.BadInit", `{"errorType":"Runtime.BadInit","errorMessage":"no"}`)
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	}
	if os.Getenv("INTERNAL") != "" {
		internal()
	}
	for {
		head, body := call("GET", "/2018-06-01/runtime/invocation/next", "", "")
		id := head["lambda-runtime-aws-request-id"]
		var e event
		out, err := any(nil), json.Unmarshal([]byte(body), &e)
		if err == nil {
			out, err = do(e, head)
		}
		if err != nil {
			b, _ := json.Marshal(map[string]string{"errorType": "Error", "errorMessage": err.Error()})
			call("POST", "/2018-06-01/runtime/invocation/"+id+"/error", "Function.Error", string(b))
			continue
		}
		b, _ := json.Marshal(out)
		call("POST", "/2018-06-01/runtime/invocation/"+id+"/response", "", string(b))
	}
}

// conn is the connection to the Runtime API.
var conn *bufio.ReadWriter

func call(method, path, kind, body string) (map[string]string, string) {
	if conn == nil {
		c, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
		if err != nil {
			panic(err)
		}
		conn = bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", method, path, len(body))
	if kind != "" {
		fmt.Fprintf(conn, "Lambda-Runtime-Function-Error-Type: %s\r\n", kind)
	}
	fmt.Fprintf(conn, "\r\n%s", body)
	conn.Flush()
	head := map[string]string{}
	for {
		line, err := conn.ReadString('\n')
		if err != nil {
			os.Exit(9)
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if line == "\r\n" {
			break
		}
		if ok {
			head[strings.ToLower(name)] = strings.TrimSpace(value)
		}
	}
	n, _ := strconv.Atoi(head["content-length"])
	b := make([]byte, n)
	_, _ = io.ReadFull(conn, b)
	return head, string(b)
}

func do(e event, head map[string]string) (any, error) {
	switch e.Do {
	case "echo":
		return e.Text, nil
	case "head":
		return head, nil
	case "env":
		return os.Environ(), nil
	case "print":
		for i := range e.N {
			fmt.Printf("%s %d\n", e.Text, i)
		}
		fmt.Fprint(os.Stderr, "unfinished")
		return nil, nil
	case "fail":
		return nil, fmt.Errorf("%s", e.Text)
	case "exit":
		os.Exit(e.N)
	case "kill": // itself; any of its threads may be the one to get it, so wait for it
		err := syscall.Kill(os.Getpid(), syscall.Signal(e.N))
		time.Sleep(10 * time.Second)
		return nil, err
	case "sleep":
		time.Sleep(time.Duration(e.N) * time.Millisecond)
		return "slept", nil
	case "loop":
		for {
		}
	case "ticks":
		return ticks(), nil
	case "answer": // of a size
		return strings.Repeat("x", e.N), nil
	case "read", "list", "write", "remove", "fill", "open":
		return files(e)
	case "dial", "listen", "call":
		return network(e)
	case "attack":
		return attack(e)
	case "unshare", "chroot", "socket", "device":
		return kernel(e)
	case "hogs": // children that each take as much memory as asked for
		for range 5 {
			cmd := exec.Command(self(), "hog")
			cmd.Env = append(os.Environ(), "HOG="+strconv.Itoa(e.N))
			if err := cmd.Start(); err != nil {
				return nil, err
			}
		}
		time.Sleep(time.Minute)
		return nil, nil
	case "memory", "forks", "processes", "signal", "orphan", "whoami", "mount", "ptrace":
		return processes(e)
	}
	return nil, fmt.Errorf("do what? %q", e.Do)
}

// counter runs on in the background, to see whether the process is frozen.
var counter chan int

func ticks() int {
	if counter == nil {
		counter = make(chan int)
		go func() {
			n := 0
			for t := time.NewTicker(time.Millisecond); ; {
				select {
				case <-t.C:
					n++
				case counter <- n:
				}
			}
		}()
	}
	return <-counter
}

func files(e event) (any, error) {
	switch e.Do {
	case "read":
		b, err := os.ReadFile(e.Path)
		return string(b), err
	case "list":
		entries, err := os.ReadDir(e.Path)
		names := []string{}
		for _, f := range entries {
			names = append(names, f.Name())
		}
		return names, err
	case "write":
		return nil, os.WriteFile(e.Path, []byte(e.Text), 0o644)
	case "remove":
		return nil, os.RemoveAll(e.Path)
	}
	if e.Do == "open" {
		for range e.N {
			if _, err := syscall.Open(e.Path, syscall.O_RDONLY, 0); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	// fill writes megabytes until it may not, and tells how many there were.
	f, err := os.Create(e.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	block := bytes.Repeat([]byte("x"), 1<<20)
	for i := range e.N {
		if _, err := f.Write(block); err != nil {
			return i, fmt.Errorf("%w after %d MB", err, i)
		}
	}
	return e.N, nil
}

func network(e event) (any, error) {
	switch e.Do {
	case "dial":
		c, err := net.DialTimeout("tcp", e.Path, 2*time.Second)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return "connected", nil
	case "listen":
		l, err := net.Listen("tcp", e.Path)
		if err != nil {
			return nil, err
		}
		return "listening", l.Close()
	}
	c, err := net.DialTimeout("tcp", e.Path, 2*time.Second)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := io.WriteString(c, e.Text); err != nil {
		return nil, err
	}
	b := make([]byte, 4096)
	n, err := c.Read(b)
	return string(b[:n]), err
}

func kernel(e event) (any, error) {
	switch e.Do {
	case "unshare":
		return nil, syscall.Unshare(syscall.CLONE_NEWUSER)
	case "chroot":
		return nil, syscall.Chroot(e.Path)
	case "device":
		return nil, syscall.Mknod(e.Path, syscall.S_IFCHR|0o666, 1<<8|3)
	}
	fd, err := syscall.Socket(e.N, syscall.SOCK_STREAM, 0)
	return fd, err
}

// kept keeps memory from being freed.
var kept [][]byte

func processes(e event) (any, error) {
	switch e.Do {
	case "memory":
		for range e.N {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
		}
		return e.N, nil
	case "forks": // as many children as it can
		n := 0
		for range e.N {
			cmd := exec.Command(self(), "sleep")
			if err := cmd.Start(); err != nil {
				return n, fmt.Errorf("%w after %d", err, n)
			}
			n++
		}
		return n, nil
	case "processes": // that it sees
		var pids []string
		dirs, err := filepath.Glob("/proc/[0-9]*")
		for _, d := range dirs {
			pids = append(pids, filepath.Base(d))
		}
		return pids, err
	case "signal":
		return nil, syscall.Kill(e.N, syscall.SIGKILL)
	case "orphan": // a child that outlives its parent
		out, err := exec.Command(self(), "orphan").CombinedOutput()
		return string(out), err
	case "mount":
		return nil, syscall.Mount("tmpfs", "/tmp", "tmpfs", 0, "")
	case "ptrace":
		return nil, syscall.PtraceAttach(e.N)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	return map[string]any{"uid": os.Getuid(), "pid": os.Getpid(), "host": host, "status": string(status)}, err
}

func self() string { return filepath.Join(os.Getenv("LAMBDA_TASK_ROOT"), "bootstrap") }

func child(what string) {
	switch what {
	case "sleep":
		time.Sleep(time.Hour)
	case "hog":
		n, _ := strconv.Atoi(os.Getenv("HOG"))
		_, _ = processes(event{Do: "memory", N: n})
		time.Sleep(time.Hour)
	case "orphan":
		cmd := exec.Command(self(), "sleep")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			fmt.Print(err)
			os.Exit(1)
		}
		fmt.Print(cmd.Process.Pid)
	}
	os.Exit(0)
}
