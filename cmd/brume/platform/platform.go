// Package platform puts the house together: it opens the state in a folder, makes every service, and puts the gateway
// before them. It is what brume serve runs, and what tests run in their own process.
package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/brume-dev/brume/gateway"
	"github.com/brume-dev/brume/gateway/authority"
	"github.com/brume-dev/brume/store"
)

// Platform is a Brume: a port, and behind it a house that can be exchanged for an empty one.
type Platform struct {
	Config
	listener  net.Listener
	authority *authority.Authority
	began     time.Time
	leaving   chan struct{} // closed when Run is about to end: those who wait for something need not any longer

	mu    sync.Mutex // one exchange at a time
	front front
	runs  *errgroup.Group
	run   context.Context
}

// New takes the port and opens the folder. Everything that a request needs is there when it returns; Run answers them.
func New(c Config) (*Platform, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &Platform{Config: c, began: time.Now(), leaving: make(chan struct{})}
	var err error
	if p.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, portError(c.Listen, err)
	}
	if p.authority, err = authority.Open(filepath.Join(c.Data, "tls"), time.Now); err != nil {
		return nil, errors.Join(err, p.listener.Close())
	}
	h, err := p.open()
	if err != nil {
		return nil, errors.Join(err, p.listener.Close())
	}
	p.front.enter(h)
	return p, nil
}

// leanAfter is when starting is over, what services do after it included.
const leanAfter = 2 * time.Second

// settle gives back what only starting needed.
func settle() {
	debug.FreeOSMemory()
	lean()
}

// URL is where the platform answers, with the port that it got.
func (p *Platform) URL() string { return "http://" + p.listener.Addr().String() }

// Authority signs the certificates that the port shows to TLS clients.
func (p *Platform) Authority() *authority.Authority { return p.authority }

// Run answers requests and keeps promises until ctx ends or something fails that cannot be gone on without. Then it lets
// requests under way end. Call Close afterwards.
func (p *Platform) Run(ctx context.Context) error {
	// The port closes first: the house behind it must outlive the requests that it still answers.
	inside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	runs, inside := errgroup.WithContext(inside)
	p.mu.Lock()
	p.runs, p.run = runs, inside
	p.start(p.front.house())
	p.mu.Unlock()

	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(inside, cancel)()
	defer context.AfterFunc(serving, func() { close(p.leaving) })()
	defer time.AfterFunc(leanAfter, settle).Stop()
	server := &gateway.Server{Handler: &p.front, TLS: p.authority.TLS(), Log: p.Log}
	err := server.Run(serving, p.listener)
	stop()
	if failed := runs.Wait(); failed != nil {
		return failed
	}
	return err
}

// start begins the loops of h. p.mu is held.
func (p *Platform) start(h *house) {
	ctx, stop := context.WithCancel(p.run)
	h.stop = stop
	h.running.Add(len(h.loops))
	for _, loop := range h.loops {
		p.runs.Go(func() error {
			defer h.running.Done()
			if err := loop(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
}

// Close gives up the port and the folder. The folder is then cleanly closed.
func (p *Platform) Close() error {
	err := p.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.front.house(); h != nil {
		err = errors.Join(err, h.close())
	}
	return err
}

// Reset empties the platform: every resource of every account. Requests that come meanwhile wait; what those under way still
// ask of the store fails. An error is the end of the platform: Run returns it.
func (p *Platform) Reset() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.exchange()
	if err != nil && p.runs != nil {
		p.runs.Go(func() error { return err })
	}
	return err
}

// exchange puts an empty house in the place of the one there is. p.mu is held.
func (p *Platform) exchange() error {
	old := p.front.leave()
	if err := old.close(); err != nil {
		return fmt.Errorf("reset: close: %w", err)
	}
	for _, name := range state() {
		if err := os.RemoveAll(filepath.Join(p.Data, name)); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	h, err := p.open()
	if err != nil {
		return fmt.Errorf("reset: open: %w", err)
	}
	if p.run != nil {
		p.start(h)
	}
	p.front.enter(h)
	return nil
}

// state is what of the data folder makes up the state; the rest (the certificate authority) outlives a reset.
func state() []string { return []string{"store", "blob", "sandbox", "clock"} }

// front is the door that stays while houses change. Requests that come between two wait for the next.
type front struct {
	mu      sync.Mutex
	current *house
	next    chan struct{} // closed when a house has been entered; nil while there is one
}

func (f *front) house() *house {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}

func (f *front) enter(h *house) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = h
	if f.next != nil {
		close(f.next)
		f.next = nil
	}
}

func (f *front) leave() *house {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.current
	f.current, f.next = nil, make(chan struct{})
	return old
}

// ServeHTTP passes r to the house of the day.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		f.mu.Lock()
		h, next := f.current, f.next
		f.mu.Unlock()
		if h != nil {
			h.gateway.ServeHTTP(w, r)
			return
		}
		select {
		case <-next:
		case <-r.Context().Done():
			return
		}
	}
}

// portError says in one line what is wrong with the address.
func portError(listen string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another program; --listen names another address", listen)
	}
	return fmt.Errorf("cannot listen on %s: %w", listen, err)
}

// folderError likewise for the folder.
func folderError(dir string, err error) error {
	switch {
	case errors.Is(err, store.ErrFenced):
		return fmt.Errorf("the folder %s is in use by another Brume; --data names another folder", dir)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the folder %s cannot be written: %w", dir, err)
	}
	return fmt.Errorf("the folder %s cannot be opened: %w", dir, err)
}

// Welcome is what brume serve prints once the platform answers: one line that begins "Ready.", and the variables with
// which clients find it.
func (p *Platform) Welcome(w io.Writer) {
	clock := ""
	if p.VirtualClock {
		clock = ", virtual clock"
	}
	fmt.Fprintf(w, "Ready. Brume answers at %s (data in %s, auth %s, account %s%s) after %d ms.\n", p.URL(), p.Data, p.Auth, p.Account, clock,
		time.Since(p.began).Milliseconds())
	for _, line := range p.front.house().notes {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "export AWS_ENDPOINT_URL=%s AWS_REGION=%[2]s AWS_DEFAULT_REGION=%[2]s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n", reachable(p.URL()), p.Region)
}

// reachable replaces the address that means all addresses by one that can be dialled.
func reachable(url string) string {
	return strings.NewReplacer("0.0.0.0", "127.0.0.1", "[::]", "127.0.0.1").Replace(url)
}
