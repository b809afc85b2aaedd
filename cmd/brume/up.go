package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/brume-dev/brume/cmd/brume/platform"
)

// up runs a platform, unless one is running, and deploys to it.
type up struct {
	serve
	settings
}

// Run implements the subcommand. A platform that it starts runs until it is interrupted.
func (u *up) Run(w *world) error {
	app, err := u.application()
	if err != nil {
		return err
	}
	there := &endpoint{Endpoint: "http://" + u.Listen}
	if there.answers(w) {
		return deployTo(w, there.here(w), app)
	}
	return u.during(w, func(w *world, p *platform.Platform) error {
		p.Welcome(w.out)
		if err := deployTo(w, (&endpoint{Endpoint: p.URL(), region: u.Region}).remote(), app); err != nil {
			return err
		}
		fmt.Fprintln(w.out, "\nCtrl-C ends the platform; its state stays in", u.Data)
		<-w.Done()
		return nil
	})
}

// answers reports whether a platform is running at the endpoint.
func (e *endpoint) answers(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Endpoint+"/_brume/health", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// during runs a platform while f runs, and ends it when f ends.
func (s *serve) during(w *world, f func(*world, *platform.Platform) error) error {
	p, err := s.open(w)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(w)
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	inside := *w
	inside.Context = ctx
	err = f(&inside, p)
	stop()
	return errors.Join(err, <-ran, p.Close())
}
