// Brume runs serverless applications, written for the AWS APIs, on machines that you own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/brume-dev/brume/sandbox/process"
)

// commands are the subcommands, each in the file of its name.
type commands struct {
	Serve    serve     `cmd:"" help:"Run the platform on this machine."`
	Up       up        `cmd:"" help:"Run a platform, unless one is running, and deploy a template to it."`
	Deploy   deploys   `cmd:"" help:"Create or update the stack of a template, and wait for it."`
	Delete   deletes   `cmd:"" help:"Delete a stack, and wait for it."`
	Invoke   invoke    `cmd:"" help:"Call a function."`
	Logs     logs      `cmd:"" help:"Show what a function or a log group has written."`
	Demo     demo      `cmd:"" help:"Run the jobs example on a fresh platform."`
	Status   status    `cmd:"" help:"Show what a running platform is doing."`
	Clock    clocks    `cmd:"" help:"Show or move the time of a running platform."`
	Sfn      sfn       `cmd:"" help:"Draw state machines; follow executions."`
	Bench    benchmark `cmd:"" help:"Measure a platform beside what the machine could do at best."`
	Ceilings ceilings  `cmd:"" hidden:"" help:"The handlers that brume bench compares with."`

	Version kong.VersionFlag `help:"Show the version."`
}

// world is what of the process the subcommands see.
type world struct {
	context.Context // ends with the first interrupt
	out, err        io.Writer
}

func main() {
	process.Stage() // does not return in processes that this one starts of itself to keep functions
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// exitInterrupted is what shells give a program that SIGINT has ended.
const exitInterrupted = 130

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	exit := -1
	parser, err := kong.New(new(commands), kong.Name("brume"), kong.Description("Serverless applications, written for the AWS APIs, on your own machine."),
		kong.UsageOnError(), kong.Writers(out, errOut), kong.Exit(func(code int) { exit = code }),
		kong.Vars{"version": version(), "data": dataFolder(), "temporary": os.TempDir()}, kong.Bind(&world{ctx, out, errOut}))
	if err != nil {
		panic(err) // the commands above are malformed
	}
	command, err := parser.Parse(args)
	if exit >= 0 { // --help, --version
		return exit
	}
	if err == nil {
		err = command.Run()
	}
	var usage *kong.ParseError
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "brume: interrupted")
		return exitInterrupted
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "brume: %v (brume --help)\n", err)
		return 2
	}
	fmt.Fprintf(errOut, "brume: %v\n", err)
	return 1
}

// version is that of the module or, in a working copy, of the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v += "-" + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return v
}
