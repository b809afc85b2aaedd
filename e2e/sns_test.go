package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSignaturesOfSNS has AWS's own validator accept what Brume signs: it fetches the certificate over TLS from the URL that
// the message names.
func TestSignaturesOfSNS(t *testing.T) {
	need(t, "boto3", haveBoto3)
	dir := t.TempDir()
	need(t, "sns-validator (npm ci)", func() error {
		if err := os.CopyFS(dir, os.DirFS("testdata/sns")); err != nil {
			return err
		}
		cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("npm ci: %w\n%s", err, out)
		}
		return nil
	})
	b := start(t)
	collect := exec.Command("python3", filepath.Join(dir, "collect.py"))
	collect.Env = b.env(newAccount())
	messages, err := collect.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, b.stderr)
	}
	verify := exec.Command("node", filepath.Join(dir, "verify.js"), strings.TrimPrefix(b.URL, "http://"))
	verify.Dir, verify.Stdin = dir, strings.NewReader(string(messages))
	verify.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+filepath.Join(b.Data, "tls", "ca.pem"))
	out, err := verify.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "8 verified") {
		t.Errorf("%v\n%s\n%s", err, out, messages)
	}
}
