package interpreter

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// askTimeout bounds one question to one program.
const askTimeout = 10 * time.Second

// pythonQuestion prints what Python knows of itself: version, program, where it imports from, what it has loaded.
const pythonQuestion = `
import sys, os, json, importlib.util
def libraries():
    try:
        with open('/proc/self/maps') as f:
            return sorted({l.split(None, 5)[5].strip() for l in f if len(l.split(None, 5)) == 6 and '/' in l})
    except OSError:
        return []
sdk = importlib.util.find_spec('boto3')
print(json.dumps({
    'version': list(sys.version_info[:3]),
    'program': os.path.realpath(sys.executable),
    'folders': [sys.prefix, sys.base_prefix, sys.exec_prefix] + [p for p in sys.path if p and os.path.isdir(p)],
    'files': libraries(),
    'sdk': os.path.dirname(os.path.dirname(sdk.origin)) if sdk and sdk.origin else '',
}))`

// nodeQuestion is the same for Node.js.
const nodeQuestion = `
const fs = require('fs'), path = require('path');
let files = [];
try {
  files = fs.readFileSync('/proc/self/maps', 'utf8').split('\n').map(l => l.slice(l.indexOf('/'))).filter(l => l[0] === '/');
} catch {}
const program = fs.realpathSync(process.execPath), prefix = path.dirname(path.dirname(program));
const modules = path.join(prefix, 'lib', 'node_modules');
console.log(JSON.stringify({
  version: process.versions.node.split('.').map(Number), program,
  folders: prefix === '/usr' ? [] : [prefix], files: [...new Set(files)],
  sdk: fs.existsSync(path.join(modules, '@aws-sdk')) ? modules : '',
}));`

// answer is what both print.
type answer struct {
	Version [3]int   `json:"version"`
	Program string   `json:"program"`
	Folders []string `json:"folders"`
	Files   []string `json:"files"`
	SDK     string   `json:"sdk"`
}

// ask runs the program at path and lets it describe itself; nil when it is no such interpreter. Answers are kept.
func (f *Finder) ask(ctx context.Context, lang Language, path string) *Interpreter {
	if in, ok := f.asked[path]; ok {
		return in
	}
	in := f.question(ctx, lang, path)
	if ctx.Err() != nil {
		return nil
	}
	if f.asked == nil {
		f.asked = map[string]*Interpreter{}
	}
	f.asked[path] = in
	return in
}

func (f *Finder) question(ctx context.Context, lang Language, path string) *Interpreter {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	args := []string{"-c", pythonQuestion}
	if lang == Node {
		args = []string{"-e", nodeQuestion}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"HOME=" + f.Home, "PATH=" + f.Path, "PYTHONDONTWRITEBYTECODE=1"}
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	var a answer
	if json.Unmarshal(bytes.TrimSpace(out), &a) != nil || a.Program == "" {
		return nil
	}
	in := &Interpreter{Language: lang, Path: a.Program, Version: Version{a.Version[0], a.Version[1], a.Version[2]}}
	for _, d := range a.Folders {
		if d = filepath.Clean(d); d != "/" && d != "/usr" && d != "/usr/local" {
			in.Folders = append(in.Folders, d)
		}
	}
	in.Folders = outermost(in.Folders)
	for _, p := range a.Files {
		if filepath.IsAbs(p) && !strings.HasSuffix(p, "(deleted)") && !below(p, in.Folders) {
			in.Files = append(in.Files, p)
		}
	}
	if a.SDK != "" {
		in.SDK = []string{a.SDK}
	}
	return in
}

// outermost sorts folders and leaves out those inside another.
func outermost(folders []string) []string {
	slices.Sort(folders)
	var out []string
	for _, d := range folders {
		if !below(d, out) {
			out = append(out, d)
		}
	}
	return out
}

// below reports whether p is one of folders or lies in one.
func below(p string, folders []string) bool {
	return slices.ContainsFunc(folders, func(d string) bool { return p == d || strings.HasPrefix(p, d+"/") })
}

// pythonSDK are the packages that make up boto3; all are plain Python, so that another version can import them.
var pythonSDK = []string{"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"}

// withSDK completes in.SDK: what it has itself needs nothing more, else another interpreter of the language lends its.
func (f *Finder) withSDK(ctx context.Context, in *Interpreter) *Interpreter {
	out := *in
	out.SDK = nil
	if in.Language == Node {
		out.SDK = f.nodeSDK(in)
		return &out
	}
	if len(in.SDK) > 0 {
		return &out
	}
	for _, other := range f.everything(ctx, in.Language) {
		if len(other.SDK) == 0 {
			continue
		}
		for _, name := range pythonSDK {
			if p := filepath.Join(other.SDK[0], name); exists(p) {
				out.SDK = append(out.SDK, p)
			}
		}
		return &out
	}
	return &out
}

func (f *Finder) nodeSDK(in *Interpreter) []string {
	places := append(slices.Clone(in.SDK), f.NodeModules...)
	places = append(places, filepath.Join(f.Home, "node_modules"), "/usr/local/lib/node_modules", "/usr/lib/node_modules")
	for _, p := range places {
		if exists(filepath.Join(p, "@aws-sdk")) {
			return []string{p}
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// candidate is a file that looks like an interpreter.
type candidate struct {
	path    string
	version Version
	named   bool // version is from the file's or folder's name
}

var (
	pythonName = regexp.MustCompile(`^python3\.(\d+)$`)
	nodeFolder = regexp.MustCompile(`^v?(\d+)\.\d+\.\d+$`)
)

// candidates lists programs by name, without running any, those of version managers first: a shim in PATH only starts
// one of them.
func (f *Finder) candidates(lang Language) []candidate {
	home := func(p string) []string {
		m, _ := filepath.Glob(filepath.Join(f.Home, p)) // the pattern is ours
		return m
	}
	var out []candidate
	add := func(path string, version Version, named bool) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			out = append(out, candidate{path, version, named})
		}
	}
	var dirs []string
	if lang == Python {
		dirs = slices.Concat(home(".pyenv/versions/*/bin"), home(".local/share/uv/python/*/bin"), filepath.SplitList(f.Path))
	} else {
		dirs = slices.Concat(home(".nvm/versions/node/*/bin"), home(".local/share/fnm/node-versions/*/installation/bin"),
			home(".volta/tools/image/node/*/bin"), home("n/n/versions/node/*/bin"), filepath.SplitList(f.Path))
	}
	for _, d := range dirs {
		if lang == Node {
			v, named := folderVersion(d)
			add(filepath.Join(d, "node"), v, named)
			continue
		}
		if strings.HasSuffix(d, "/shims") {
			continue
		}
		entries, _ := os.ReadDir(d) // a folder of PATH may be missing
		for _, e := range entries {
			if m := pythonName.FindStringSubmatch(e.Name()); m != nil {
				minor, _ := strconv.Atoi(m[1])
				add(filepath.Join(d, e.Name()), Version{Major: 3, Minor: minor}, true)
			}
		}
	}
	return out
}

// folderVersion reads a version from a folder of a version manager.
func folderVersion(dir string) (Version, bool) {
	for _, part := range strings.Split(dir, "/") {
		if m := nodeFolder.FindStringSubmatch(part); m != nil {
			major, _ := strconv.Atoi(m[1])
			return Version{Major: major}, true
		}
	}
	return Version{}, false
}
