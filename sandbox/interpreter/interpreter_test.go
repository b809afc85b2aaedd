package interpreter

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestParseRuntime(t *testing.T) {
	for id, want := range map[string]string{
		"ruby3.3": "ruby 3.3.0 true", "java8.al2": "java 8.0.0 true", "java21": "java 21.0.0 true", "dotnet8": "dotnet 8.0.0 true", "javascript": "java 0.0.0 false",
		"python3.12": "python 3.12.0 true", "nodejs22.x": "nodejs 22.0.0 true", "nodejs20": "nodejs 20.0.0 false",
		"provided.al2023": " 0.0.0 false", "python": "python 0.0.0 false",
	} {
		l, v, ok := ParseRuntime(id)
		if got := fmt.Sprint(l, " ", v, " ", ok); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	var all []*Interpreter
	for _, minor := range []int{9, 11, 13} {
		all = append(all, &Interpreter{Language: Python, Version: Version{3, minor, 1}})
	}
	all = append(all, &Interpreter{Language: Python, Version: Version{3, 11, 7}})
	for want, got := range map[int]string{11: "3.11.7", 12: "3.13.1", 10: "3.11.7", 14: "3.13.1", 8: "3.9.1"} {
		if in := nearest(all, 3000+want); in.Version.String() != got {
			t.Errorf("3.%d: got %s, want %s", want, in.Version, got)
		}
	}
	if nearest(nil, 3000) != nil {
		t.Error("an interpreter out of nothing")
	}
}

// A machine is built from shell scripts that answer as interpreters do.
func TestFinder(t *testing.T) {
	home := t.TempDir()
	fake := func(minor, patch int, sdk string) {
		bin := filepath.Join(home, fmt.Sprintf(".pyenv/versions/3.%d.%d/bin", minor, patch))
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(bin, fmt.Sprintf("python3.%d", minor))
		text := fmt.Sprintf(`#!/bin/sh
echo '{"version":[3,%d,%d],"program":"%s","folders":["%s","/usr"],"files":["/x/lib.so","%s/in.so"],"sdk":"%s"}'`,
			minor, patch, program, filepath.Dir(bin), filepath.Dir(bin), sdk)
		if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	site := filepath.Join(home, "site")
	for _, name := range []string{"boto3", "botocore", "numpy"} {
		if err := os.MkdirAll(filepath.Join(site, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fake(10, 2, site)
	fake(12, 1, "")
	f := &Finder{Home: home, Path: ""}
	in, exact, err := f.For(context.Background(), "python3.12")
	if err != nil || !exact || in.Version.String() != "3.12.1" {
		t.Fatalf("python3.12: %+v %v %v", in, exact, err)
	}
	if want := []string{filepath.Join(site, "boto3"), filepath.Join(site, "botocore")}; fmt.Sprint(in.SDK) != fmt.Sprint(want) {
		t.Errorf("SDK lent: %v, want %v", in.SDK, want)
	}
	if fmt.Sprint(in.Files) != "[/x/lib.so]" || len(in.Folders) != 1 {
		t.Errorf("files %v, folders %v", in.Files, in.Folders)
	}
	if in, exact, err = f.For(context.Background(), "python3.11"); err != nil || exact || in.Version.Minor != 12 {
		t.Errorf("python3.11: %v %v %v, want the nearest newer", in, exact, err)
	}
	if in, _, err = f.For(context.Background(), "python3.14"); err != nil || in.Version.Minor != 12 {
		t.Errorf("python3.14: %v %v, want the nearest older", in, err)
	}
	if _, _, err = f.For(context.Background(), "nodejs22.x"); err == nil {
		t.Error("nodejs22.x was found where there is none")
	}
	if _, _, err = f.For(context.Background(), "ruby3.3"); err == nil {
		t.Error("ruby3.3 was found")
	}
}
