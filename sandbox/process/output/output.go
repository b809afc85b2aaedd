// Package output reads what a function prints: lines, and messages that a runtime frames.
package output

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

const (
	// maxLine is the longest piece of output: a log event of CloudWatch Logs.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
	maxLine = 1 << 20
	// maxFrame is the longest message that a runtime may frame; what is over maxLine of it is dropped.
	maxFrame = 8 << 20

	// maxPipe is the most that a pipe holds: a function may make its own so large.
	// https://man7.org/linux/man-pages/man7/pipe.7.html
	maxPipe = 1 << 20
)

// Output reads a function's pipe. Standard output, standard error and the descriptor for framed messages are one
// pipe, so that everything stays in the order in which it was written. The pipe is read by a goroutine as data comes,
// and by Flush, which takes without waiting what is there already: so what a function printed before its answer is
// there before the answer is used.
type Output struct {
	file *os.File // the read end
	sink func(sandbox.Line)
	now  func() time.Time
	done chan struct{}

	mu   sync.Mutex
	rest []byte // data of which no whole line or frame has come yet
	buf  []byte
}

// New makes the pipe; write is for the function, and must be closed here once the function has it.
func New(sink func(sandbox.Line), now func() time.Time) (o *Output, write *os.File, err error) {
	// Not os.Pipe, which makes both ends non-blocking: the function's must block.
	var fds [2]int
	syscall.ForkLock.RLock()
	err = syscall.Pipe(fds[:])
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = syscall.SetNonblock(fds[0], true)
	}
	if err != nil {
		return nil, nil, err
	}
	if sink == nil {
		sink = func(sandbox.Line) {}
	}
	o = &Output{file: os.NewFile(uintptr(fds[0]), "output"), sink: sink, now: now, done: make(chan struct{}),
		buf: make([]byte, 16<<10)}
	return o, os.NewFile(uintptr(fds[1]), "output"), nil
}

// Follow reads until the last process that holds the write end is gone, or Close.
func (o *Output) Follow() {
	defer close(o.done)
	raw, err := o.file.SyscallConn()
	if err != nil {
		return
	}
	for ended := false; !ended && err == nil; {
		err = raw.Read(func(fd uintptr) bool {
			var n int
			n, ended = o.take(int(fd))
			return n > 0 || ended
		})
	}
}

// take reads once, without waiting. n is how much there was, ended that nothing will come any more.
func (o *Output) take(fd int) (n int, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := syscall.Read(fd, o.buf)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return 0, false
	case err != nil || n <= 0:
		o.end()
		return 0, true
	}
	o.feed(o.buf[:n])
	return n, false
}

// Flush hands over what has been printed up to now, an unfinished line too. It does not wait for the end of a function
// that prints for ever: what a pipe can hold is more than what was in it.
func (o *Output) Flush() {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return
	}
	// Control does not wait for the reader, which holds the file's read lock while it sleeps.
	_ = raw.Control(func(fd uintptr) {
		for sum := 0; sum < maxPipe; {
			n, _ := o.take(int(fd))
			if n == 0 {
				break
			}
			sum += n
		}
	})
	o.mu.Lock()
	o.end()
	o.mu.Unlock()
}

// Close stops reading and waits for the reader.
func (o *Output) Close() {
	_ = o.file.Close()
	<-o.done
}

// feed cuts data into lines and frames.
func (o *Output) feed(data []byte) {
	if len(o.rest) > 0 {
		o.rest = append(o.rest, data...)
		data = o.rest
	}
	for {
		text, rest, ok := next(data)
		if !ok {
			break
		}
		o.sink(sandbox.Line{Time: o.now(), Text: text})
		data = rest
	}
	o.rest = append(o.rest[:0], data...)
}

// end hands over an unfinished line. An unfinished frame stays: the rest of it is on its way.
func (o *Output) end() {
	if len(o.rest) == 0 || bytes.HasPrefix(o.rest, frameMark) {
		return
	}
	o.sink(sandbox.Line{Time: o.now(), Text: o.rest})
	o.rest = o.rest[:0]
}

// A frame is a message of a managed runtime, which may have several lines: type (4 bytes), length (4), microseconds
// since 1970 by the machine's clock (8), text; big-endian. The type is frameMark and a byte of level and format. The
// mark is no UTF-8, so that it does not occur in lines.
const frameHeader = 16

var frameMark = []byte{0xa5, 0x5a, 0x00}

// next cuts the first line or frame off data. What is longer than a log event may be is cut there.
func next(data []byte) (text, rest []byte, ok bool) {
	if bytes.HasPrefix(data, frameMark) {
		return nextFrame(data)
	}
	line, after := data, []byte(nil)
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		line, after, ok = data[:i], data[i+1:], true
	}
	if i := bytes.Index(line, frameMark); i >= 0 {
		line, after, ok = data[:i], data[i:], true
	}
	if len(line) > maxLine {
		line, after, ok = data[:maxLine], data[maxLine:], true
	}
	if !ok {
		return nil, data, false
	}
	return line, after, true
}

func nextFrame(data []byte) (text, rest []byte, ok bool) {
	if len(data) < frameHeader {
		return nil, data, false
	}
	size := binary.BigEndian.Uint32(data[4:])
	if size > maxFrame { // no frame: it is taken as it is, so that it does not hide what follows
		return data[:frameHeader], data[frameHeader:], true
	}
	whole := frameHeader + int(size)
	if len(data) < whole {
		return nil, data, false
	}
	text = bytes.TrimSuffix(data[frameHeader:whole], []byte{'\n'})
	return text[:min(len(text), maxLine)], data[whole:], true
}
