package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCommands runs each script of testdata/brume (see package testscript) with brume's own subcommands against one platform,
// in an account of its own.
func TestCommands(t *testing.T) {
	need(t, "boto3", haveBoto3) // the functions are in Python
	b := start(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/brume",
		Setup: func(e *testscript.Env) error {
			account := newAccount()
			for _, v := range b.env(account) {
				if strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "PYENV_") {
					e.Vars = append(e.Vars, v)
				}
			}
			e.Vars = append(e.Vars, "ACCOUNT="+account, "BRUME_ENDPOINT="+b.URL, "LISTEN="+strings.TrimPrefix(b.URL, "http://"),
				"HOME="+os.Getenv("HOME"), "PATH="+filepath.Dir(binary)+string(filepath.ListSeparator)+os.Getenv("PATH"))
			return nil
		},
	})
}
