package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/brume-dev/brume/cmd/brume/platform"
)

// serve runs a platform until it is interrupted.
type serve struct {
	Listen       string `help:"Address and port." default:"127.0.0.1:4566" env:"BRUME_LISTEN" placeholder:"ADDRESS"`
	Data         string `help:"Folder of all state." default:"${data}" env:"BRUME_DATA" placeholder:"DIR" type:"path"`
	Account      string `help:"Account of requests that name none." default:"000000000000" env:"BRUME_ACCOUNT"`
	Region       string `help:"Region of requests that name none." default:"us-east-1" env:"BRUME_REGION"`
	Auth         string `help:"open takes unknown access keys for administrators, enforce refuses them." enum:"open,enforce" default:"open" env:"BRUME_AUTH"`
	Isolation    string `help:"What to do where the kernel cannot isolate functions: auto goes without, require refuses to start." enum:"auto,require" default:"auto" env:"BRUME_ISOLATION"`
	Network      string `name:"function-network" help:"Network of functions: own leads to Brume and the outside only, host is the machine's." enum:"own,host" default:"own" env:"BRUME_FUNCTION_NETWORK"`
	Runtimes     string `help:"Interpreters of functions: nearest takes another version where the machine lacks the one that a runtime names, exact refuses that." enum:"nearest,exact" default:"nearest" env:"BRUME_RUNTIMES"`
	VirtualClock bool   `help:"Start a clock that brume clock advance moves." env:"BRUME_VIRTUAL_CLOCK"`
	SMTP         string `name:"smtp" help:"Address and port of the relay that takes SNS's mails; without one they are kept, and shown at /_brume/mail." env:"BRUME_SMTP" placeholder:"ADDRESS"`
	XRay         string `name:"xray" help:"Address and port to which X-Ray SDKs send segments; empty for none." default:"127.0.0.1:2000" env:"BRUME_XRAY" hidden:""`
	Mocks        string `name:"sfn-mock-config" help:"Mock configuration of Step Functions Local: answers for the tasks of executions that are started as MACHINE#CASE." env:"BRUME_SFN_MOCK_CONFIG,SFN_MOCK_CONFIG" placeholder:"FILE" type:"path"`
	Log          string `help:"Least level of what is logged." enum:"debug,info,warn,error" default:"warn" env:"BRUME_LOG" hidden:""`
}

// ballastSize is memory that is never touched, and so never occupied, but that the collector counts: without it the few
// megabytes of an idle platform would have it run several times a second as soon as requests come.
const ballastSize = 16 << 20

// Run implements the subcommand.
func (s *serve) Run(w *world) error {
	ballast := make([]byte, ballastSize)
	defer runtime.KeepAlive(ballast)
	p, err := s.open(w)
	if err != nil {
		return err
	}
	p.Welcome(w.out)
	err = p.Run(w)
	return errors.Join(err, p.Close())
}

// open makes the platform, and the runtime ready for it.
func (s *serve) open(w *world) (*platform.Platform, error) {
	tune()
	return platform.New(s.config(w))
}

func (s *serve) config(w *world) platform.Config {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.Log)) // kong has checked it
	return platform.Config{Listen: s.Listen, Data: s.Data, Account: s.Account, Region: s.Region, Auth: platform.Auth(s.Auth),
		Isolation: platform.Isolation(s.Isolation), HostNetwork: s.Network == "host", ExactRuntimes: s.Runtimes == "exact", VirtualClock: s.VirtualClock, XRayListen: s.XRay, SMTP: s.SMTP, MockConfig: s.Mocks, Version: version(),
		Log: slog.New(slog.NewTextHandler(w.err, &slog.HandlerOptions{Level: level}))}
}

// dataFolder is where state lies when nobody says otherwise: ~/.brume.
func dataFolder() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return "brume-data"
	}
	return filepath.Join(home, ".brume")
}
