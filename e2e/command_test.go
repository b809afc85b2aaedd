package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCommands runs each script of testdata/brume (see package testscript) with brume's own subcommands against one platform,
// in an account of its own.
func TestCommands(t *testing.T) {
	need(t, "boto3", haveBoto3) // the functions are in Python
	b := start(t)
	examples, err := filepath.Abs("../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/brume",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"until": until},
		Setup: func(e *testscript.Env) error {
			account := newAccount()
			for _, v := range b.env(account) {
				if strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "PYENV_") {
					e.Vars = append(e.Vars, v)
				}
			}
			e.Vars = append(e.Vars, "ACCOUNT="+account, "BRUME_ENDPOINT="+b.URL, "EXAMPLES="+examples, "LISTEN="+strings.TrimPrefix(b.URL, "http://"),
				"HOME="+os.Getenv("HOME"), "PATH="+filepath.Dir(binary)+string(filepath.ListSeparator)+os.Getenv("PATH"))
			return nil
		},
	})
}

// until is the script command "until PATTERN PROGRAM ARG...": it runs the program again and again until its output matches,
// for what comes some time after the answer that caused it.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until pattern program [arg...]")
	}
	pattern := regexp.MustCompile(args[0])
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && pattern.MatchString(out) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%v has not printed %s: %v", args[1:], args[0], err)
		}
	}
}
