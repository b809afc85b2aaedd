package interpreter

import (
	"bufio"
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// rubyQuestion is what Python's question is, for Ruby.
const rubyQuestion = `
require 'rbconfig'
files = File.readlines('/proc/self/maps').map { |l| l.split(' ', 6)[5] }.compact.map(&:strip).select { |p| p.start_with?('/') }.uniq rescue []
puts JSON.generate(version: RUBY_VERSION.split('.').map(&:to_i), program: File.realpath(RbConfig.ruby),
  folders: [RbConfig::CONFIG['prefix']] + $LOAD_PATH.select { |p| File.directory?(p) } + Gem.path.select { |p| File.directory?(p) },
  files: files, sdk: '')`

// questionJava asks a Java for its properties.
func (f *Finder) questionJava(ctx context.Context, path string) *Interpreter {
	cmd := exec.CommandContext(ctx, path, "-XshowSettings:properties", "-version")
	cmd.Env, cmd.Dir = []string{"HOME=" + f.Home, "PATH=" + f.Path}, "/"
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil
	}
	properties := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " = "); ok {
			properties[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	home := properties["java.home"]
	in := &Interpreter{Language: Java, Path: filepath.Join(home, "bin", "java"), Version: javaVersion(properties["java.version"])}
	if in.Version.Major == 0 || !exists(in.Path) {
		return nil
	}
	in.Folders = append([]string{home}, linkedFolders(home)...)
	if home, err := filepath.EvalSymlinks(home); err == nil {
		in.Folders = append(in.Folders, home)
	}
	in.Folders = outermost(in.Folders)
	return in
}

// javaVersion reads "17.0.15", "1.8.0_392", "21".
func javaVersion(text string) Version {
	n := [3]int{}
	parts := strings.FieldsFunc(strings.TrimPrefix(text, "1."), func(r rune) bool { return r < '0' || r > '9' })
	for i := range min(len(parts), 3) {
		n[i], _ = strconv.Atoi(parts[i])
	}
	return Version{n[0], n[1], n[2]}
}

// linkedFolders are the folders outside of a Java's home to which its links lead: distributions keep its settings in /etc.
func linkedFolders(home string) []string {
	var out []string
	_ = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		to, err := filepath.EvalSymlinks(path)
		if err != nil || !strings.HasPrefix(to, "/etc/") {
			return nil
		}
		if info, err := os.Stat(to); err == nil && !info.IsDir() {
			to = filepath.Dir(to)
		}
		out = append(out, to)
		return nil
	})
	return out
}

// netRuntime is a line of dotnet --list-runtimes.
var netRuntime = regexp.MustCompile(`(?m)^Microsoft\.NETCore\.App (\d+)\.(\d+)\.(\d+)\S* \[`)

// questionDotNet asks dotnet for its runtimes: the newest speaks for it, as the others run beside it.
func (f *Finder) questionDotNet(ctx context.Context, path string) *Interpreter {
	cmd := exec.CommandContext(ctx, path, "--list-runtimes")
	cmd.Env, cmd.Dir = []string{"HOME=" + f.Home, "PATH=" + f.Path}, "/"
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	program, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	in := &Interpreter{Language: DotNet, Path: program, Folders: []string{filepath.Dir(program)}}
	for _, m := range netRuntime.FindAllStringSubmatch(string(out), -1) {
		var v Version
		v.Major, _ = strconv.Atoi(m[1])
		v.Minor, _ = strconv.Atoi(m[2])
		v.Patch, _ = strconv.Atoi(m[3])
		if v.Major > in.Version.Major {
			in.Version = v
		}
	}
	if in.Version.Major == 0 {
		return nil
	}
	return in
}
