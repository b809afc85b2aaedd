// Package interpreter finds the language runtimes of the machine and chooses the one for a Lambda runtime id: the exact
// version if it is there, else the nearest newer, else the nearest older one. What an interpreter needs of the file
// system is learnt by asking the interpreter itself.
package interpreter

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Language is a family of runtimes.
type Language string

// The languages whose interpreters are looked for.
const (
	Python Language = "python"
	Node   Language = "nodejs"
	Ruby   Language = "ruby"
	Java   Language = "java"
	DotNet Language = "dotnet"
)

// Version is a version number.
type Version struct{ Major, Minor, Patch int }

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Interpreter is an interpreter found on the machine.
type Interpreter struct {
	Language Language
	Path     string // the program itself, no link
	Version  Version
	// Folders and Files are what must be visible beside the system's own libraries: the prefix, the places it
	// imports from, shared libraries elsewhere.
	Folders []string
	Files   []string
	// SDK lists, for Python, the packages (folders and files) of the AWS SDK where the interpreter itself lacks it and
	// another one has it; for Node.js, a node_modules folder with @aws-sdk in it.
	SDK []string
}

// ParseRuntime takes a runtime id apart: "python3.12" is Python 3.12, "nodejs22.x" is Node 22, "java8.al2" is Java 8. ok is
// false for ids of other languages, and of those that bring their own bootstrap.
func ParseRuntime(id string) (Language, Version, bool) {
	for _, l := range []Language{Python, Ruby} {
		if s, ok := strings.CutPrefix(id, string(l)); ok {
			major, minor, _ := strings.Cut(s, ".")
			a, err1 := strconv.Atoi(major)
			b, err2 := strconv.Atoi(minor)
			return l, Version{Major: a, Minor: b}, err1 == nil && err2 == nil
		}
	}
	for l, suffix := range map[Language]string{Node: ".x", Java: "", DotNet: ""} {
		s, ok := strings.CutPrefix(id, string(l))
		if !ok {
			continue
		}
		if l == Java {
			s = strings.TrimSuffix(strings.TrimSuffix(s, ".al2"), ".al2023")
		}
		a, err := strconv.Atoi(strings.TrimSuffix(s, suffix))
		return l, Version{Major: a}, err == nil && strings.HasSuffix(s, suffix)
	}
	return "", Version{}, false
}

// rank orders versions of a language by what a runtime id distinguishes.
func rank(l Language, v Version) int {
	if l == Python || l == Ruby {
		return v.Major*1000 + v.Minor
	}
	return v.Major
}

// Finder looks for interpreters in the folders that a shell would use and in those of the usual version managers. It
// remembers what it found.
type Finder struct {
	// Path is a list of folders, as $PATH.
	Path string
	// Home is the user's home folder, under which version managers install.
	Home string
	// NodeModules are folders that may hold @aws-sdk, beside the global ones.
	NodeModules []string

	mu     sync.Mutex
	chosen map[string]choice
	all    map[Language][]*Interpreter
	asked  map[string]*Interpreter
}

type choice struct {
	in    *Interpreter
	exact bool
}

// For returns the interpreter for a runtime id, and whether it is of exactly that version.
func (f *Finder) For(ctx context.Context, id string) (*Interpreter, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.chosen[id]; ok {
		return c.in, c.exact, nil
	}
	lang, want, ok := ParseRuntime(id)
	if !ok {
		return nil, false, fmt.Errorf("no interpreter is known for runtime %q", id)
	}
	c, err := f.choose(ctx, lang, want)
	if err != nil {
		return nil, false, fmt.Errorf("runtime %s: %w", id, err)
	}
	if f.chosen == nil {
		f.chosen = map[string]choice{}
	}
	f.chosen[id] = c
	return c.in, c.exact, nil
}

func (f *Finder) choose(ctx context.Context, lang Language, want Version) (choice, error) {
	// An interpreter whose file name already says the version saves asking all the others.
	for _, p := range f.candidates(lang) {
		if p.named && rank(lang, p.version) == rank(lang, want) {
			if in := f.ask(ctx, lang, p.path); in != nil && rank(lang, in.Version) == rank(lang, want) {
				return choice{f.withSDK(ctx, in), true}, nil
			}
		}
	}
	best := nearest(f.everything(ctx, lang), rank(lang, want))
	if best == nil {
		return choice{}, fmt.Errorf("no %s interpreter was found on this machine (looked in PATH and in the folders of version managers)", lang)
	}
	return choice{f.withSDK(ctx, best), rank(lang, best.Version) == rank(lang, want)}, nil
}

// nearest is the interpreter of rank want, else of the next higher one, else of the next lower one; among equals the
// highest patch.
func nearest(all []*Interpreter, want int) *Interpreter {
	var best *Interpreter
	better := func(in *Interpreter) bool {
		a, b := rank(in.Language, in.Version), rank(best.Language, best.Version)
		switch {
		case a == b:
			return in.Version.Minor > best.Version.Minor ||
				in.Version.Minor == best.Version.Minor && in.Version.Patch > best.Version.Patch
		case (a >= want) != (b >= want):
			return a >= want
		case a >= want:
			return a < b
		default:
			return a > b
		}
	}
	for _, in := range all {
		if best == nil || better(in) {
			best = in
		}
	}
	return best
}

// everything asks all candidates of a language, once.
func (f *Finder) everything(ctx context.Context, lang Language) []*Interpreter {
	if all, ok := f.all[lang]; ok {
		return all
	}
	var all []*Interpreter
	seen := map[string]bool{}
	for _, c := range f.candidates(lang) {
		if in := f.ask(ctx, lang, c.path); in != nil && !seen[in.Path] {
			seen[in.Path] = true
			all = append(all, in)
		}
	}
	if f.all == nil {
		f.all = map[Language][]*Interpreter{}
	}
	if ctx.Err() == nil {
		f.all[lang] = all
	}
	return all
}
