package interpreter

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	switch lang {
	case Java:
		return f.questionJava(ctx, path)
	case DotNet:
		return f.questionDotNet(ctx, path)
	}
	cmd := exec.CommandContext(ctx, path, map[Language][]string{Python: {"-c", pythonQuestion}, Node: {"-e", nodeQuestion},
		Ruby: {"-rjson", "-e", rubyQuestion}}[lang]...)
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
	switch in.Language {
	case Node:
		out.SDK = f.nodeSDK(in)
		return &out
	case Python:
	default:
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
