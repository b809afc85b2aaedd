// Command gen makes the packages api/<service>api from AWS's API models (PROTOCOL.md section 7), and docs/COMPATIBILITY.md.
//
//	go run ./api/gen [-models DIR] [-root DIR] [NAME…]
//	go run ./api/gen -new NAME
//
// Without names it regenerates every service that has an api/<NAME>api/ops.txt. ops.txt names the operations that Brume
// has, one a line; '#' begins a comment. The models are read from the npm package @aws-cdk/asset-awscli-v1; overlay/ holds
// what they lack. -new begins a service: its package, a scaffold in service/NAME, and the line that wires it.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

func main() {
	root := flag.String("root", ".", "folder of the repository")
	dir := flag.String("models", "", "folder of models to read instead of the npm package's zip")
	begin := flag.String("new", "", "begin the service of this model: athena, cognito-idp")
	flag.Parse()
	if err := run(*root, *dir, *begin, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(root, dir, begin string, names []string) error {
	models, err := openModels(root, dir)
	if err != nil {
		return err
	}
	if begin != "" {
		name, err := beginService(root, begin, models)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	all, err := services(root)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = all
	}
	for _, n := range names {
		if err := writeService(root, n, models); err != nil {
			return err
		}
	}
	return writeCompatibility(root, all, models)
}

// services returns the names of the services that have an ops.txt.
func services(root string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, "api", "*api", "ops.txt"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range found {
		names = append(names, strings.TrimSuffix(filepath.Base(filepath.Dir(f)), "api"))
	}
	sort.Strings(names)
	return names, nil
}

// folder is where the package of a service lies.
func folder(root, name string) string { return filepath.Join(root, "api", name+"api") }

// writeService generates one package and removes generated files that it no longer has.
func writeService(root, name string, models fs.FS) error {
	ops, err := readLines(filepath.Join(folder(root, name), "ops.txt"))
	if err != nil {
		return err
	}
	o, err := readOverlay(root, name)
	if err != nil {
		return err
	}
	m, err := readModel(models, o.Model, o.Version)
	if err != nil {
		return err
	}
	files, err := generate(name, m, o, ops)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder(root, name), "*.go"))
	if err != nil {
		return err
	}
	for _, f := range old {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if files[filepath.Base(f)] == nil && bytes.HasPrefix(b, []byte(header)) {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	for f, b := range files {
		if err := writeFile(filepath.Join(folder(root, name), f), b); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes b to path unless it is there already: an untouched time stamp spares other packages a rebuild.
func writeFile(path string, b []byte) error {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, b) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

// readLines reads the lines of a list without comments and blank ones.
func readLines(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out, nil
}
