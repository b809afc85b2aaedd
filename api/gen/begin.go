package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// scaffold is the first file of a service; %[1]s is our name, %[2]s AWS's.
const scaffold = `// Package %[1]s is %[2]s. It serves the operations that api/%[1]sapi/ops.txt names; every other one of its API is answered
// with NotImplemented.
package %[1]s

import (
	"github.com/brume-dev/brume/api/%[1]sapi"
	"github.com/brume-dev/brume/store"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
}

// Service implements %[1]sapi.Handler.
type Service struct {
	store store.Store
}

var _ %[1]sapi.Handler = (*Service)(nil)

// New returns the service. It starts nothing.
func New(c Config) (*Service, error) { return &Service{store: c.Store}, nil }
`

// beginService writes the ops.txt, the overlay where the model has another name than ours, and the scaffold of a new service,
// none of them over a file that is there. It returns our name.
func beginService(root, model string, models fs.FS) (name string, err error) {
	m, err := readModel(models, model, "")
	if err != nil {
		return "", err
	}
	name = strings.ReplaceAll(model, "-", "")
	if name != model {
		b, err := json.Marshal(map[string]string{"model": model})
		if err != nil {
			return "", err
		}
		if err := writeNew(filepath.Join(root, overlayDir, name+".json"), string(b)+"\n"); err != nil {
			return "", err
		}
	}
	title := firstOf(m.Metadata.ServiceFullName, m.Metadata.ServiceID)
	ops := "# Operations of " + title + " that Brume has, one a line.\n"
	if err := writeNew(filepath.Join(folder(root, name), "ops.txt"), ops); err != nil {
		return "", err
	}
	code := fmt.Sprintf(scaffold, name, title)
	if err := writeNew(filepath.Join(root, "service", name, name+".go"), code); err != nil {
		return "", err
	}
	fmt.Printf("service/%[1]s is there. In cmd/brume, construct it with the other services and register it:\n\n"+
		"\ttable.Register(%[1]sapi.Service, %[1]s)\n\nName the operations that it has in api/%[1]sapi/ops.txt, then: make generate\n", name)
	return name, nil
}

// writeNew writes a file that is not there yet, and leaves one that is.
func writeNew(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
