// Command gen makes the packages api/<service>api from AWS's API models (PROTOCOL.md section 7).
//
//	go run ./api/gen [-models DIR] [-root DIR] [NAME…]
//
// Without names it regenerates every service that has an api/<NAME>api/ops.txt. ops.txt names the operations that Brume
// has, one a line, '#' begins a comment. The models are read from the npm package @aws-cdk/asset-awscli-v1; overlay/ holds
// what they lack.
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
	flag.Parse()
	if err := run(*root, *dir, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(root, dir string, names []string) error {
	models, err := openModels(root, dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		if names, err = services(root); err != nil {
			return err
		}
	}
	for _, n := range names {
		if err := writeService(root, n, models); err != nil {
			return err
		}
	}
	return nil
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

// writeService generates one package and removes generated files that it no longer has.
func writeService(root, name string, models fs.FS) error {
	folder := filepath.Join(root, "api", name+"api")
	ops, err := readOps(filepath.Join(folder, "ops.txt"))
	if err != nil {
		return err
	}
	o, err := readOverlay(name)
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
	old, err := filepath.Glob(filepath.Join(folder, "*.go"))
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
		path := filepath.Join(folder, f)
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, b) {
			continue // leave the time stamp: other packages need no rebuild
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readOps reads an ops.txt.
func readOps(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var ops []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			ops = append(ops, line)
		}
	}
	return ops, nil
}
